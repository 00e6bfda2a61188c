/* SPDX-License-Identifier: BSD-2-Clause */
/* Rows Q of the bad-input catalogue, and T where they are about rings, on the queue itself. */
#include "tests/unit/vmm/virtio/guest_driver.h"

#include <stdlib.h>
#include <string.h>

#define EVENT_IDX VIRTIO_FEATURE(VIRTIO_RING_F_EVENT_IDX)

static struct guest guest;
static struct ring ring;
static struct virtq q;
static struct virtq_segment segments[VIRTQ_MAX_SIZE];
static struct virtq_chain chain;

static int setup(void **state)
{
    (void)state;
    guest_create(&guest);
    virtq_init(&q, &guest.ram, VIRTQ_MAX_SIZE);
    chain = (struct virtq_chain){ .segments = segments };
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    guest_destroy(&guest);
    return 0;
}

/* A running queue whose descriptor i is one readable buffer of 16 bytes. */
static void start(uint32_t size, uint64_t features)
{
    ring_create(&ring, &guest, 0, size);
    for (unsigned i = 0; i < size; i++) {
        ring_set(&ring, i, BUFFERS_GPA + 16 * i, 16, 0, 0);
    }
    assert_true(virtq_start(&q, &ring.at, features));
    guest_snapshot(&guest);
    ring_allow_used(&ring);
}

/* Oracle: the queue refused, stopped, and touches nothing any more (O2); then it works anew (O4).
 */
static void assert_refused_and_restarts(const char *reason)
{
    assert_int_equal(virtq_pop(&q, &chain), VIRTQ_ERROR);
    assert_non_null(q.error);
    assert_non_null(strstr(q.error, reason));
    assert_false(q.running);
    uint16_t used = ring_used(&ring)->idx;
    virtq_push(&q, &chain, 0);
    assert_false(virtq_interrupt_wanted(&q));
    assert_int_equal(virtq_pop(&q, &chain), VIRTQ_EMPTY);
    assert_int_equal(ring_used(&ring)->idx, used);
    guest_race = NULL;
    start(ring.at.size, 0);
    ring_offer(&ring, 0);
    virtq_begin(&q);
    assert_int_equal(virtq_pop(&q, &chain), VIRTQ_CHAIN);
    virtq_push(&q, &chain, 0);
    ring_take_used(&ring, 0);
    assert_true(virtq_interrupt_wanted(&q));
}

/* Pops and pushes until the queue says something else; returns how many chains there were. */
static unsigned drain(enum virtq_result *result)
{
    unsigned count = 0;
    virtq_begin(&q);
    while ((*result = virtq_pop(&q, &chain)) == VIRTQ_CHAIN) {
        virtq_push(&q, &chain, 0);
        count++;
    }
    return count;
}

/* ---- T: what makes a queue ready -------------------------------------------------------------*/

static void assert_not_ready(struct virtq_layout layout)
{
    guest_snapshot(&guest);
    assert_false(virtq_start(&q, &layout, EVENT_IDX));
    assert_false(q.running);
    virtq_begin(&q);
    assert_int_equal(virtq_pop(&q, &chain), VIRTQ_EMPTY);
    guest_assert_untouched(&guest);
    assert_int_equal(guest_loads, 0);
}

static void t10_t11_t12_t13_queue_sizes_that_are_refused(void **state)
{
    static const uint32_t sizes[] = { 0,      3,       255,     257,         512,
                                      0x8000, 0x10080, 0x10000, 0x80000000u, 0xffffffffu };
    (void)state;
    for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        ring_create(&ring, &guest, 0, 256);
        ring.at.size = sizes[i];
        assert_not_ready(ring.at);
    }
    virtq_init(&q, &guest.ram, 64);
    ring_create(&ring, &guest, 0, 128);
    assert_not_ready(ring.at);
}

