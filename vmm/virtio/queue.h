/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The device's side of a split virtqueue (virtIO 1.2, 2.7) with event indices and indirect
 * descriptors. This is the only code that walks rings. Everything in guest memory may change at
 * any time: each descriptor and index is read once into private memory, checked there, and used
 * from there. A device gets bounded lists of segments and never sees a descriptor.
 *
 * One activation of a device:
 *
 *     virtq_begin(q);
 *     while ((result = virtq_pop(q, &chain)) == VIRTQ_CHAIN) {
 *         ... use chain.segments ...
 *         virtq_push(q, &chain, bytes_written);
 *     }
 *     if (virtq_interrupt_wanted(q)) ...
 *
 * VIRTQ_YIELD means: come back later without waiting for a kick. VIRTQ_ERROR means: the driver
 * broke the protocol (q->error says how), the device needs a reset.
 */
#pragma once

#include "vmm/core/guest_ram.h"

#include <stdbool.h>
#include <stdint.h>

#define VIRTQ_MAX_SIZE 256 /* descriptors; a power of two */

/* Bytes of a chain, checked to be guest RAM; never empty. */
struct virtq_segment {
    uint8_t *at;
    uint32_t bytes;
};

/*
 * A request. The caller provides `segments` with room for the queue's max_size; virtq_pop() fills
 * in the rest. First come num_readable segments that the device reads, then num_writable ones that
 * it writes. May be kept while the request is in flight: nothing in it changes with guest memory.
 */
struct virtq_chain {
    struct virtq_segment *segments;
    uint16_t num_readable;
    uint16_t num_writable;
    uint16_t head;
    uint32_t epoch; /* of the queue when the chain was popped */
    uint64_t readable_bytes;
    uint64_t writable_bytes;
};

/* Where the driver has placed a queue, unchecked, as it wrote it into the transport's registers. */
struct virtq_layout {
    gpa_t desc;
    gpa_t avail; /* the "driver area" */
    gpa_t used;  /* the "device area" */
    uint32_t size;
};

enum virtq_result {
    VIRTQ_EMPTY, /* nothing to do, the driver will kick; or the queue is not running */
    VIRTQ_CHAIN, /* a chain was popped */
    VIRTQ_YIELD, /* `size` chains were popped since virtq_begin(), there may be more */
    VIRTQ_ERROR, /* the driver broke the protocol */
};

/* All fields are private to queue.c, but for those marked. */
struct virtq {
    const struct guest_ram *ram;
    struct vring_desc *desc;
    struct vring_avail *avail;
    struct vring_used *used;
    const char *error; /* read only: what the driver did wrong, NULL: nothing */
    uint32_t epoch;
    uint16_t max_size; /* read only */
    uint16_t size;
    uint16_t next_avail;    /* next entry of the available ring to take */
    uint16_t seen_avail;    /* the driver's index when it was last read */
    uint16_t used_idx;      /* ours; what lies in guest memory is a copy */
    uint16_t signalled_idx; /* used_idx when an interrupt was last considered */
    uint16_t budget;        /* chains left in this activation */
    bool running;           /* read only */
    bool event_idx;
    bool indirect;
    uint64_t in_flight[VIRTQ_MAX_SIZE / 64]; /* one bit a head */
};

/* Makes a stopped queue of at most `max_size` descriptors: a power of two, 1 to VIRTQ_MAX_SIZE. */
void virtq_init(struct virtq *q, const struct guest_ram *ram, uint16_t max_size);

/*
 * Starts the queue at index 0. Returns false, and the queue stays stopped, unless layout's size
 * is a power of two of 1 to max_size and the three rings, each in its full length with the event
 * index at its end, are aligned and lie in guest RAM (2.7, 2.7.1). `features` are the accepted
 * ones; VIRTIO_RING_F_EVENT_IDX and VIRTIO_RING_F_INDIRECT_DESC count.
 */
bool virtq_start(struct virtq *q, const struct virtq_layout *layout, uint64_t features);

/* Stops the queue. From now on no guest memory is touched; chains still in flight are forgotten. */
void virtq_stop(struct virtq *q);

/* Begins an activation: asks the driver to hold its kicks back, grants `size` chains. */
void virtq_begin(struct virtq *q);

/*
 * Takes the next chain (2.7.13, 2.7.5). Before VIRTQ_EMPTY it asks for a kick and looks again, so
 * that no chain is left behind unseen. At VIRTQ_ERROR the queue stops, `q->error` says why, and
 * `chain` holds nothing of use.
 */
enum virtq_result virtq_pop(struct virtq *q, struct virtq_chain *chain);

/*
 * Returns a chain to the driver (2.7.8): `written` bytes were stored from the beginning of its
 * writable segments, at most writable_bytes. A chain that is not in flight (popped before the
 * queue was stopped, or pushed already) is ignored. The head goes to the used ring before the
 * index.
 */
void virtq_push(struct virtq *q, const struct virtq_chain *chain, uint32_t written);

/*
 * The same in two steps, for chains that the driver must see at once: virtq_put() for each of them,
 * then virtq_publish(). virtq_put() returns false for a chain that is not in flight.
 */
bool virtq_put(struct virtq *q, const struct virtq_chain *chain, uint32_t written);
void virtq_publish(struct virtq *q);

/*
 * Whether the driver wants an interrupt for what was pushed since the last call (2.7.7.2). To be
 * asked once at the end of each activation.
 */
bool virtq_interrupt_wanted(struct virtq *q);

/*
 * Copy from the readable or into the writable bytes of a chain, beginning `offset` bytes into
 * them, across segments. Return the bytes copied, fewer than `bytes` only at the chain's end.
 */
uint32_t virtq_chain_read(const struct virtq_chain *chain, uint64_t offset, void *to,
                          uint32_t bytes);
uint32_t virtq_chain_write(const struct virtq_chain *chain, uint64_t offset, const void *from,
                           uint32_t bytes);
