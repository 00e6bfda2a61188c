/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The driver's side of a split virtqueue (2.7). Indices are private; the device's are read once
 * for each decision and checked. Descriptors are the driver's business.
 */
#pragma once

#include "io/drivers/virtio_mmio/virtio_mmio_abi.h"

#include <stdbool.h>
#include <stdint.h>

/* Bytes of a ring of `entries`, a power of two from 8 on; and where in it avail and used begin. */
#define RING_USED_OFFSET(entries) (18u * (entries) + 16u)
#define RING_BYTES(entries)       (26u * (entries) + 32u)

enum ring_state {
    RING_NOTHING,  /* the device has finished no other chain */
    RING_FINISHED, /* it has */
    RING_BROKEN,   /* it says that it has finished more than it was given */
};

struct ring {
    uintptr_t base; /* of the device's registers */
    uint32_t index; /* which of its queues */
    struct vring_desc *desc;
    struct vring_avail *avail;
    struct vring_used *used;
    uint16_t size;  /* 0: the queue is not usable */
    bool event_idx; /* VIRTIO_F_EVENT_IDX is negotiated: set by the driver, after the start */
    uint16_t avail_idx;
    uint16_t told_idx; /* as avail_idx, when the device was told last */
    uint16_t used_idx;
};

/*
 * Starts queue `index` with up to `most` entries in `memory`, which has RING_BYTES(most), is
 * zeroed, aligned to 16 bytes, and which the device sees at `address`. False if the device has no
 * such queue.
 */
bool ring_start(struct ring *ring, uintptr_t base, uint32_t index, uint32_t most, void *memory,
                uint64_t address);

/* Gives the device the chain that begins with descriptor `head`. */
void ring_publish(struct ring *ring, uint16_t head);

/* Tells the device of what was published, if it wants to know. */
void ring_kick(struct ring *ring);

/*
 * Takes the next of the `in_flight` chains that the device has finished: its head, and the bytes
 * that it has written. Both can be any number: the caller knows which chains the device has.
 */
enum ring_state ring_finished(struct ring *ring, uint32_t in_flight, struct vring_used_elem *used);

/*
 * Asks for an interrupt when `more` + 1 chains have been finished that ring_finished() has not
 * returned. True if that is so already: then none may come. Without EVENT_IDX they come always.
 */
bool ring_wait(const struct ring *ring, uint16_t more);