static void t15_misaligned_rings(void **state)
{
    (void)state;
    for (unsigned off = 1; off < 16; off++) {
        ring_create(&ring, &guest, 0, 8);
        ring.at.desc += off;
        assert_not_ready(ring.at);
    }
    ring_create(&ring, &guest, 0, 8);
    ring.at.avail += 1;
    assert_not_ready(ring.at);
    for (unsigned off = 1; off < 4; off++) {
        ring_create(&ring, &guest, 0, 8);
        ring.at.used += off;
        assert_not_ready(ring.at);
    }
}

static void t16_t17_rings_outside_of_ram(void **state)
{
    /* Below, in a device's window, across either end, wrapping, and with high bits set. */
    static const gpa_t bad[] = { 0,
                                 0x9000000,
                                 RAM_GPA - 16,
                                 RAM_END - 16,
                                 RAM_END,
                                 UINT64_MAX - 15,
                                 RAM_GPA | UINT64_C(1) << 63,
                                 RAM_GPA + (UINT64_C(1) << 32) };
    (void)state;
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        for (unsigned which = 0; which < 3; which++) {
            ring_create(&ring, &guest, 0, 8);
            *(which == 0 ? &ring.at.desc : which == 1 ? &ring.at.avail : &ring.at.used) = bad[i];
            assert_not_ready(ring.at);
        }
    }
}

static void q10_rings_need_room_for_the_event_index(void **state)
{
    (void)state;
    ring_create(&ring, &guest, 0, 8);
    ring.at.avail = RAM_END - (4 + 2 * 8);
    assert_not_ready(ring.at);
    ring.at.avail = RAM_END - (6 + 2 * 8);
    memset(guest_at(&guest, ring.at.avail), 0, 6 + 2 * 8);
    assert_true(virtq_start(&q, &ring.at, EVENT_IDX));
    ring_create(&ring, &guest, 0, 8);
    ring.at.used = RAM_END - (4 + 8 * 8);
    guest_loads = 0;
    assert_not_ready(ring.at);
    /* The smallest aligned place that holds 6 + 8 * 8 bytes. */
    ring.at.used = (RAM_END - (6 + 8 * 8)) & ~UINT64_C(3);
    assert_true(virtq_start(&q, &ring.at, EVENT_IDX));
    guest_snapshot(&guest);
    ring_allow_used(&ring);
    virtq_begin(&q);
    virtq_pop(&q, &chain);
    guest_assert_untouched(&guest);
}

static void t18_all_rings_at_one_place(void **state)
{
    (void)state;
    for (unsigned seed = 0; seed < 2000; seed++) {
        enum virtq_result result = VIRTQ_YIELD;
        ring_create(&ring, &guest, 0, 64);
        ring.at.avail = ring.at.used = ring.at.desc;
        srand(seed);
        uint8_t *at = guest_at(&guest, ring.at.desc);
        for (unsigned i = 0; i < 16 * 64; i++) {
            at[i] = (uint8_t)(rand() % 4 == 0 ? rand() : 0);
        }
        ring_avail(&ring)->idx = (uint16_t)(rand() % 70);
        assert_true(virtq_start(&q, &ring.at, seed % 4 * EVENT_IDX / 2));
        guest_snapshot(&guest);
        ring_allow_used(&ring);
        for (unsigned i = 0; i < 10 && result == VIRTQ_YIELD; i++) {
            guest_loads = 0;
            assert_true(drain(&result) <= 64);
            virtq_interrupt_wanted(&q);
            /* Index and head of each chain, and its descriptors, up to the time to live. */
            assert_true(guest_loads <= 64 * (65 + 3));
        }
        guest_assert_untouched(&guest);
    }
}

static void t19_chains_of_before_a_stop_are_dropped(void **state)
{
    struct virtq_segment old_segments[VIRTQ_MAX_SIZE];
    struct virtq_chain old = { .segments = old_segments };
    (void)state;
    start(8, 0);
    ring_offer(&ring, 3);
    virtq_begin(&q);
    assert_int_equal(virtq_pop(&q, &old), VIRTQ_CHAIN);
    virtq_stop(&q);
    virtq_push(&q, &old, 0);
    assert_int_equal(ring_used(&ring)->idx, 0);
    /* The same head again, in the queue's next life: the old chain must not complete it. */
    start(8, 0);
    ring_offer(&ring, 3);
    assert_int_equal(virtq_pop(&q, &chain), VIRTQ_CHAIN);
    virtq_push(&q, &old, 0);
    ring_assert_nothing_used(&ring);
    virtq_push(&q, &chain, 0);
    ring_take_used(&ring, 3);
    virtq_push(&q, &chain, 0);
    ring_assert_nothing_used(&ring);
}

