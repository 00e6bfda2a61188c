/* SPDX-License-Identifier: BSD-2-Clause */
/* Section T: the registers of virtIO over MMIO. */
#include "tests/hostile/device_list.h"
#include "tests/hostile/hostile.h"
#include "tests/hostile/hostile_memory.h"
#include "tests/hostile/machine.h"

#include <stddef.h>

#define MAGIC      0x74726976u
#define NUM_WIDTHS 4u

static const unsigned widths[NUM_WIDTHS] = { 1, 2, 4, 8 };

/* Registers that a driver may read, and those that it may only write. */
static const uint16_t readable[] = {
    VIRTIO_MMIO_MAGIC_VALUE,       VIRTIO_MMIO_VERSION,          VIRTIO_MMIO_DEVICE_ID,
    VIRTIO_MMIO_VENDOR_ID,         VIRTIO_MMIO_DEVICE_FEATURES,  VIRTIO_MMIO_QUEUE_NUM_MAX,
    VIRTIO_MMIO_QUEUE_READY,       VIRTIO_MMIO_INTERRUPT_STATUS, VIRTIO_MMIO_STATUS,
    VIRTIO_MMIO_CONFIG_GENERATION, VIRTIO_MMIO_SHM_LEN_LOW,      VIRTIO_MMIO_SHM_LEN_HIGH,
    VIRTIO_MMIO_SHM_BASE_LOW,      VIRTIO_MMIO_SHM_BASE_HIGH,
};
static const uint16_t queue_registers[] = {
    VIRTIO_MMIO_QUEUE_NUM,      VIRTIO_MMIO_QUEUE_DESC_LOW,   VIRTIO_MMIO_QUEUE_DESC_HIGH,
    VIRTIO_MMIO_QUEUE_USED_LOW, VIRTIO_MMIO_QUEUE_AVAIL_HIGH, VIRTIO_MMIO_QUEUE_AVAIL_LOW,
    VIRTIO_MMIO_QUEUE_READY,    VIRTIO_MMIO_QUEUE_USED_HIGH,
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static bool is_readable(uint32_t offset)
{
    for (size_t i = 0; i < COUNT(readable); i++) {
        if (readable[i] == offset) {
            return true;
        }
    }
    return false;
}

/* The device in the state in which queues are placed, with a ring made for each. */
static void agree(struct virtio *v)
{
    expect(vagree(v, VERSION_1 | INDIRECT), "the features are refused");
    for (uint32_t i = 0; i < v->kind->num_queues; i++) {
        ring_make(&v->rings[i], RING_SIZE);
    }
}

static void work(struct virtio *v)
{
    for (uint32_t i = 0; i < v->kind->num_queues; i++) {
        expect(ring_place(v, i) == 1, "a good ring is refused");
    }
    vwrite(v, VIRTIO_MMIO_STATUS, WORKING);
    expect_request(v, 0);
}

static void t1(struct virtio *v)
{
    agree(v);
    watch_exceptions(); /* an unaligned access may also be the core's own fault */
    for (uint64_t at = v->base; at < v->base + VIRTIO_MMIO_CONFIG; at++) {
        for (unsigned i = 0; i < NUM_WIDTHS; i++) {
            if (widths[i] != 4 || at % 4 != 0) {
                expect(load(at, widths[i]) == 0, "a register of another width reads");
                store(at, widths[i], UINT64_MAX);
            }
        }
    }
    exceptions_seen();
    expect(vread(v, VIRTIO_MMIO_STATUS) == AGREED, "a write of another width counts");
    work(v);
}

static void t2(struct virtio *v)
{
    agree(v);
    for (size_t i = 0; i < COUNT(readable); i++) {
        uint32_t before = vread(v, readable[i]);
        if (readable[i] != VIRTIO_MMIO_STATUS && readable[i] != VIRTIO_MMIO_QUEUE_READY) {
            vwrite(v, readable[i], ~before);
            expect(vread(v, readable[i]) == before, "a read-only register was written");
        }
    }
    expect(vread(v, VIRTIO_MMIO_MAGIC_VALUE) == MAGIC, "the magic value is another");
    work(v);
}

static void t3(struct virtio *v)
{
    agree(v);
    for (uint32_t at = 0; at < VIRTIO_MMIO_CONFIG; at += 4) {
        expect(is_readable(at) || vread(v, at) == 0, "a reserved or write-only register reads");
    }
    for (uint32_t at = VIRTIO_MMIO_CONFIG + 0x80; at < REGION_BYTES; at += 4) {
        vwrite(v, at, UINT32_MAX);
        expect(vread(v, at) == 0, "behind the configuration something reads");
    }
    work(v);
}

static void t4(struct virtio *v)
{
    uint64_t config = v->base + VIRTIO_MMIO_CONFIG;
    for (unsigned at = 0; at < 0x80; at++) {
        uint64_t bytes = 0;
        for (unsigned i = 0; i < 8; i++) {
            bytes |= load(config + at + i, 1) << 8 * i;
        }
        watch_exceptions();
        uint64_t whole = load(config + at, 8);
        expect(exceptions_seen() > 0 || whole == bytes, "a wide access sees other bytes");
    }
    watch_exceptions();
    uint64_t last = load(v->base + REGION_BYTES - 4, 8);
    expect(exceptions_seen() > 0 || last == 0, "behind the region something reads");
}

static void t5(struct virtio *v)
{
    uint8_t before[0x100];
    uint64_t config = v->base + VIRTIO_MMIO_CONFIG;
    expect(vagree(v, VERSION_1), "the features are refused");
    for (unsigned i = 0; i < sizeof(before); i++) {
        before[i] = (uint8_t)load(config + i, 1);
    }
    watch_exceptions();
    for (unsigned at = 0; at < sizeof(before); at++) {
        for (unsigned i = 0; i < NUM_WIDTHS; i++) {
            store(config + at, widths[i], ~load(config + at, widths[i]));
        }
    }
    exceptions_seen();
    for (unsigned i = 0; i < sizeof(before); i++) {
        expect(load(config + i, 1) == before[i], "the configuration was written");
    }
}

static void t6(struct virtio *v)
{
    agree(v);
    vwrite(v, VIRTIO_MMIO_QUEUE_SEL, v->kind->num_queues);
    expect(vread(v, VIRTIO_MMIO_QUEUE_NUM_MAX) == 0, "a queue that is none has a size");
    expect(vread(v, VIRTIO_MMIO_QUEUE_READY) == 0, "a queue that is none is ready");
    vwrite(v, VIRTIO_MMIO_QUEUE_SEL, v->kind->num_queues - 1);
    expect(vread(v, VIRTIO_MMIO_QUEUE_NUM_MAX) > 0, "the last queue has no size");
}

static void t7(struct virtio *v)
{
    const uint32_t none[] = { v->kind->num_queues, 0xffff, 1u << 31, UINT32_MAX };
    agree(v);
    for (size_t i = 0; i < COUNT(none); i++) {
        vwrite(v, VIRTIO_MMIO_QUEUE_SEL, none[i]);
        for (size_t j = 0; j < COUNT(queue_registers); j++) {
            vwrite(v, queue_registers[j], 1);
        }
        expect(vread(v, VIRTIO_MMIO_QUEUE_READY) == 0, "a queue that is none became ready");
    }
    work(v);
}

static void t8(struct virtio *v)
{
    const uint32_t none[] = { v->kind->num_queues, 31, 32, 64, 0xffff, 1u << 31, UINT32_MAX };
    vbegin(v);
    uint16_t descriptors = v->kind->put(v, 0);
    ring_offer(requests_of(v), 0);
    for (size_t i = 0; i < COUNT(none); i++) {
        vwrite(v, VIRTIO_MMIO_QUEUE_SEL, v->kind->requests);
        vwrite(v, VIRTIO_MMIO_QUEUE_NOTIFY, none[i]);
    }
    pause_us(1000);
    expect(ring_used(requests_of(v)) == 0, "the selector was taken for the notified queue");
    vwrite(v, VIRTIO_MMIO_QUEUE_SEL, UINT32_MAX);
    vkick(v, v->kind->requests);
    expect(ring_wait(v, requests_of(v), 1), "the selector stands in a notification's way");
    ring_take(requests_of(v));
    expect_request(v, descriptors);
}

static void t9(struct virtio *v)
{
    agree(v);
    v->kind->put(v, 0);
    ring_offer(requests_of(v), 0);
    vkick(v, v->kind->requests);
    for (uint32_t i = 0; i < v->kind->num_queues; i++) {
        expect(ring_place(v, i) == 1, "a good ring is refused");
        vkick(v, i);
    }
    pause_us(1000);
    expect(ring_used(requests_of(v)) == 0, "a request is taken before DRIVER_OK");
    vwrite(v, VIRTIO_MMIO_STATUS, WORKING);
    expect(ring_wait(v, requests_of(v), 1), "a request from before DRIVER_OK is lost");
}

/* ---- Placing a queue -------------------------------------------------------------------------*/

/* The ring with one thing changed must be refused, and without it accepted. */
static void expect_refused(struct virtio *v, const struct ring *bad)
{
    struct ring good = v->rings[0];
    v->rings[0] = *bad;
    expect(ring_place(v, 0) == 0, "the queue became ready");
    v->rings[0] = good;
}

static void refuse_size(struct virtio *v, uint32_t size)
{
    struct ring bad = v->rings[0];
    bad.size = size;
    expect_refused(v, &bad);
}

static void t10(struct virtio *v)
{
    agree(v);
    refuse_size(v, 0);
    work(v);
}

static void t11(struct virtio *v)
{
    agree(v);
    refuse_size(v, 3);
    refuse_size(v, 255);
    refuse_size(v, 257);
    work(v);
}

static void t12(struct virtio *v)
{
    agree(v);
    vwrite(v, VIRTIO_MMIO_QUEUE_SEL, 0);
    refuse_size(v, 2 * vread(v, VIRTIO_MMIO_QUEUE_NUM_MAX));
    refuse_size(v, 1u << 15);
    refuse_size(v, 1u << 31);
    work(v);
}

static void t13(struct virtio *v)
{
    agree(v);
    refuse_size(v, 0x10000 | RING_SIZE);
    refuse_size(v, 0x10080);
    work(v);
}

static void t14(struct virtio *v)
{
    vbegin(v);
    for (uint32_t queue = 0; queue < v->kind->num_queues; queue++) {
        vwrite(v, VIRTIO_MMIO_QUEUE_SEL, queue);
        for (size_t i = 0; i < COUNT(queue_registers); i++) {
            vwrite(v, queue_registers[i], 0x10000);
        }
        expect(vread(v, VIRTIO_MMIO_QUEUE_READY) == 1, "the queue is not ready any more");
    }
    expect_request(v, 0);
}

static void *moved(const void *at, int64_t bytes)
{
    return (void *)((uint64_t)at + (uint64_t)bytes);
}

/* Each of the three rings at an address of its own. */
static void refuse_addresses(struct virtio *v, uint64_t desc, uint64_t avail, uint64_t used)
{
    struct ring bad = v->rings[0];
    bad.desc = (struct vring_desc *)desc;
    expect_refused(v, &bad);
    bad = v->rings[0];
    bad.avail = (struct vring_avail *)avail;
    expect_refused(v, &bad);
    bad = v->rings[0];
    bad.used = (struct vring_used *)used;
    expect_refused(v, &bad);
}

static void t15(struct virtio *v)
{
    agree(v);
    const struct ring *ring = &v->rings[0];
    refuse_addresses(v, (uint64_t)moved(ring->desc, 8), (uint64_t)moved(ring->avail, 1),
                     (uint64_t)moved(ring->used, 2));
    work(v);
}

static void t16(struct virtio *v)
{
    uint64_t end = mem_end();
    agree(v);
    refuse_addresses(v, end, end, end);
    refuse_addresses(v, end - 16ul * RING_SIZE + 16, end - (6 + 2ul * RING_SIZE) + 2,
                     end - (6 + 8ul * RING_SIZE) + 2);
    refuse_addresses(v, 0, 0, 0);
    refuse_addresses(v, UINT64_MAX & ~15ul, UINT64_MAX & ~1ul, UINT64_MAX & ~3ul);
    refuse_addresses(v, (uint64_t)v->rings[0].desc | 1ul << 63,
                     (uint64_t)v->rings[0].avail | 1ul << 48,
                     (uint64_t)v->rings[0].used | 1ul << 32);
    work(v);
}

static void t17(struct virtio *v)
{
    const uint64_t windows[] = { v->base, v->base + VIRTIO_MMIO_CONFIG, GICD_BASE, GICC_BASE,
                                 PL011_BASE };
    agree(v);
    for (size_t i = 0; i < COUNT(windows); i++) {
        refuse_addresses(v, windows[i], windows[i], windows[i]);
    }
    work(v);
}

/* What comes of it nobody can say; it ends, and the device works after a reset. */
static void t18(struct virtio *v)
{
    agree(v);
    void *shared = mem_take(16 * RING_SIZE, 16, MEM_DEVICE);
    for (uint32_t i = 0; i < v->kind->num_queues; i++) {
        v->rings[i].desc = shared;
        v->rings[i].avail = shared;
        v->rings[i].used = shared;
        expect(ring_place(v, i) == 1, "rings in one place are refused");
    }
    vwrite(v, VIRTIO_MMIO_STATUS, WORKING);
    v->kind->put(v, 0);
    for (unsigned i = 0; i < 10; i++) {
        ring_offer(requests_of(v), i);
        vwrite(v, VIRTIO_MMIO_QUEUE_NOTIFY, i % v->kind->num_queues);
    }
    mem_unseal();
}

static const struct row rows[] = {
    { "T1", "registers by 1, 2 and 8 bytes, and unaligned", EACH, t1 },
    { "T2", "writes to read-only registers", EACH, t2 },
    { "T3", "reserved registers, and behind the configuration", EACH, t3 },
    { "T4", "reads across the configuration's end", EACH, t4 },
    { "T5", "writes to all of the configuration", EACH, t5 },
    { "T6", "QueueSel of no queue, reads", EACH, t6 },
    { "T7", "QueueSel of no queue, writes", EACH, t7 },
    { "T8", "QueueNotify of no queue, with a stale QueueSel", EACH, t8 },
    { "T9", "notifications before QueueReady and DRIVER_OK", EACH, t9 },
    { "T10", "QueueNum 0, then ready", EACH, t10 },
    { "T11", "QueueNum that is no power of two", EACH, t11 },
    { "T12", "QueueNum above QueueNumMax", EACH, t12 },
    { "T13", "QueueNum that is good in its low 16 bits", EACH, t13 },
    { "T14", "a queue placed anew while ready", EACH, t14 },
    { "T15", "misaligned rings", EACH, t15 },
    { "T16", "rings outside of RAM", EACH, t16 },
    { "T17", "rings in devices' registers", EACH, t17 },
    { "T18", "three rings in one place", EACH, t18 },
};

const struct section section_t = SECTION('T', rows);
