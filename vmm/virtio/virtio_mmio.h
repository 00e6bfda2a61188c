/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtIO over MMIO, version 2 (virtIO 1.2, 4.2.2): registers, status, features, queues' placement
 * and interrupts of any device. A device embeds a struct virtio_device and gives it operations.
 */
#pragma once

#include "vmm/core/mmio_bus.h"
#include "vmm/virtio/queue.h"
#include "vmm/virtio/virtio_abi.h"

#include <stdbool.h>
#include <stdint.h>

#define VIRTIO_MMIO_VENDOR 0x74736c43u /* "Clst" */

struct virtio_device;

/* What a kind of device does. Those marked optional may be NULL. */
struct virtio_device_ops {
    /*
     * Optional: whether the accepted features go together (each of them was offered); the
     * configuration space may change with them.
     */
    bool (*features_ok)(struct virtio_device *device, uint64_t accepted);
    /* Optional: a write of 1, 2, 4 or 8 bytes at any offset below config_bytes. */
    void (*config_write)(struct virtio_device *device, uint32_t offset, unsigned bytes,
                         uint64_t value);
    /* Optional: the driver has set DRIVER_OK. */
    void (*start)(struct virtio_device *device);
    /* The driver has kicked running queue `index`, or it yielded before. */
    void (*notify)(struct virtio_device *device, uint32_t index);
    /*
     * Forget all requests. The queues are stopped already. Returns whether nothing outside works
     * on guest memory any more; if not, the device calls virtio_mmio_quiescent() when it is so.
     */
    bool (*reset)(struct virtio_device *device);
    /* Optional: the driver has stopped queue `index`: forget its requests. Returns as reset(). */
    bool (*stop_queue)(struct virtio_device *device, uint32_t index);
};

#define VIRTIO_MMIO_MAX_QUEUES 4

struct virtio_device {
    /* Set by the device before virtio_mmio_init(). */
    const char *name; /* for the log, such as "console0" */
    const struct virtio_device_ops *ops;
    uint32_t device_id;
    uint64_t device_features; /* the device's own bits; ours are added */
    struct virtq *queues;     /* virtq_init() done */
    uint32_t num_queues;      /* at most VIRTIO_MMIO_MAX_QUEUES */
    const void *config;       /* the configuration space as it reads */
    uint32_t config_bytes;
    struct irq_line irq;

    /* Counters for tests and reports. */
    uint64_t guest_errors; /* times that the driver has broken the protocol */

    /* Private to mmio.c. */
    struct virtq_layout placement[VIRTIO_MMIO_MAX_QUEUES]; /* as the driver has written it */
    uint64_t driver_features;
    uint32_t device_features_sel;
    uint32_t driver_features_sel;
    uint32_t queue_sel;
    uint32_t status;
    uint32_t interrupt_status;
    uint32_t config_generation;
    uint32_t yielded;  /* one bit a queue */
    uint32_t stopping; /* likewise: stopped, but QueueReady reads 1 until the device is quiescent */
    bool resetting;    /* waits for virtio_mmio_quiescent() */
};

/* Brings a device whose first block of fields is set to its power-on state. */
void virtio_mmio_init(struct virtio_device *device);

/* The device's registers at `gpa`, for the VMM's table. */
struct mmio_region virtio_mmio_region(struct virtio_device *device, gpa_t gpa, uint64_t size_bytes);

/*
 * Back to the power-on state, as at a guest's reboot; the same as the driver's writing 0 to
 * Status. Returns whether the device is quiescent: guest memory must not be reloaded before (ask
 * virtio_mmio_is_reset() again after the device's next event). Counters stay.
 */
bool virtio_mmio_reset(struct virtio_device *device);
bool virtio_mmio_is_reset(const struct virtio_device *device);

/*
 * Whether the driver waits for the device to leave guest memory alone, after a reset or after it
 * has stopped a queue. Linux does not: it takes the memory back as soon as its write to Status is
 * through (vm_reset(), vm_del_vq()). So the VMM holds a vCPU that has touched a device in this
 * state until it is over (lifecycle_hold()).
 */
bool virtio_mmio_waits(const struct virtio_device *device);

/*
 * Runs the queues that yielded because their driver kept adding (at most `size` chains each).
 * Returns true if there is still more. The VMM calls it at the end of every event, again while it
 * returns true; where other cores run guests, with a notification to itself in between.
 */
bool virtio_mmio_poll(struct virtio_device *device);

/* ---- For devices ---- */

/* Whether the driver drives: DRIVER_OK, not FAILED, not DEVICE_NEEDS_RESET. */
bool virtio_mmio_running(const struct virtio_device *device);

/* Whether a feature bit (VIRTIO_..._F_...) was accepted. */
bool virtio_mmio_has_feature(const struct virtio_device *device, unsigned bit);

/* Ends an activation of queue `index`: raises the interrupt if wanted, notes a yield or error. */
void virtio_mmio_finish(struct virtio_device *device, uint32_t index, enum virtq_result result);

/*
 * The driver has broken the protocol: DEVICE_NEEDS_RESET (2.1.2), all queues stop until the
 * driver resets, one line on the log. Lines are limited: after the first error only each one that
 * doubles the count is told.
 */
void virtio_mmio_fail(struct virtio_device *device, const char *reason);

/* What `config` points to has changed: new ConfigGeneration, and an interrupt (2.5.1). */
void virtio_mmio_config_changed(struct virtio_device *device);

/* The device is done with guest memory after a reset() or stop_queue() that returned false. */
void virtio_mmio_quiescent(struct virtio_device *device);