/* ---- Q: rings --------------------------------------------------------------------------------*/

static void q1_index_jumps_by_more_than_the_size(void **state)
{
    static const uint16_t jumps[] = { 9, 10, 100, 0x7fff, 0x8000, 0xfff0 };
    (void)state;
    for (unsigned i = 0; i < sizeof(jumps) / sizeof(jumps[0]); i++) {
        start(8, 0);
        ring_avail(&ring)->idx = jumps[i];
        guest_snapshot(&guest);
        ring_allow_used(&ring);
        virtq_begin(&q);
        assert_refused_and_restarts("jumped");
        guest_assert_untouched(&guest);
    }
    start(8, 0);
    ring_avail(&ring)->idx = 8; /* as many as there are is fine */
    virtq_begin(&q);
    assert_int_equal(virtq_pop(&q, &chain), VIRTQ_CHAIN);
}

static void q2_index_goes_back(void **state)
{
    enum virtq_result result;
    (void)state;
    start(8, 0);
    for (unsigned i = 0; i < 5; i++) {
        ring_offer(&ring, i);
    }
    assert_int_equal(drain(&result), 5);
    ring_avail(&ring)->idx = 4;
    virtq_begin(&q);
    assert_refused_and_restarts("jumped");
}

static void q3_head_outside_of_the_table(void **state)
{
    static const uint16_t heads[] = { 8, 9, 0x7fff, 0x8000, 0xffff };
    (void)state;
    for (unsigned i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        start(8, 0);
        ring_offer(&ring, heads[i]);
        virtq_begin(&q);
        assert_refused_and_restarts("head");
    }
}

static void q4_head_twice_in_flight(void **state)
{
    (void)state;
    start(8, 0);
    ring_offer(&ring, 5);
    ring_offer(&ring, 5);
    virtq_begin(&q);
    assert_int_equal(virtq_pop(&q, &chain), VIRTQ_CHAIN);
    assert_refused_and_restarts("in flight");
    start(8, 0);
    for (unsigned i = 0; i < 3; i++) { /* after its return it is welcome again */
        ring_offer(&ring, 5);
        virtq_begin(&q);
        assert_int_equal(virtq_pop(&q, &chain), VIRTQ_CHAIN);
        virtq_push(&q, &chain, 0);
        ring_take_used(&ring, 5);
    }
}

static void q5_wrap_size_one_and_size_max(void **state)
{
    static const uint32_t sizes[] = { 1, 2, VIRTQ_MAX_SIZE };
    (void)state;
    for (unsigned s = 0; s < 3; s++) {
        for (unsigned event = 0; event < 2; event++) {
            start(sizes[s], event ? EVENT_IDX : 0);
            for (unsigned i = 0; i < 70000; i++) {
                *ring_used_event(&ring) = ring.used_seen;
                ring_offer(&ring, i % sizes[s]);
                virtq_begin(&q);
                assert_int_equal(virtq_pop(&q, &chain), VIRTQ_CHAIN);
                assert_int_equal(chain.head, i % sizes[s]);
                virtq_push(&q, &chain, 0);
                assert_int_equal(virtq_pop(&q, &chain), VIRTQ_EMPTY);
                assert_true(virtq_interrupt_wanted(&q));
                ring_take_used(&ring, i % sizes[s]);
            }
            guest_snapshot(&guest);
        }
    }
}

static void add_one_more(const void *at, unsigned bytes)
{
    (void)bytes;
    if (at == &ring_avail(&ring)->idx) {
        ring_offer(&ring, ring.avail_idx % ring.at.size);
    }
}

