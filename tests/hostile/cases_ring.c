/* SPDX-License-Identifier: BSD-2-Clause */
/* Section Q: available and used rings. */
#include "tests/hostile/device_list.h"
#include "tests/hostile/hostile.h"
#include "tests/hostile/hostile_memory.h"
#include "tests/hostile/machine.h"

#include <stddef.h>

#define STORM        10000u
#define WRAPPED      0x10020u /* requests, so that the index has wrapped */
#define DROPPING     (BLOCK | NET | VSOCK)

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* Sets the driver's index as no driver would. */
static void publish(struct ring *ring, uint16_t index)
{
    ((volatile struct vring_avail *)ring->avail)->idx = index;
    ring->offered = index;
    barrier();
}

static void q1(struct virtio *v)
{
    vbegin(v);
    v->kind->put(v, 0);
    publish(requests_of(v), RING_SIZE + 1);
    expect_needs_reset(v);
    vreset(v);
    vbegin(v);
    v->kind->put(v, 0);
    publish(requests_of(v), 0x8000);
    expect_needs_reset(v);
}

static void q2(struct virtio *v)
{
    vbegin(v);
    expect_request(v, 0);
    publish(requests_of(v), 0);
    expect_needs_reset(v);
}

static void q3(struct virtio *v)
{
    const uint16_t heads[] = { RING_SIZE, 0xff, 0x8000, 0xffff };
    for (size_t i = 0; i < COUNT(heads); i++) {
        vreset(v);
        vbegin(v);
        v->kind->put(v, 0);
        ring_offer(requests_of(v), heads[i]);
        expect_needs_reset(v);
    }
}

static void q4(struct virtio *v)
{
    vbegin(v);
    v->kind->put(v, 0);
    ring_offer(requests_of(v), 0);
    ring_offer(requests_of(v), 0);
    expect_needs_reset(v);
}

static uint32_t max_size(const struct virtio *v)
{
    vwrite(v, VIRTIO_MMIO_QUEUE_SEL, v->kind->requests);
    return vread(v, VIRTIO_MMIO_QUEUE_NUM_MAX);
}

static void q5_sizes(struct virtio *v)
{
    const uint32_t sizes[] = { 4, max_size(v) };
    for (size_t i = 0; i < COUNT(sizes); i++) {
        mem_begin();
        vbegin_with(v, VERSION_1, sizes[i]);
        for (unsigned round = 0; round < 6; round++) {
            expect_request(v, 0);
        }
    }
}

/* A full ring again and again, until both indices have wrapped. */
static void wrap(struct virtio *v, uint32_t size)
{
    struct ring *ring = requests_of(v);
    mem_begin();
    vbegin_with(v, VERSION_1, size);
    for (uint32_t i = 0; i < size; i++) {
        put_junk(v, (uint16_t)i);
    }
    uint32_t rounds = size == 1 ? 100 : WRAPPED / size;
    for (uint32_t round = 0; round < rounds; round++) {
        for (uint32_t i = 0; i < size; i++) {
            ring_offer(ring, i);
        }
        vkick(v, v->kind->requests);
        expect(ring_wait(v, ring, (uint16_t)size), "requests do not come back");
        for (uint32_t i = 0; i < size; i++) {
            struct vring_used_elem element = ring_take(ring);
            expect(element.id == i && element.len == 0, "another head is used");
        }
    }
    expect(ring_used(ring) == 0, "more is used than was offered");
}

static void q5_wrap(struct virtio *v)
{
    wrap(v, 1);
    wrap(v, max_size(v));
}

/* As many as the ring takes at any moment. */
static void keep_adding(void *argument)
{
    struct ring *ring = requests_of(argument);
    for (unsigned i = 0; i < STORM;) {
        uint16_t in_flight =
            (uint16_t)(ring->offered - ((volatile struct vring_used *)ring->used)->idx);
        if (in_flight < ring->size) {
            ring_offer(ring, ring->offered % ring->size);
            i++;
        }
        if (in_flight > 0) {
            vwrite(argument, VIRTIO_MMIO_QUEUE_NOTIFY, ((struct virtio *)argument)->kind->requests);
        }
    }
}

static void q6(struct virtio *v)
{
    struct ring *ring = requests_of(v);
    vbegin(v);
    for (uint16_t i = 0; i < RING_SIZE; i++) {
        put_junk(v, i);
    }
    expect(second_run(keep_adding, v), "there is no second vCPU");
    while (second_is_busy()) {
        vwrite(v, VIRTIO_MMIO_QUEUE_NOTIFY, v->kind->requests);
        pause_us(50);
    }
    vkick(v, v->kind->requests);
    ring->taken = (uint16_t)(ring->offered - 1);
    expect(ring_wait(v, ring, 1), "what was added meanwhile is not taken");
    expect(ring_used(ring) == 1, "more is used than was offered");
}

