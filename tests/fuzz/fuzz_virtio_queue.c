/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as a driver of one virtqueue: chains that make sense, with now and then any word of
 * its rings and tables changed, also while the device walks them (D24). What is popped lies in
 * guest RAM, is bounded, and each head is in flight once; nothing but the used ring is written.
 */
#include "tests/fuzz/input.h"
#include "tests/unit/vmm/virtio/guest_driver.h"
#include "vmm/virtio/queue.h"

#include <string.h>

#define SIZE       16u
#define MAX_STEPS  300
#define MOST_LOADS (SIZE + 1 + 4) /* of one pop: O5 */
#define ALL        (VIRTIO_FEATURE(VIRTIO_RING_F_EVENT_IDX) | VIRTIO_FEATURE(VIRTIO_RING_F_INDIRECT_DESC))

static struct guest guest;
static struct ring ring;
static struct virtq q;
static struct virtq_segment segments[SIZE][SIZE];
static struct virtq_chain flying[SIZE];
static bool in_flight[SIZE];
static struct input *racing; /* what another vCPU does while the device looks */

static void begin(uint64_t features)
{
    ring_create(&ring, &guest, 0, SIZE);
    assert_true(virtq_start(&q, &ring.at, features));
    memset(in_flight, 0, sizeof(in_flight));
}

/* A 16-bit word of the rings or of the tables. */
static void corrupt(struct input *in)
{
    uint8_t where = (uint8_t)take(in, 1);
    gpa_t parts[] = { ring.at.desc, ring.at.avail, ring.at.desc, TABLES_GPA };
    uint16_t value = (uint16_t)take(in, 2);
    memcpy(guest_at(&guest, parts[where % 4] + take(in, 1) % (SIZE * 8) * 2), &value, 2);
}

static void race(const void *at, unsigned bytes)
{
    (void)at, (void)bytes;
    if (racing->left > 3 && racing->at[0] >= 0xf0) {
        corrupt(racing);
    }
}

/* A chain of `n` descriptors from `head`, its last one perhaps a table of as many. */
static void offer(struct input *in)
{
    unsigned how = (unsigned)take(in, 1);
    unsigned head = (unsigned)take(in, 1) % SIZE, n = 1 + how % 4;
    uint8_t *table = guest_at(&guest, TABLES_GPA + how / 16 % 2);
    for (unsigned i = 0; i < n; i++) {
        unsigned flags = (i >= how / 4 % 4 ? WRITE : 0) | (i + 1 < n ? NEXT : 0);
        ring_set(&ring, (head + i) % SIZE, BUFFERS_GPA + 0x100 * i, 1 + (how & 0x7f), flags,
                 (head + i + 1) % SIZE);
        struct vring_desc copy = { BUFFERS_GPA, 8, (uint16_t)flags, (uint16_t)(i + 1) };
        memcpy(table + i * sizeof(copy), &copy, sizeof(copy));
    }
    if (how & 0x80) {
        ring_set(&ring, (head + n - 1) % SIZE, TABLES_GPA + how / 16 % 2, 16 * n, INDIRECT, 0);
    }
    ring_offer(&ring, head);
}

static void check(const struct virtq_chain *chain)
{
    uint64_t bytes = 0;
    assert_true(chain->head < SIZE && !in_flight[chain->head]);
    assert_in_range(chain->num_readable + chain->num_writable, 1, SIZE);
    for (unsigned i = 0; i < (unsigned)chain->num_readable + chain->num_writable; i++) {
        const struct virtq_segment *segment = &chain->segments[i];
        assert_true(segment->bytes > 0 && segment->at >= guest.ram.base &&
                    segment->bytes <= (uint64_t)(guest.ram.base + RAM_BYTES - segment->at));
        bytes += segment->bytes;
    }
    assert_int_equal(bytes, chain->readable_bytes + chain->writable_bytes);
}

/* With another vCPU that interferes; or look whether anything but the used ring changes (O2). */
static void pop(uint64_t features, bool raced, bool look)
{
    struct virtq_segment popped[SIZE];
    struct virtq_chain chain = { .segments = popped };
    if (look) {
        guest_snapshot(&guest);
    }
    ring_allow_used(&ring);
    guest_loads = 0;
    guest_race = raced ? race : NULL;
    enum virtq_result result = virtq_pop(&q, &chain);
    guest_race = NULL;
    assert_true(guest_loads <= MOST_LOADS);
    if (look) {
        guest_assert_untouched(&guest);
    }
    if (result == VIRTQ_ERROR) {
        assert_true(q.error != NULL && !q.running);
        begin(features);
    } else if (result == VIRTQ_CHAIN) {
        check(&chain);
        memcpy(segments[chain.head], popped, sizeof(popped));
        flying[chain.head] = chain;
        flying[chain.head].segments = segments[chain.head];
        in_flight[chain.head] = true;
    }
}

static void push(struct input *in)
{
    unsigned head = (unsigned)take(in, 1) % SIZE;
    uint16_t before = q.used_idx;
    if (flying[head].segments == NULL) {
        return;
    }
    virtq_push(&q, &flying[head], (uint32_t)take(in, 4));
    assert_int_equal((uint16_t)(q.used_idx - before), in_flight[head]);
    if (in_flight[head]) {
        assert_true(ring_used(&ring)->ring[before % SIZE].len <= flying[head].writable_bytes);
    }
    in_flight[head] = false;
}

static void copy(struct input *in)
{
    uint8_t bytes[64];
    const struct virtq_chain *chain = &flying[take(in, 1) % SIZE];
    if (chain->segments == NULL) {
        return;
    }
    uint64_t offset = take(in, 2), left = chain->readable_bytes;
    left = left > offset ? left - offset : 0;
    assert_int_equal(virtq_chain_read(chain, offset, bytes, sizeof(bytes)),
                     left < sizeof(bytes) ? left : sizeof(bytes));
}

static void step(struct input *in, uint64_t features)
{
    uint8_t what = (uint8_t)take(in, 1);
    switch (what % 8) {
    case 0:
        corrupt(in);
        break;
    case 1:
        push(in);
        (void)virtq_interrupt_wanted(&q);
        break;
    case 2:
        copy(in);
        break;
    case 3:
        if (what == 0xfb) {
            begin(features);
        }
        virtq_begin(&q);
        break;
    case 4:
    case 5:
        pop(features, what & 0x80, what / 16 == 0);
        break;
    default:
        offer(in);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = { data, size };
    uint64_t features = take(&in, 1) & 1 ? ALL : VIRTIO_FEATURE(VIRTIO_RING_F_INDIRECT_DESC);
    racing = &in;
    memset(flying, 0, sizeof(flying));
    guest_create(&guest);
    virtq_init(&q, &guest.ram, SIZE);
    begin(features);
    for (unsigned i = 0; i < MAX_STEPS && in.left > 0; i++) {
        step(&in, features);
    }
    guest_destroy(&guest);
    return 0;
}