static void q6_driver_keeps_adding(void **state)
{
    enum virtq_result result;
    (void)state;
    for (unsigned event = 0; event < 2; event++) {
        start(8, event ? EVENT_IDX : 0);
        ring_offer(&ring, 0);
        guest_race = add_one_more;
        guest_loads = 0;
        assert_int_equal(drain(&result), 8);
        assert_int_equal(result, VIRTQ_YIELD);
        assert_true(guest_loads <= 8 * 3 + 2); /* index, head, one descriptor each */
        assert_int_equal(drain(&result), 8);
        assert_int_equal(result, VIRTQ_YIELD);
        guest_race = NULL;
        assert_int_equal(drain(&result), ring.avail_idx - 16);
        assert_int_equal(result, VIRTQ_EMPTY);
        assert_int_equal(ring_used(&ring)->idx, ring.avail_idx);
    }
}

static void q7_driver_rewrites_the_used_ring(void **state)
{
    (void)state;
    start(8, 0);
    for (unsigned i = 0; i < 8; i++) {
        ring_offer(&ring, i);
    }
    virtq_begin(&q);
    for (unsigned i = 0; i < 8; i++) {
        memset(ring_used(&ring), 0xff, 6 + 8 * 8);
        assert_int_equal(virtq_pop(&q, &chain), VIRTQ_CHAIN);
        virtq_push(&q, &chain, 0);
        assert_int_equal(ring_used(&ring)->idx, i + 1);
        assert_int_equal(ring_used(&ring)->ring[i].id, i);
    }
}

static bool push_one(unsigned head)
{
    ring_offer(&ring, head);
    virtq_begin(&q);
    assert_int_equal(virtq_pop(&q, &chain), VIRTQ_CHAIN);
    virtq_push(&q, &chain, 0);
    return virtq_interrupt_wanted(&q);
}

static void q8_interrupt_flag(void **state)
{
    (void)state;
    for (unsigned flags = 0; flags < 0x10000; flags += 0x101) {
        start(8, 0);
        ring_avail(&ring)->flags = (uint16_t)flags;
        assert_int_equal(push_one(0), (flags & 1) == 0); /* bit 0 alone counts */
        start(8, EVENT_IDX);
        ring_avail(&ring)->flags = (uint16_t)flags;
        assert_true(push_one(0)); /* ignored with event indices */
    }
}

static void q9_used_event_is_followed_exactly(void **state)
{
    (void)state;
    start(8, EVENT_IDX);
    assert_false(virtq_interrupt_wanted(&q)); /* nothing pushed, nothing to say */
    for (unsigned i = 0; i < 70000; i++) {
        /* "Interrupt me when you have used number used_event", which is now number i. */
        static const uint16_t offsets[] = { 0, 1, 2, 0x7fff, 0x8000, 0xffff };
        uint16_t offset = offsets[i % 6];
        *ring_used_event(&ring) = (uint16_t)(i + offset);
        assert_int_equal(push_one(i % 8), offset == 0);
        assert_false(virtq_interrupt_wanted(&q));
    }
}

static void q9_one_interrupt_for_a_batch_across_the_event(void **state)
{
    (void)state;
    start(8, EVENT_IDX);
    *ring_used_event(&ring) = 2;
    for (unsigned i = 0; i < 8; i++) {
        ring_offer(&ring, i);
    }
    virtq_begin(&q);
    for (unsigned i = 0; i < 8; i++) {
        assert_int_equal(virtq_pop(&q, &chain), VIRTQ_CHAIN);
        virtq_push(&q, &chain, 0);
    }
    assert_true(virtq_interrupt_wanted(&q));
    assert_false(virtq_interrupt_wanted(&q));
}

static void q11_kicks_without_chains_cost_little(void **state)
{
    enum virtq_result result;
    (void)state;
    start(8, EVENT_IDX);
    for (unsigned i = 0; i < 1000000; i++) {
        guest_loads = 0;
        assert_int_equal(drain(&result), 0);
        assert_false(virtq_interrupt_wanted(&q));
        assert_true(guest_loads <= 2);
    }
    guest_assert_untouched(&guest);
}