static void q7(struct virtio *v)
{
    struct ring *ring = requests_of(v);
    vbegin(v);
    expect_request(v, 0);
    volatile struct vring_used *used = ring->used;
    for (unsigned i = 0; i < RING_SIZE; i++) {
        used->ring[i].id = 0xbad;
        used->ring[i].len = UINT32_MAX;
    }
    used->idx = 1; /* what the device's next index is depends on its own alone */
    used->flags = 0xffff;
    expect_request(v, 4);
    used->idx = 0x1234;
    v->kind->put(v, 0);
    ring_offer(ring, 0);
    vkick(v, v->kind->requests);
    for (unsigned i = 0; i < 1000 && used->idx != 3; i++) {
        pause_us(1000);
    }
    expect(used->idx == 3 && used->ring[2].id == 0, "the used index is read back");
}

static bool interrupted(struct virtio *v, uint16_t at)
{
    vwrite(v, VIRTIO_MMIO_INTERRUPT_ACK, UINT32_MAX);
    expect_request(v, at);
    return (vcauses(v) & VIRTIO_MMIO_INT_VRING) != 0;
}

static void q8(struct virtio *v)
{
    vbegin(v);
    requests_of(v)->avail->flags = VRING_AVAIL_F_NO_INTERRUPT;
    expect(!interrupted(v, 0), "an interrupt that is not wanted");
    requests_of(v)->avail->flags = 0xfffe;
    expect(interrupted(v, 4), "unknown flags hold an interrupt back");
    vreset(v);
    vbegin_with(v, VERSION_1 | EVENT_IDX, RING_SIZE);
    requests_of(v)->avail->flags = 0xffff; /* used_event is 0: the first one is wanted */
    expect(interrupted(v, 0), "flags count in spite of EVENT_IDX");
}

static void q9(struct virtio *v)
{
    const uint16_t events[] = { 7, 0x8000, 0xffff, 1, 0x1234 };
    vbegin_with(v, VERSION_1 | EVENT_IDX, RING_SIZE);
    for (size_t i = 0; i < COUNT(events); i++) {
        requests_of(v)->avail->ring[RING_SIZE] = events[i];
        bool wanted = events[i] == i;
        expect(interrupted(v, (uint16_t)(i % 2 * 4)) == wanted, "an interrupt at a wrong index");
    }
}

static void q10(struct virtio *v)
{
    expect(vagree(v, VERSION_1), "the features are refused");
    ring_make(&v->rings[0], RING_SIZE);
    struct ring good = v->rings[0];
    v->rings[0].avail = (struct vring_avail *)(mem_end() - (4 + 2ul * RING_SIZE));
    expect(ring_place(v, 0) == 0, "an available ring without room for used_event");
    v->rings[0] = good;
    v->rings[0].used = (struct vring_used *)(mem_end() - (4 + 8ul * RING_SIZE));
    expect(ring_place(v, 0) == 0, "a used ring without room for avail_event");
    v->rings[0] = good;
    expect(ring_place(v, 0) == 1, "a good ring is refused");
}

static void q11(struct virtio *v)
{
    vbegin(v);
    for (unsigned i = 0; i < STORM; i++) {
        vwrite(v, VIRTIO_MMIO_QUEUE_NOTIFY, i % v->kind->num_queues);
    }
    expect(ring_used(requests_of(v)) == 0, "nothing was offered, and something is used");
    expect_request(v, 0);
}

static void q12(struct virtio *v)
{
    struct ring *ring = requests_of(v);
    vbegin(v);
    put_junk(v, 0);
    for (unsigned i = 0; i < STORM; i++) {
        ring_offer(ring, 0);
        vwrite(v, VIRTIO_MMIO_QUEUE_NOTIFY, v->kind->requests);
        if (!ring_wait(v, ring, 1)) {
            expect(false, "a request is lost");
            return;
        }
        ring_take(ring);
    }
    expect_request(v, 1);
}

static const struct row rows[] = {
    { "Q1", "the available index jumps", EACH, q1 },
    { "Q2", "the available index goes back", EACH, q2 },
    { "Q3", "heads outside of the table", EACH, q3 },
    { "Q4", "a head twice while in flight", DROPPING, q4 },
    { "Q5", "the smallest ring for each, the largest", EACH, q5_sizes },
    { "Q5", "indices that wrap, a ring of one", DROPPING, q5_wrap },
    { "Q6", "the other vCPU keeps adding", DROPPING, q6 },
    { "Q7", "the used ring written by the driver", EACH, q7 },
    { "Q8", "flags of the available ring", EACH, q8 },
    { "Q9", "used_event at random", EACH, q9 },
    { "Q10", "no room for the event indices before RAM's end", EACH, q10 },
    { "Q11", "a storm of empty notifications", EACH, q11 },
    { "Q12", "a storm of requests", DROPPING, q12 },
};

const struct section section_q = SECTION('Q', rows);
