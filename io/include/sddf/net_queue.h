/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The network queues of sDDF 0.6/0.7. A connection has two rings for each direction: `active` holds
 * buffers with a frame in them, `free` those without. Received frames go driver -> virtualiser ->
 * client in `active`, and their buffers come back in `free`; frames to be sent go client ->
 * virtualiser -> driver in `active`, and their buffers come back in `free`. Between driver and
 * virtualiser a buffer has its physical address, between virtualiser and client its offset in the
 * data region. Buffers are of NET_BUFFER_SIZE bytes and begin at multiples of it.
 *
 * In the beginning all buffers are free: the receive virtualiser fills the driver's free ring, a
 * client that sends fills its own (net_queue_fill()).
 *
 * Indices run free and are reduced modulo the capacity, a power of two. The other side may be
 * hostile. Each side therefore keeps its own index in private memory and only publishes it; the
 * other side's is read once for each decision, and a distance beyond the capacity counts as
 * "nothing there" or "no room" (net_*_broken() tells that apart). An entry is copied out whole
 * before anyone looks at it.
 *
 * Signals. A consumer that has drained a ring says so by net_wait(), and looks again if that tells
 * it to; a producer notifies after a batch where net_must_signal() says so.
 */
#pragma once

#include <sddf/config.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NET_BUFFER_SIZE 2048u
#define NET_QUEUE_MAX   32768u

struct net_buff_desc {
    uint64_t io_or_offset;
    uint16_t len; /* bytes of the frame; nothing in a free buffer */
    uint8_t oid;  /* six bits: whose the data region is; 0.6 and we leave it at 0 */
};

/* In shared memory; written as sDDF's C structures lie. */
struct net_queue {
    uint16_t tail;               /* the producer's: next entry is put here */
    uint16_t head;               /* the consumer's: next entry is taken here */
    uint32_t consumer_signalled; /* 0: the consumer waits for a notification */
    struct net_buff_desc entries[];
};

_Static_assert(sizeof(struct net_buff_desc) == 16, "sDDF layout");
_Static_assert(offsetof(struct net_buff_desc, len) == 8, "sDDF layout");
_Static_assert(offsetof(struct net_buff_desc, oid) == 10, "sDDF layout");
_Static_assert(offsetof(struct net_queue, head) == 2, "sDDF layout");
_Static_assert(offsetof(struct net_queue, consumer_signalled) == 4, "sDDF layout");
_Static_assert(offsetof(struct net_queue, entries) == 8, "sDDF layout");

/* Bytes that a ring of `capacity` entries takes. */
static inline uint64_t net_queue_bytes(uint32_t capacity)
{
    return sizeof(struct net_queue) + (uint64_t)capacity * sizeof(struct net_buff_desc);
}

struct net_producer {
    struct net_queue *queue;
    uint16_t capacity;
    uint16_t tail; /* the truth; queue->tail is a copy for the consumer */
};

struct net_consumer {
    struct net_queue *queue;
    uint16_t capacity;
    uint16_t head; /* the truth; queue->head is a copy for the producer */
};

/* Makes the producer's end of a ring in `region`. Goes on where the ring stands. */
static inline struct net_producer net_producer(const struct sddf_region *region, uint16_t capacity)
{
    struct net_queue *queue = (struct net_queue *)(uintptr_t)region->vaddr;
    return (struct net_producer){ queue, capacity,
                                  __atomic_load_n(&queue->tail, __ATOMIC_RELAXED) };
}

/* Makes the consumer's end, likewise. */
static inline struct net_consumer net_consumer(const struct sddf_region *region, uint16_t capacity)
{
    struct net_queue *queue = (struct net_queue *)(uintptr_t)region->vaddr;
    return (struct net_consumer){ queue, capacity,
                                  __atomic_load_n(&queue->head, __ATOMIC_RELAXED) };
}

/* ---- Producer ---------------------------------------------------------------------------------*/

