/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The serial queue of sDDF 0.6: bytes from one producer to one consumer through memory that both
 * map. Indices run free and are reduced modulo the capacity, a power of two.
 *
 * The other side may be hostile. Each side therefore keeps its own index in private memory and
 * only publishes it; the other side's index is read once for each decision, and a distance beyond
 * the capacity counts as "nothing to do" (serial_queue_*_broken() tells that apart). So a liar
 * can put wrong bytes into its own stream and nothing else. Bytes behind serial_queue_peek() can
 * change under the reader: whoever decides on them copies them out first.
 *
 * Signals. A producer notifies after each batch of new bytes. A consumer notifies only where it is
 * asked to:
 *     producer: serial_queue_request_signal(); if serial_queue_free() is now enough: go on, else
 *               wait for the notification
 *     consumer: serial_queue_consume() ...; if serial_queue_must_signal(): notify
 *
 * Polling, which sDDF does not have: a consumer that looks again by itself before long says so with
 * serial_queue_set_polling(), and a producer that asks serial_queue_must_notify() notifies only the
 * others. Memory is zero where an upstream consumer does not know of it, which means: notify; an
 * upstream producer always does.
 *     consumer: serial_queue_set_polling(false); look once more, then wait for the notification
 */
#pragma once

#include <sddf/config.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* In shared memory; written as sDDF's C structure lies. */
struct serial_queue {
    uint32_t tail;               /* the producer's: next byte is put here */
    uint32_t head;               /* the consumer's: next byte is taken here */
    uint32_t producer_signalled; /* 0: the producer waits for room */
    uint32_t consumer_polls;     /* ours, behind sDDF's: 1: the consumer needs no notification */
    /* cloister/guest_state.h: of a guest that reads the queue through its VMM. */
    uint32_t guest_state;    /* the consumer's: enum guest_state */
    uint32_t starts_asked;   /* the producer's count of requests to start the guest */
    uint32_t starts_handled; /* the consumer's: requests up to this one are handled */
};

_Static_assert(offsetof(struct serial_queue, consumer_polls) == 12, "sDDF layout");

struct serial_producer {
    struct serial_queue *queue;
    uint8_t *data;
    uint32_t capacity;
    uint32_t tail; /* the truth; queue->tail is a copy for the consumer */
};

struct serial_consumer {
    struct serial_queue *queue;
    const uint8_t *data;
    uint32_t capacity;
    uint32_t head; /* the truth; queue->head is a copy for the producer */
};

/* Makes a producer end. Goes on where the queue stands, so that a restart loses nothing. */
static inline struct serial_producer serial_queue_producer(struct serial_queue *queue, void *data,
                                                           uint32_t capacity)
{
    return (struct serial_producer){ queue, data, capacity,
                                     __atomic_load_n(&queue->tail, __ATOMIC_RELAXED) };
}

/* Makes a consumer end, likewise. */
static inline struct serial_consumer serial_queue_consumer(struct serial_queue *queue,
                                                           const void *data, uint32_t capacity)
{
    return (struct serial_consumer){ queue, data, capacity,
                                     __atomic_load_n(&queue->head, __ATOMIC_RELAXED) };
}

/* The producer end of a connection in a configuration record. */
static inline struct serial_producer
serial_queue_connect_producer(const struct sddf_serial_connection *conn)
{
    return serial_queue_producer((struct serial_queue *)(uintptr_t)conn->queue.vaddr,
                                 (void *)(uintptr_t)conn->data.vaddr,
                                 (uint32_t)conn->data.size_bytes);
}

/* The consumer end of a connection in a configuration record. */
static inline struct serial_consumer
serial_queue_connect_consumer(const struct sddf_serial_connection *conn)
{
    return serial_queue_consumer((struct serial_queue *)(uintptr_t)conn->queue.vaddr,
                                 (const void *)(uintptr_t)conn->data.vaddr,
                                 (uint32_t)conn->data.size_bytes);
}

/* ---- Producer ---------------------------------------------------------------------------------*/

/* Bytes in the queue as the consumer's index tells it: more than the capacity if it lies. */
static inline uint32_t serial_queue_fill(const struct serial_producer *p)
{
    /* Acquire: the consumer's reads of the bytes that it gave back come before our new writes. */
    return p->tail - __atomic_load_n(&p->queue->head, __ATOMIC_ACQUIRE);
}

/* The consumer's index makes no sense. */
static inline bool serial_queue_producer_broken(const struct serial_producer *p)
{
    return serial_queue_fill(p) > p->capacity;
}

/* How many bytes fit now. 0 if the consumer lies. */
static inline uint32_t serial_queue_free(const struct serial_producer *p)
{
    uint32_t fill = serial_queue_fill(p);
    return fill > p->capacity ? 0 : p->capacity - fill;
}

