/* SPDX-License-Identifier: BSD-2-Clause */
/* The driver's side of the virtio-mmio transport (4.2): finding a device, agreeing, its queues. */
#pragma once

#include <sddf/config.h>
#include <stdbool.h>
#include <stdint.h>

/* Register access: the hardware's is in mmio.c, tests bring a device model. */
uint32_t mmio_read(uintptr_t base, uint32_t offset);
void mmio_write(uintptr_t base, uint32_t offset, uint32_t value);
/* The same with `bytes` (1, 2 or 4) of the configuration space. */
uint32_t mmio_read_narrow(uintptr_t base, uint32_t offset, uint32_t bytes);

/* Where the registers of a slot are: regions hold whole pages, its io_addr says which part. */
uintptr_t transport_base(const struct sddf_device_region *slot);

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

/* The entries that a queue can have: a power of two up to `most`, or 0. */
uint32_t transport_queue_size(uintptr_t base, uint32_t index, uint32_t most);

/* Switches the queue on whose size was asked for last (4.2.3.2). */
void transport_queue_start(uintptr_t base, uint32_t size, const struct transport_queue *queue);

/* The device may work from now on (3.1.1 step 8). */
void transport_driver_ok(uintptr_t base);

/*
 * Acknowledges what the device interrupts for, and returns it. Look at the rings after it: what is
 * finished in between interrupts again, for the line has fallen; the other way round its edge would
 * be lost.
 */
uint32_t transport_interrupt(uintptr_t base);

/* The device has given up (2.1.2); only with VIRTIO_MMIO_INT_CONFIG. */
bool transport_needs_reset(uintptr_t base);

/*
 * Reads `count` fields of the configuration space, of `width` bytes each (1, 2 or 4), and all of
 * them as they were at one time (2.5.1, 4.2.2.2).
 */
void transport_config(uintptr_t base, uint32_t offset, void *to, uint32_t width, uint32_t count);
