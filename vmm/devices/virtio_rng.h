/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtIO entropy device (virtIO 1.2, 5.4): random bytes from a source outside, drawn ahead of time
 * so that a driver's small requests cost one draw together. A request is answered with what is
 * there, so that none takes long, however large its buffers are.
 */
#pragma once

#include "vmm/virtio/virtio_mmio.h"

#define VIRTIO_RNG_QUEUE_SIZE  8
#define VIRTIO_RNG_DRAWN_BYTES 512u /* also the most that one request gets */

/* Fills in up to `bytes` random bytes; returns how many, 0 where the source has none. */
typedef uint32_t (*rng_source)(void *to, uint32_t bytes);

struct virtio_rng {
    struct virtio_device device; /* first: its operations find the rng by it */
    rng_source source;
    struct virtq queue;
    struct virtq_segment segments[VIRTIO_RNG_QUEUE_SIZE];
    uint32_t left; /* of `drawn`, at its beginning; what is given out is erased */
    uint8_t drawn[VIRTIO_RNG_DRAWN_BYTES];
    uint64_t dropped; /* requests with a buffer that the device would have to read */
};

/* Makes a device in its power-on state; `name` (for the log) and the pointers must stay valid. */
void virtio_rng_init(struct virtio_rng *rng, const char *name, const struct guest_ram *ram,
                     const struct irq_line *irq, rng_source source);