/* Puts in as many of `count` bytes as fit and returns how many; the caller notifies later. */
static inline uint32_t serial_queue_enqueue(struct serial_producer *p, const void *bytes,
                                            uint32_t count)
{
    uint32_t room = serial_queue_free(p);
    uint32_t n = count < room ? count : room;
    uint32_t at = p->tail & (p->capacity - 1);
    uint32_t first = n < p->capacity - at ? n : p->capacity - at;
    if (n == 0) {
        return 0;
    }
    memcpy(p->data + at, bytes, first);
    memcpy(p->data, (const uint8_t *)bytes + first, n - first);
    p->tail += n;
    /* Release: who sees the new tail sees the bytes. */
    __atomic_store_n(&p->queue->tail, p->tail, __ATOMIC_RELEASE);
    return n;
}

/* Asks the consumer for a notification once it has made room. Look at the room again after it. */
static inline void serial_queue_request_signal(struct serial_producer *p)
{
    __atomic_store_n(&p->queue->producer_signalled, 0, __ATOMIC_RELAXED);
    /* Our flag must be visible before we look at head again, and the consumer's head before it
     * looks at our flag: both need a full fence, else each can miss the other. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* Takes the request back: no notification is needed any more. */
static inline void serial_queue_cancel_signal(struct serial_producer *p)
{
    __atomic_store_n(&p->queue->producer_signalled, 1, __ATOMIC_RELAXED);
}

/* True: the consumer is to be notified of what was put in. Call after enqueue(), once a batch. */
static inline bool serial_queue_must_notify(const struct serial_producer *p)
{
    /* Our tail before its flag; the other half is in serial_queue_set_polling(). */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return __atomic_load_n(&p->queue->consumer_polls, __ATOMIC_RELAXED) == 0;
}

/* ---- Consumer ---------------------------------------------------------------------------------*/

static inline uint32_t serial_queue_claimed_length(const struct serial_consumer *c)
{
    /* Acquire: the bytes before this tail are visible to us after it. */
    return __atomic_load_n(&c->queue->tail, __ATOMIC_ACQUIRE) - c->head;
}

/* The producer's index makes no sense. */
static inline bool serial_queue_consumer_broken(const struct serial_consumer *c)
{
    return serial_queue_claimed_length(c) > c->capacity;
}

/* How many bytes can be taken. 0 if the producer lies. */
static inline uint32_t serial_queue_length(const struct serial_consumer *c)
{
    uint32_t length = serial_queue_claimed_length(c);
    return length > c->capacity ? 0 : length;
}

/* The bytes at the front that lie in one piece: returns how many, and where. Takes nothing. */
static inline uint32_t serial_queue_peek(const struct serial_consumer *c, const uint8_t **bytes)
{
    uint32_t length = serial_queue_length(c);
    uint32_t at = c->head & (c->capacity - 1);
    *bytes = c->data + at;
    return length < c->capacity - at ? length : c->capacity - at;
}

/* Gives `count` bytes back to the producer; no more than length() said since the last call. */
static inline void serial_queue_consume(struct serial_consumer *c, uint32_t count)
{
    c->head += count;
    /* Release: our reads of the bytes are done before the producer may overwrite them. */
    __atomic_store_n(&c->queue->head, c->head, __ATOMIC_RELEASE);
}

/* Copies out up to `count` bytes from `skip` bytes behind the front, and takes nothing. */
static inline uint32_t serial_queue_copy(const struct serial_consumer *c, uint32_t skip, void *to,
                                         uint32_t count)
{
    uint32_t length = serial_queue_length(c);
    uint32_t left = skip < length ? length - skip : 0;
    uint32_t n = count < left ? count : left;
    uint32_t at = (c->head + skip) & (c->capacity - 1);
    uint32_t first = n < c->capacity - at ? n : c->capacity - at;
    if (n == 0) {
        return 0;
    }
    memcpy(to, c->data + at, first);
    memcpy((uint8_t *)to + first, c->data, n - first);
    return n;
}

/* Takes up to `count` bytes and returns how many. */
static inline uint32_t serial_queue_dequeue(struct serial_consumer *c, void *to, uint32_t count)
{
    uint32_t n = serial_queue_copy(c, 0, to, count);
    if (n > 0) {
        serial_queue_consume(c, n);
    }
    return n;
}

/*
 * True: the producer waits for room and is to be notified now. Call after consume(), once a
 * batch. It marks the request as answered, so the notification must follow.
 */
static inline bool serial_queue_must_signal(struct serial_consumer *c)
{
    /* The other half of serial_queue_request_signal(): our head before its flag. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (__atomic_load_n(&c->queue->producer_signalled, __ATOMIC_RELAXED) != 0) {
        return false;
    }
    /* Marked before the notification: a request that comes in between is answered by it. */
    __atomic_store_n(&c->queue->producer_signalled, 1, __ATOMIC_RELAXED);
    return true;
}

/* Says whether the queue is looked at again without a notification. After `false`, look again. */
static inline void serial_queue_set_polling(struct serial_consumer *c, bool polls)
{
    __atomic_store_n(&c->queue->consumer_polls, polls, __ATOMIC_RELAXED);
    /* Our flag before the producer's tail: it sees the flag, or we see its bytes. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}
