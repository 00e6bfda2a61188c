/* SPDX-License-Identifier: BSD-2-Clause */
/* A virtIO device that only returns chains, with its guest, for tests of the transport. */
#pragma once

#include "tests/unit/vmm/virtio/guest_driver.h"
#include "vmm/virtio/virtio_mmio.h"

#include <stdlib.h>
#include <string.h>

#define NUM_QUEUES 2u
#define QUEUE_SIZE 64u
#define VERSION_1  VIRTIO_FEATURE(VIRTIO_F_VERSION_1)
#define EVENT_IDX  VIRTIO_FEATURE(VIRTIO_RING_F_EVENT_IDX)
#define INDIRECT_F VIRTIO_FEATURE(VIRTIO_RING_F_INDIRECT_DESC)
#define FEATURE_A  VIRTIO_FEATURE(0) /* the toy's own */
#define FEATURE_B  VIRTIO_FEATURE(5) /* needs A */

#define CONFIG     VIRTIO_MMIO_CONFIG

/* A device with two queues; its configuration has one writable field, byte 4. */
struct toy {
    struct virtio_device device;
    struct virtq queues[NUM_QUEUES];
    uint8_t config[12];
    uint8_t behind_config[16]; /* must never be seen */
    struct virtq_segment segments[QUEUE_SIZE];
    struct virtq_chain held;
    bool hold;    /* keep a chain, as a disk's request in flight */
    bool is_busy; /* reset() and stop_queue() are not done at once */
    unsigned kicks[NUM_QUEUES];
    unsigned starts;
    unsigned resets;
};

static struct guest guest;
static struct toy toy;
static struct mmio_region region;
static struct ring rings[NUM_QUEUES];

static bool toy_features_ok(struct virtio_device *device, uint64_t accepted)
{
    (void)device;
    return (accepted & FEATURE_B) == 0 || (accepted & FEATURE_A) != 0;
}

static void toy_config_write(struct virtio_device *device, uint32_t offset, unsigned bytes,
                             uint64_t value)
{
    struct toy *self = (struct toy *)device;
    assert_true(offset < sizeof(self->config));
    if (offset == 4 && bytes == 1) {
        self->config[4] = (uint8_t)value;
    }
}

static void toy_start(struct virtio_device *device)
{
    ((struct toy *)device)->starts++;
}

static void toy_notify(struct virtio_device *device, uint32_t index)
{
    struct toy *self = (struct toy *)device;
    struct virtq_chain chain = { .segments = self->segments };
    struct virtq *q = &self->queues[index];
    enum virtq_result result;
    assert_true(index < NUM_QUEUES);
    self->kicks[index]++;
    virtq_begin(q);
    while ((result = virtq_pop(q, &chain)) == VIRTQ_CHAIN) {
        if (self->hold) {
            self->held = chain;
        } else {
            virtq_push(q, &chain, 0);
        }
    }
    virtio_mmio_finish(device, index, result);
}

static bool toy_reset(struct virtio_device *device)
{
    struct toy *self = (struct toy *)device;
    self->resets++;
    return !self->is_busy;
}

static bool toy_stop_queue(struct virtio_device *device, uint32_t index)
{
    (void)index;
    return !((struct toy *)device)->is_busy;
}

static const struct virtio_device_ops toy_ops = {
    .features_ok = toy_features_ok,
    .config_write = toy_config_write,
    .start = toy_start,
    .notify = toy_notify,
    .reset = toy_reset,
    .stop_queue = toy_stop_queue,
};

static int setup(void **state)
{
    (void)state;
    guest_create(&guest);
    toy = (struct toy){
        .device = {
            .name = "toy0",
            .ops = &toy_ops,
            .device_id = 42,
            .device_features = FEATURE_A | FEATURE_B,
            .queues = toy.queues,
            .num_queues = NUM_QUEUES,
            .config = toy.config,
            .config_bytes = sizeof(toy.config),
            .irq = guest.irq,
        },
        .config = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 },
        .behind_config = { 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee },
    };
    for (unsigned i = 0; i < NUM_QUEUES; i++) {
        virtq_init(&toy.queues[i], &guest.ram, QUEUE_SIZE);
    }
    virtio_mmio_init(&toy.device);
    region = virtio_mmio_region(&toy.device, 0xa000000, 0x1000);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    guest_destroy(&guest);
    return 0;
}

static void drive(uint64_t features)
{
    assert_int_equal(driver_negotiate(&region, features), 11);
    for (unsigned i = 0; i < NUM_QUEUES; i++) {
        ring_create(&rings[i], &guest, i, 16);
        ring_set(&rings[i], 0, BUFFERS_GPA, 16, 0, 0);
        assert_int_equal(driver_place(&region, i, &rings[i]), 1);
    }
    driver_ok(&region);
    assert_int_equal(reg_read(&region, VIRTIO_MMIO_STATUS), 15);
    guest_snapshot(&guest);
    ring_allow_used(&rings[0]);
    ring_allow_used(&rings[1]);
}

static void kick(unsigned index)
{
    reg_write(&region, VIRTIO_MMIO_QUEUE_NOTIFY, index);
}

/* O1, O4: whatever was done before, a driver that begins anew finds a working device. */
static void assert_works_after_reset(void)
{
    toy.hold = false;
    toy.is_busy = false;
    drive(VERSION_1);
    for (unsigned i = 0; i < NUM_QUEUES; i++) {
        ring_offer(&rings[i], 0);
        kick(i);
        ring_take_used(&rings[i], 0);
    }
    assert_true(guest.irq_level);
    assert_int_equal(reg_read(&region, VIRTIO_MMIO_INTERRUPT_STATUS), 1);
    reg_write(&region, VIRTIO_MMIO_INTERRUPT_ACK, 1);
    assert_false(guest.irq_level);
    guest_assert_untouched(&guest);
}
