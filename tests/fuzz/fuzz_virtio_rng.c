/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as what a guest does to its entropy device, with a source that has much, little or
 * nothing. No request gets more than its buffers or one draw, no byte is given out twice, and at
 * the end a driver that begins anew must find a working device (R1, R2).
 */
#include "tests/fuzz/input.h"
#include "tests/unit/vmm/devices/virtio_rng_rig.h"

#define MAX_STEPS 300

/* A chain of up to three buffers, of which few are readable, now and then in an indirect table. */
static void request(struct input *in)
{
    uint8_t how = (uint8_t)take(in, 1);
    unsigned head = how % (SIZE / 2), n = 1 + how / 4 % 3;
    struct vring_desc *table = guest_at(&guest, TABLES_GPA + 64 * head);
    for (unsigned i = 0; i < n; i++) {
        uint32_t bytes = how & 0x20 ? 0x1000u * (1 + i) : 1 + (uint32_t)take(in, 1);
        unsigned flags = (how == 0xff ? 0 : WRITE) | (i + 1 < n ? NEXT : 0);
        ring_set(&requests, head + i, BUF(head), bytes, flags, head + i + 1);
        table[i] = (struct vring_desc){ BUF(head), bytes, (uint16_t)flags, (uint16_t)(i + 1) };
    }
    if (how & 0x80) {
        ring_set(&requests, head, TABLES_GPA + 64 * head, 16 * n, INDIRECT, 0);
    }
    ring_offer(&requests, head);
}

static void corrupt(struct input *in)
{
    gpa_t parts[] = { requests.at.desc, requests.at.avail, TABLES_GPA, RAM_GPA };
    uint8_t where = (uint8_t)take(in, 1);
    uint16_t value = (uint16_t)take(in, 2);
    memcpy(guest_at(&guest, parts[where % 4] + take(in, 1) * 2), &value, 2);
}

static void reg(struct input *in)
{
    uint64_t offset = take(in, 2) % 0x1000;
    unsigned bytes = 1u << take(in, 1) % 4;
    region.write(&rng, offset, bytes, take(in, bytes));
    assert_true(offset < VIRTIO_MMIO_CONFIG || region.read(&rng, offset, bytes) == 0);
}

/* What was given out since `before`, by the used ring. */
static void check(uint16_t before)
{
    for (; before != rng.queue.used_idx && rng.queue.running; before++) {
        assert_true(ring_used(&requests)->ring[before % SIZE].len <= DRAWN);
    }
    assert_true(rng.left <= DRAWN && rng.left <= drawn);
    for (uint32_t i = rng.left; i < DRAWN; i++) {
        assert_int_equal(rng.drawn[i], 0); /* what is given out is erased */
    }
}

static void step(struct input *in)
{
    uint8_t what = (uint8_t)take(in, 1);
    uint16_t before = rng.queue.used_idx;
    switch (what % 8) {
    case 0:
        corrupt(in);
        break;
    case 1:
        reg(in);
        break;
    case 2:
        source_has = (uint32_t)take(in, 2) % 600;
        break;
    case 3:
        reg_write(&region, VIRTIO_MMIO_STATUS, what / 16);
        break;
    case 4:
    case 5:
        kick();
        if (virtio_mmio_running(&rng.device) && requests.at.size == rng.queue.size) {
            check(before);
        }
        break;
    default:
        request(in);
    }
    (void)virtio_mmio_poll(&rng.device);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = { data, size };
    setup(NULL);
    drive(take(&in, 1) & 1 ? ALL : VERSION_1);
    for (unsigned i = 0; i < MAX_STEPS && in.left > 0; i++) {
        step(&in);
    }
    reg_write(&region, VIRTIO_MMIO_STATUS, 0);
    assert_true(virtio_mmio_is_reset(&rng.device));
    assert_works_after_reset();
    teardown(NULL);
    return 0;
}