/* ---- Kicks -----------------------------------------------------------------------------------*/

static unsigned looks;

/* Adds a chain right after the device has looked for the last time before it asked for kicks. */
static void add_after_first_look(const void *at, unsigned bytes)
{
    (void)bytes;
    if (at == &ring_avail(&ring)->idx && ++looks == 1) {
        ring_offer(&ring, 0);
    }
}

static void no_wake_up_is_lost_while_the_device_goes_to_sleep(void **state)
{
    enum virtq_result result;
    (void)state;
    for (unsigned event = 0; event < 2; event++) {
        start(8, event ? EVENT_IDX : 0);
        looks = 0;
        guest_race = add_after_first_look;
        assert_int_equal(drain(&result), 1);
        assert_int_equal(result, VIRTQ_EMPTY);
        guest_race = NULL;
    }
}

static void kicks_are_held_while_the_device_works(void **state)
{
    enum virtq_result result;
    (void)state;
    start(8, 0);
    ring_offer(&ring, 0);
    ring_offer(&ring, 1);
    virtq_begin(&q);
    assert_int_equal(ring_used(&ring)->flags, VRING_USED_F_NO_NOTIFY);
    virtq_pop(&q, &chain);
    virtq_push(&q, &chain, 0);
    assert_int_equal(ring_used(&ring)->flags, VRING_USED_F_NO_NOTIFY);
    drain(&result);
    assert_int_equal(ring_used(&ring)->flags, 0);

    start(8, EVENT_IDX);
    *ring_avail_event(&ring) = 0x5555;
    for (unsigned i = 0; i < 3; i++) {
        ring_offer(&ring, i);
    }
    drain(&result);
    assert_int_equal(*ring_avail_event(&ring), 3);
    assert_int_equal(ring_used(&ring)->flags, 0);
    assert_true(vring_need_event(*ring_avail_event(&ring), 4, 3));
    guest_assert_untouched(&guest);
}

static void chains_that_are_seen_at_once(void **state)
{
    struct virtq_chain first = { .segments = segments }, second = { .segments = segments };
    (void)state;
    start(8, 0);
    ring_offer(&ring, 0);
    ring_offer(&ring, 1);
    virtq_begin(&q);
    virtq_pop(&q, &first);
    virtq_pop(&q, &second);
    assert_true(virtq_put(&q, &first, 0));
    assert_false(virtq_put(&q, &first, 0)); /* not in flight any more */
    assert_true(virtq_put(&q, &second, 0));
    ring_assert_nothing_used(&ring);
    virtq_publish(&q);
    ring_take_used(&ring, 0);
    ring_take_used(&ring, 1);
    virtq_stop(&q);
    virtq_publish(&q);
    assert_false(virtq_put(&q, &second, 0));
    guest_assert_untouched(&guest);
}

int main(void)
{
    const struct CMUnitTest tests[] = { TEST(t10_t11_t12_t13_queue_sizes_that_are_refused),
                                        TEST(t15_misaligned_rings),
                                        TEST(t16_t17_rings_outside_of_ram),
                                        TEST(q10_rings_need_room_for_the_event_index),
                                        TEST(t18_all_rings_at_one_place),
                                        TEST(t19_chains_of_before_a_stop_are_dropped),
                                        TEST(q1_index_jumps_by_more_than_the_size),
                                        TEST(q2_index_goes_back),
                                        TEST(q3_head_outside_of_the_table),
                                        TEST(q4_head_twice_in_flight),
                                        TEST(q5_wrap_size_one_and_size_max),
                                        TEST(q6_driver_keeps_adding),
                                        TEST(q7_driver_rewrites_the_used_ring),
                                        TEST(q8_interrupt_flag),
                                        TEST(q9_used_event_is_followed_exactly),
                                        TEST(q9_one_interrupt_for_a_batch_across_the_event),
                                        TEST(q11_kicks_without_chains_cost_little),
                                        TEST(no_wake_up_is_lost_while_the_device_goes_to_sleep),
                                        TEST(kicks_are_held_while_the_device_works),
                                        TEST(chains_that_are_seen_at_once) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
