/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as accesses to a virtIO device's registers, of every width at every offset, mostly
 * those of a driver that brings a device up. Status is always one of the legal ones; bytes behind
 * the configuration space are never seen; at the end a driver that begins anew finds a working
 * device.
 */
#include "tests/fuzz/input.h"
#include "tests/unit/vmm/virtio/virtio_toy.h"

#define MAX_STEPS 400

/* One register write each of a driver's start, in no order but the input's. */
static void plausible(struct input *in)
{
    static const uint32_t values[][2] = {
        { VIRTIO_MMIO_STATUS, 1 },
        { VIRTIO_MMIO_STATUS, 3 },
        { VIRTIO_MMIO_STATUS, 11 },
        { VIRTIO_MMIO_STATUS, 15 },
        { VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0 },
        { VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1 },
        { VIRTIO_MMIO_DRIVER_FEATURES, 1 },
        { VIRTIO_MMIO_DRIVER_FEATURES, 1u << (VIRTIO_RING_F_EVENT_IDX) | 1 },
        { VIRTIO_MMIO_QUEUE_SEL, 0 },
        { VIRTIO_MMIO_QUEUE_SEL, 1 },
        { VIRTIO_MMIO_QUEUE_NUM, 16 },
        { VIRTIO_MMIO_QUEUE_DESC_LOW, (uint32_t)RINGS_GPA },
        { VIRTIO_MMIO_QUEUE_AVAIL_LOW, (uint32_t)RINGS_GPA + 0x1000 },
        { VIRTIO_MMIO_QUEUE_USED_LOW, (uint32_t)RINGS_GPA + 0x2000 },
        { VIRTIO_MMIO_QUEUE_READY, 1 },
        { VIRTIO_MMIO_QUEUE_READY, 0 },
    };
    const uint32_t *write = values[take(in, 1) % (sizeof(values) / sizeof(values[0]))];
    reg_write(&region, write[0], write[1]);
}

static void expect_legal(void)
{
    uint32_t status = reg_read(&region, VIRTIO_MMIO_STATUS);
    uint32_t steps = status & ~(uint32_t)(VIRTIO_CONFIG_S_FAILED | VIRTIO_CONFIG_S_NEEDS_RESET);
    assert_true(steps == 0 || steps == 1 || steps == 3 || steps == 11 || steps == 15);
    assert_true(guest.irq_level == (reg_read(&region, VIRTIO_MMIO_INTERRUPT_STATUS) != 0));
}

static void any_access(struct input *in)
{
    uint64_t offset = take(in, 2) % 0x1000;
    unsigned bytes = 1u << take(in, 1) % 4;
    region.write(&toy, offset, bytes, take(in, bytes));
    uint64_t value = region.read(&toy, offset, bytes);
    assert_true(bytes == 8 || value >> 8 * bytes == 0);
    if (offset >= CONFIG + sizeof(toy.config)) {
        assert_int_equal(value, 0);
    }
}

static void memory(struct input *in)
{
    uint64_t at = take(in, 2) % 0x3000;
    uint64_t value = take(in, 2);
    memcpy(guest.ram.base + at, &value, 2);
}

static void step(struct input *in)
{
    uint8_t what = (uint8_t)take(in, 1);
    switch (what % 8) {
    case 0:
        any_access(in);
        break;
    case 1:
        memory(in);
        break;
    case 2:
        toy.hold = what & 0x80;
        toy.is_busy = what & 0x40;
        if (!toy.is_busy) {
            virtio_mmio_quiescent(&toy.device);
        }
        break;
    case 3:
        kick(what / 8 % 4);
        (void)virtio_mmio_poll(&toy.device);
        break;
    case 4:
        if (what & 0x80) {
            virtio_mmio_config_changed(&toy.device);
        } else {
            virtq_push(&toy.queues[what / 16 % 2], &toy.held, 8);
        }
        break;
    default:
        plausible(in);
    }
    expect_legal();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = { data, size };
    setup(NULL);
    if (take(&in, 1) & 1) {
        drive(VERSION_1 | EVENT_IDX | INDIRECT_F);
    }
    for (unsigned i = 0; i < MAX_STEPS && in.left > 0; i++) {
        step(&in);
    }
    toy.is_busy = false;
    virtio_mmio_quiescent(&toy.device);
    reg_write(&region, VIRTIO_MMIO_STATUS, 0);
    assert_int_equal(reg_read(&region, VIRTIO_MMIO_STATUS), 0);
    assert_works_after_reset();
    teardown(NULL);
    return 0;
}
