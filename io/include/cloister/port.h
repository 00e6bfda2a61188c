/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A port of the switch: how a VMM lets bytes go from its guest's memory into another's. Ours, not
 * sDDF's. The port's memory (the guest's RAM) is known to the switch from its configuration record;
 * entries name stretches of it by offset. Four rings lie in the port's region, each with one
 * producer and one consumer:
 *
 *     send       VMM -> switch   "these bytes of my guest"
 *     send_done  switch -> VMM   what of it the switch is done with, in any order
 *     recv       VMM -> switch   "put arriving bytes here"
 *     recv_done  switch -> VMM   what has arrived where
 *
 * A chain is one or more entries, all but the last with PORT_MORE; it is published whole. Its first
 * entry carries an id of the VMM's choice, unique among the chains of that ring that are not yet
 * done, and in `send` the frame's header (struct virtio_net_hdr_v1, or struct virtio_vsock_hdr)
 * as the VMM has checked it: the header itself never lies in guest memory where it is decided on.
 * Each chain is done exactly once. `recv_done` has one entry for each chain that a frame fills,
 * with the number of frame bytes in it; all but the frame's last have PORT_MORE, the first has the
 * header. The VMM writes the header into its guest's memory: the switch leaves the first
 * header_bytes (of its record) of a frame's first chain free. Chains of `recv` are used in order.
 * A chain has at most PORT_CHAIN_ENTRIES, and in `recv` at least header_bytes bytes, for vsock one
 * more. An entry may be empty. A vsock's port reaches itself as well, and may name any source then:
 * so a VMM answers its guest in the name of a peer that is not there.
 *
 * A vsock's packet waits for its receiver. When the switch gives the receiver up, it does so for
 * all that the sender has put in before it saw PORT_NOT_THERE: `seen` tells. So none that comes
 * later arrives in the place of one that did not.
 *
 * At most PORT_ENTRIES chains of a ring may be under way, so a *_done ring is never full; a VMM
 * that does not keep to that has its port closed by the switch, as has one whose entries make no
 * sense.
 *
 * Opening and closing. `wanted` and `answered` count: even is closed, odd is open. While both are
 * equal and even, the switch touches neither the rings nor the port's memory. The VMM clears
 * the rings, fills in `features`, then counts `wanted` up and notifies. To close it counts `wanted`
 * up again; when `answered` has followed, the switch has forgotten everything of that port and
 * will not touch its memory any more. The switch closes a broken port by `broken`; `answered`
 * follows as always, and the next opening starts afresh.
 *
 * Signals. A consumer that has found its ring empty asks for a notification by port_wait() and
 * looks again; a producer notifies where port_publish() says so. Likewise the VMM asks for room in
 * `send` by port_wait_room(), and the switch notifies where port_gave_room() says so. There is one
 * channel between the two, for all rings and the state; neither side relies on when the other runs.
 *
 * Either side may be hostile to the other: indices are kept privately and published, the other's
 * are read once for each decision, and an entry is copied out before anything is decided on it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PORT_ENTRIES       1024u /* of each ring; a power of two */
#define PORT_CHAIN_ENTRIES 256u  /* of a chain, at most */
#define PORT_HEADER_BYTES  44u   /* the longest header: vsock's */

enum port_flags {
    PORT_MORE = 1,      /* the chain, or in recv_done the frame, goes on */
    PORT_NOT_THERE = 2, /* in send_done, vsock: nobody has that CID, or it is given up */
    PORT_PATIENT = 4,   /* in send, vsock: waits for a receiver as long as its port is open */
};

/* What the guest behind a port has agreed to receive: bits of port_control.features. */
enum port_features {
    PORT_RECV_CSUM = 1,   /* frames whose checksum is not complete (VIRTIO_NET_F_GUEST_CSUM) */
    PORT_RECV_TSO4 = 2,   /* TCP segments over IPv4 of up to 64 KiB */
    PORT_RECV_TSO6 = 4,   /* the same over IPv6 */
    PORT_RECV_MERGE = 8,  /* one frame in several chains (VIRTIO_NET_F_MRG_RXBUF) */
    PORT_SENDS_ONLY = 16, /* vsock: nothing at all; for others this port is not there */
};

/* Which frames the guest wants: bits of port_control.recv_mode (virtIO 1.2, 5.1.6.5.1). */
enum port_recv_mode {
    PORT_RECV_PROMISC = 1,
    PORT_RECV_NO_MULTICAST = 2,
    PORT_RECV_NO_UNICAST = 4,
    PORT_RECV_NO_BROADCAST = 8,
};

struct port_entry {
    uint64_t offset; /* in the port's memory; not used in *_done */
    uint32_t length; /* bytes; in recv_done: of the frame, without the header */
    uint16_t id;     /* counts in the first entry of a chain */
    uint16_t flags;  /* enum port_flags */
    uint8_t header[PORT_HEADER_BYTES];
    uint32_t seen; /* in the first of `send`, vsock: how many entries of send_done were taken */
};

struct port_ring {
    uint32_t tail;         /* the producer's: next entry is put here; runs free */
    uint32_t head;         /* the consumer's: next entry is taken here; runs free */
    uint32_t wants_signal; /* the consumer waits for entries */
    uint32_t wants_room;   /* the producer waits for PORT_CHAIN_ENTRIES of room */
    uint32_t reserved[12];
    struct port_entry entries[PORT_ENTRIES];
};

struct port_control {
    uint32_t wanted;    /* the VMM's; odd: open */
    uint32_t features;  /* the VMM's: enum port_features; read when the port opens */
    uint32_t recv_mode; /* the VMM's: enum port_recv_mode; may change at any time */
    uint32_t reserved[13];
    uint32_t answered; /* the switch's */
    uint32_t broken;   /* the switch's, enum port_broken: it has closed the port in this opening */
};

enum port_broken {
    PORT_BROKEN = 1, /* the VMM does not keep to the contract */
    PORT_LOST = 2,   /* the switch has been started again: what was under way is lost */
};

/* The port's region, zeroed at the start: closed. */
struct port {
    struct port_control control;
    struct port_ring send, send_done, recv, recv_done;
};

_Static_assert(sizeof(struct port_entry) == 64, "the port's layout");
_Static_assert(sizeof(struct port_ring) == 64 + 64 * PORT_ENTRIES, "the port's layout");

/* One end of a ring: the index that this side owns, and the ring. */
struct port_end {
    struct port_ring *ring;
    uint32_t index;
};

/* ---- Producer ---------------------------------------------------------------------------------*/

/* How many entries fit. 0 too where the consumer's index makes no sense. */
static inline uint32_t port_room(const struct port_end *end)
{
    /* Acquire: the consumer's reads of what it gave back come before our new writes. */
    uint32_t fill = end->index - __atomic_load_n(&end->ring->head, __ATOMIC_ACQUIRE);
    return fill > PORT_ENTRIES ? 0 : PORT_ENTRIES - fill;
}

/* Puts an entry in, unpublished; there must be room. */
static inline void port_put(struct port_end *end, const struct port_entry *entry)
{
    end->ring->entries[end->index++ % PORT_ENTRIES] = *entry;
}

/* Publishes what was put in. Returns whether the consumer is to be notified. */
static inline bool port_publish(struct port_end *end)
{
    __atomic_store_n(&end->ring->tail, end->index, __ATOMIC_RELEASE);
    /* The store of the tail comes before the look at the wish; port_wait() is the other half. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (__atomic_load_n(&end->ring->wants_signal, __ATOMIC_RELAXED) == 0) {
        return false;
    }
    __atomic_store_n(&end->ring->wants_signal, 0, __ATOMIC_RELAXED);
    return true;
}

/* Asks for a notification of room for the longest chain, all being published. Returns true if there
 * is already: then go on instead of waiting. */
static inline bool port_wait_room(struct port_end *end)
{
    __atomic_store_n(&end->ring->wants_room, 1, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return port_room(end) >= PORT_CHAIN_ENTRIES;
}

/* ---- Consumer ---------------------------------------------------------------------------------*/

/* How many entries are there to be taken: more than PORT_ENTRIES if the producer lies. */
static inline uint32_t port_fill(const struct port_end *end)
{
    /* Acquire: the entries are seen as they were when the tail was published. */
    return __atomic_load_n(&end->ring->tail, __ATOMIC_ACQUIRE) - end->index;
}

/* Copies entry `ahead` of those that are there (port_fill() tells), without taking it. */
static inline void port_peek(const struct port_end *end, uint32_t ahead, struct port_entry *entry)
{
    const volatile struct port_entry *from =
        &end->ring->entries[(end->index + ahead) % PORT_ENTRIES];
    *entry = *from;
}

/* Takes `count` entries: the producer may use their places again. */
static inline void port_take(struct port_end *end, uint32_t count)
{
    end->index += count;
    __atomic_store_n(&end->ring->head, end->index, __ATOMIC_RELEASE);
}

/* Asks for a notification. Returns true if something has come meanwhile: then look again instead of
 * waiting. */
static inline bool port_wait(struct port_end *end)
{
    __atomic_store_n(&end->ring->wants_signal, 1, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return port_fill(end) != 0;
}

/* To be asked after port_take(): whether the producer is to be notified of room. */
static inline bool port_gave_room(struct port_end *end)
{
    /* The store of the head comes before the look at the wish; port_wait_room() is the other half.
     */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (__atomic_load_n(&end->ring->wants_room, __ATOMIC_RELAXED) == 0 ||
        port_fill(end) > PORT_ENTRIES - PORT_CHAIN_ENTRIES) {
        return false;
    }
    __atomic_store_n(&end->ring->wants_room, 0, __ATOMIC_RELAXED);
    return true;
}

/* ---- State ------------------------------------------------------------------------------------*/

static inline bool port_is_open(uint32_t count)
{
    return (count & 1) != 0;
}

/* The VMM's: whether the switch has done what was wanted last. */
static inline bool port_settled(const struct port_control *control)
{
    return __atomic_load_n(&control->answered, __ATOMIC_ACQUIRE) == control->wanted;
}

/* The VMM's: wants the other state. Rings and features are written before it. */
static inline void port_want_next(struct port_control *control)
{
    __atomic_store_n(&control->wanted, control->wanted + 1, __ATOMIC_RELEASE);
}