static inline uint16_t net_claimed_fill(const struct net_producer *p)
{
    /* Acquire: the consumer has read the entries that it gave back before we write new ones. */
    return (uint16_t)(p->tail - __atomic_load_n(&p->queue->head, __ATOMIC_ACQUIRE));
}

/* The consumer's index makes no sense. */
static inline bool net_producer_broken(const struct net_producer *p)
{
    return net_claimed_fill(p) > p->capacity;
}

/* How many entries fit now. 0 if the consumer lies. */
static inline uint16_t net_room(const struct net_producer *p)
{
    uint16_t fill = net_claimed_fill(p);
    return fill > p->capacity ? 0 : (uint16_t)(p->capacity - fill);
}

/* Puts one entry in; false if there is no room. The caller looks at net_must_signal() later. */
static inline bool net_enqueue(struct net_producer *p, const struct net_buff_desc *desc)
{
    if (net_room(p) == 0) {
        return false;
    }
    p->queue->entries[p->tail & (p->capacity - 1)] = *desc;
    p->tail++;
    /* Release: who sees the new tail sees the entry, and the frame that it points to. */
    __atomic_store_n(&p->queue->tail, p->tail, __ATOMIC_RELEASE);
    return true;
}

/*
 * True: the consumer waits and is to be notified now. It marks the wish as fulfilled, so the
 * notification must follow.
 */
static inline bool net_must_signal(struct net_producer *p)
{
    /* The other half of net_wait(): our tail before its flag. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (__atomic_load_n(&p->queue->consumer_signalled, __ATOMIC_RELAXED) != 0) {
        return false;
    }
    __atomic_store_n(&p->queue->consumer_signalled, 1, __ATOMIC_RELAXED);
    return true;
}

/* Puts in all buffers of a data region that begins at `base`, as many as fit. */
static inline void net_queue_fill(struct net_producer *p, uint64_t base, uint32_t buffers)
{
    for (uint32_t i = 0; i < buffers; i++) {
        struct net_buff_desc desc = { base + (uint64_t)i * NET_BUFFER_SIZE, 0, 0 };
        (void)net_enqueue(p, &desc);
    }
}

/* ---- Consumer ---------------------------------------------------------------------------------*/

static inline uint16_t net_claimed_length(const struct net_consumer *c)
{
    /* Acquire: the entries before this tail, and the frames that they point to, are visible. */
    return (uint16_t)(__atomic_load_n(&c->queue->tail, __ATOMIC_ACQUIRE) - c->head);
}

/* The producer's index makes no sense. */
static inline bool net_consumer_broken(const struct net_consumer *c)
{
    return net_claimed_length(c) > c->capacity;
}

/* How many entries can be taken. 0 if the producer lies. */
static inline uint16_t net_length(const struct net_consumer *c)
{
    uint16_t length = net_claimed_length(c);
    return length > c->capacity ? 0 : length;
}

/* Takes one entry; false if there is none, or the producer lies. Its fields are unchecked. */
static inline bool net_dequeue(struct net_consumer *c, struct net_buff_desc *desc)
{
    if (net_length(c) == 0) {
        return false;
    }
    *desc = c->queue->entries[c->head & (c->capacity - 1)];
    c->head++;
    /* Release: our read is done before the producer may overwrite the entry. */
    __atomic_store_n(&c->queue->head, c->head, __ATOMIC_RELEASE);
    return true;
}

/*
 * Asks for a notification when something comes. True: something has come already; the wish is
 * taken back, look again.
 */
static inline bool net_wait(struct net_consumer *c)
{
    __atomic_store_n(&c->queue->consumer_signalled, 0, __ATOMIC_RELAXED);
    /* Our flag must be visible before we look at tail again, and the producer's tail before it
     * looks at our flag: both need a full fence, else each can miss the other. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (net_length(c) == 0) {
        return false;
    }
    __atomic_store_n(&c->queue->consumer_signalled, 1, __ATOMIC_RELAXED);
    return true;
}
