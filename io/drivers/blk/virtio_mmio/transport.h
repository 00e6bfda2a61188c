/* SPDX-License-Identifier: BSD-2-Clause */
/* The driver's side of the virtio-mmio transport (4.2), and of a split virtqueue's start (2.7). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Register access: the hardware's is in driver.c, tests bring a device model. */
uint32_t vblk_read(uintptr_t base, uint32_t offset);
void vblk_write(uintptr_t base, uint32_t offset, uint32_t value);

/* Resets the device (2.4); false if it does not stop, so that it may still use memory. */
bool transport_reset(uintptr_t base);

/*
 * Looks for a non-legacy device of type `id` and agrees with it on those of the features `wanted`
 * that it has (3.1.1 steps 1 to 6). Returns NULL, or what is wrong.
 */
const char *transport_negotiate(uintptr_t base, uint32_t id, uint64_t wanted, uint64_t *features);

/* Where the parts of a queue lie, as the device sees them. */
struct transport_queue {
    uint64_t desc;
    uint64_t avail;
    uint64_t used;
};

/* The entries that queue 0 can have: a power of two up to `most`, or 0. */
uint32_t transport_queue_size(uintptr_t base, uint32_t most);

/* Switches queue 0 on (4.2.3.2). */
void transport_queue_start(uintptr_t base, uint32_t size, const struct transport_queue *queue);

/* The device may work from now on (3.1.1 step 8). */
void transport_driver_ok(uintptr_t base);

/* A 64-bit field of the configuration space, read in one piece (2.5.1). */
uint64_t transport_config64(uintptr_t base, uint32_t offset);
