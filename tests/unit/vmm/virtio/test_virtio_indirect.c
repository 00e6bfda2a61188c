/* SPDX-License-Identifier: BSD-2-Clause */
/* Rows D15 to D27 of the bad-input catalogue on the queue itself: indirect tables, races, splits.
 */
#include "tests/unit/vmm/virtio/virtio_desc_rig.h"

static void d15_indirect_without_the_feature(void **state)
{
    (void)state;
    virtq_start(&q, &ring.at, 0);
    table_set(0, BUF(0), 16, 0, 0);
    ring_set(&ring, 0, TABLES_GPA, 16, INDIRECT, 0);
    assert_refused("not accepted");
}

static void d16_indirect_with_next(void **state)
{
    (void)state;
    table_set(0, BUF(0), 16, 0, 0);
    ring_set(&ring, 0, TABLES_GPA, 16, INDIRECT | NEXT, 1);
    ring_set(&ring, 1, BUF(1), 16, 0, 0);
    assert_refused("with a next one");
}

static void d17_indirect_in_an_indirect_table(void **state)
{
    (void)state;
    table_set(0, TABLES_GPA, 16, INDIRECT, 0);
    ring_set(&ring, 0, TABLES_GPA, 16, INDIRECT, 0);
    assert_refused("in an indirect table");
    /* Its reference leads back to the queue's own table. */
    table_set(0, ring.at.desc, 16 * SIZE, INDIRECT, 0);
    ring_set(&ring, 0, TABLES_GPA, 16, INDIRECT, 0);
    assert_refused("in an indirect table");
}

static void d17_the_queues_own_table_as_an_indirect_one(void **state)
{
    (void)state;
    ring_set(&ring, 0, ring.at.desc, 16 * SIZE, INDIRECT, 0);
    assert_refused(""); /* for whatever reason, in bounded time */
}

static void d18_indirect_lengths(void **state)
{
    static const uint32_t lengths[] = { 0, 1, 15, 17, 16 * 65536, 0xffffffff, 0xfffffff0 };
    (void)state;
    for (unsigned i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        table_set(0, BUF(0), 16, 0, 0);
        ring_set(&ring, 0, TABLES_GPA, lengths[i], INDIRECT, 0);
        assert_refused("indirect table");
    }
}

static void d18_a_table_longer_than_next_can_say(void **state)
{
    /* Only its first entry is ever looked at, so that the RAM need not be there. */
    struct guest_ram big = { .base = guest.ram.base, .gpa = RAM_GPA, .size_bytes = 0x100000000 };
    (void)state;
    q.ram = &big;
    table_set(0, BUF(0), 16, 0, 0);
    ring_set(&ring, 0, TABLES_GPA, 16 * 65535, INDIRECT, 0);
    assert_int_equal(pop(0), VIRTQ_CHAIN);
    virtq_push(&q, &chain, 0);
    ring_take_used(&ring, 0);
    ring_set(&ring, 0, TABLES_GPA, 16 * 65536, INDIRECT, 0);
    assert_refused("indirect table of a wrong length");
}

static void d19_indirect_table_outside_of_ram(void **state)
{
    static const gpa_t at[] = { 0, RAM_GPA - 16, RAM_END - 16, RAM_END, UINT64_MAX - 15 };
    (void)state;
    for (unsigned i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
        ring_set(&ring, 0, at[i], 32, INDIRECT, 0);
        assert_refused("indirect table is not in guest RAM");
    }
}

static void d20_d21_direct_ones_then_an_indirect_table(void **state)
{
    (void)state;
    ring_set(&ring, 0, BUF(0), 10, NEXT, 5);
    ring_set(&ring, 5, BUF(1), 11, NEXT, 2);
    ring_set(&ring, 2, TABLES_GPA, 48, INDIRECT | WRITE, 0xffff); /* its WRITE means nothing */
    table_set(0, BUF(2), 12, NEXT, 2);
    table_set(2, BUF(3), 13, NEXT | WRITE, 1);
    table_set(1, BUF(4), 14, WRITE, 0);
    assert_int_equal(pop(0), VIRTQ_CHAIN);
    assert_int_equal(chain.num_readable, 3);
    assert_int_equal(chain.num_writable, 2);
    for (unsigned i = 0; i < 5; i++) {
        assert_segment(i, BUF(i), 10 + i);
    }
    assert_int_equal(chain.readable_bytes, 33);
    assert_int_equal(chain.writable_bytes, 27);
    virtq_push(&q, &chain, 27);
    assert_int_equal(ring_take_used(&ring, 0), 27);
}

static void d20_an_indirect_table_at_an_odd_address(void **state)
{
    struct vring_desc desc = { .addr = BUF(3), .len = 77, .flags = 0 };
    (void)state;
    memcpy(guest_at(&guest, TABLES_GPA + 3), &desc, sizeof(desc));
    ring_set(&ring, 0, TABLES_GPA + 3, 16, INDIRECT, 0);
    assert_int_equal(pop(0), VIRTQ_CHAIN);
    assert_segment(0, BUF(3), 77);
}

static void d22_loop_and_bad_next_in_an_indirect_table(void **state)
{
    (void)state;
    table_set(0, BUF(0), 16, NEXT, 1);
    table_set(1, BUF(1), 16, NEXT, 0);
    ring_set(&ring, 0, TABLES_GPA, 32, INDIRECT, 0);
    assert_refused("longer than its queue");
    table_set(1, BUF(1), 16, NEXT, 2); /* there is no entry 2 */
    ring_set(&ring, 0, TABLES_GPA, 32, INDIRECT, 0);
    assert_refused("outside of the table");
}

static void d23_reserved_flags_are_ignored(void **state)
{
    (void)state;
    ring_set(&ring, 0, BUF(0), 16, 0xfff8 | NEXT, 1);
    ring_set(&ring, 1, BUF(1), 16, 0xfff8 | WRITE, 0);
    assert_int_equal(pop(0), VIRTQ_CHAIN);
    assert_int_equal(chain.num_readable, 1);
    assert_int_equal(chain.num_writable, 1);
}

/* ---- D24: another vCPU rewrites what is being read -------------------------------------------*/

static const void *loaded[64];
static unsigned num_loaded;

/* Turns what was just read into something that must never be acted upon. */
static void turn_bad(const void *at, unsigned bytes)
{
    for (unsigned i = 0; i < num_loaded; i++) {
        if (loaded[i] == at && at != &ring_avail(&ring)->idx) {
            fail_msg("guest memory at %#lx was read twice", (unsigned long)guest_gpa(&guest, at));
        }
    }
    loaded[num_loaded++] = at;
    if (at != &ring_avail(&ring)->idx) {
        memset((void *)(uintptr_t)at, 0xff, bytes);
    }
}

static void d24_each_descriptor_is_read_once(void **state)
{
    (void)state;
    ring_set(&ring, 0, BUF(0), 10, NEXT, 1);
    ring_set(&ring, 1, BUF(1), 11, NEXT, 2);
    ring_set(&ring, 2, TABLES_GPA, 32, INDIRECT, 0);
    table_set(0, BUF(2), 12, NEXT | WRITE, 1);
    table_set(1, BUF(3), 13, WRITE, 0);
    ring_offer(&ring, 0);
    num_loaded = 0;
    guest_race = turn_bad;
    virtq_begin(&q);
    assert_int_equal(virtq_pop(&q, &chain), VIRTQ_CHAIN);
    guest_race = NULL;
    assert_int_equal(num_loaded, 2 + 5);
    assert_int_equal(chain.head, 0);
    for (unsigned i = 0; i < 4; i++) {
        assert_segment(i, BUF(i), 10 + i);
    }
    assert_int_equal(chain.readable_bytes, 21);
    assert_int_equal(chain.writable_bytes, 25);
    virtq_push(&q, &chain, 25);
    assert_int_equal(ring_take_used(&ring, 0), 25);
}

static void d25_descriptors_are_rewritten_in_flight(void **state)
{
    uint8_t bytes[16];
    (void)state;
    ring_set(&ring, 3, BUF(0), 16, WRITE, 0);
    assert_int_equal(pop(3), VIRTQ_CHAIN);
    ring_set(&ring, 3, RAM_END, 0xffffffff, 0xffff, 0xffff);
    ring_avail(&ring)->ring[0] = 0xffff;
    guest_snapshot(&guest);
    ring_allow_used(&ring);
    guest_allow(&guest, BUF(0), 16);
    memset(bytes, 0x77, sizeof(bytes));
    assert_int_equal(virtq_chain_write(&chain, 0, bytes, 16), 16);
    virtq_push(&q, &chain, 16);
    assert_int_equal(ring_take_used(&ring, 3), 16);
    assert_memory_equal(guest_at(&guest, BUF(0)), bytes, 16);
    guest_assert_untouched(&guest);
}

static void d26_d27_any_split_of_header_and_data(void **state)
{
    (void)state;
    for (unsigned split = 1; split <= 5; split++) { /* 8 bytes in pieces of `split` */
        uint8_t header[3] = { 0 };
        uint8_t data[5] = { 0 };
        unsigned count = (8 + split - 1) / split;
        for (unsigned i = 0; i < count; i++) {
            uint32_t len = i + 1 < count ? split : 8 - split * i;
            ring_set(&ring, i, BUF(i), len, i + 1 < count ? NEXT : 0, i + 1);
            for (unsigned b = 0; b < len; b++) {
                ((uint8_t *)guest_at(&guest, BUF(i)))[b] = (uint8_t)(split * i + b);
            }
        }
        assert_int_equal(pop(0), VIRTQ_CHAIN);
        assert_int_equal(virtq_chain_read(&chain, 0, header, 3), 3);
        assert_int_equal(virtq_chain_read(&chain, 3, data, 5), 5);
        assert_int_equal(virtq_chain_read(&chain, 6, data, 5), 2);
        assert_int_equal(virtq_chain_read(&chain, 8, data, 5), 0);
        assert_int_equal(virtq_chain_read(&chain, UINT64_MAX, data, 5), 0);
        virtq_chain_read(&chain, 3, data, 5);
        assert_memory_equal(header, ((uint8_t[]){ 0, 1, 2 }), 3);
        assert_memory_equal(data, ((uint8_t[]){ 3, 4, 5, 6, 7 }), 5);
        virtq_push(&q, &chain, 0);
        ring_take_used(&ring, 0);
    }
}

static void d27_writes_across_segments(void **state)
{
    static const uint8_t bytes[4] = { 1, 2, 3, 4 };
    (void)state;
    ring_set(&ring, 0, BUF(0), 1, NEXT, 1);
    ring_set(&ring, 1, BUF(1), 2, WRITE | NEXT, 2);
    ring_set(&ring, 2, BUF(2), 3, WRITE, 0);
    assert_int_equal(pop(0), VIRTQ_CHAIN);
    guest_allow(&guest, BUF(1) + 1, 1);
    guest_allow(&guest, BUF(2), 3);
    assert_int_equal(virtq_chain_write(&chain, 1, bytes, 4), 4);
    assert_int_equal(virtq_chain_write(&chain, 5, bytes, 0), 0);
    guest_assert_untouched(&guest);
    assert_int_equal(((uint8_t *)guest_at(&guest, BUF(1)))[1], 1);
    assert_memory_equal(guest_at(&guest, BUF(2)), bytes + 1, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(d15_indirect_without_the_feature),
        TEST(d16_indirect_with_next),
        TEST(d17_indirect_in_an_indirect_table),
        TEST(d17_the_queues_own_table_as_an_indirect_one),
        TEST(d18_indirect_lengths),
        TEST(d18_a_table_longer_than_next_can_say),
        TEST(d19_indirect_table_outside_of_ram),
        TEST(d20_d21_direct_ones_then_an_indirect_table),
        TEST(d20_an_indirect_table_at_an_odd_address),
        TEST(d22_loop_and_bad_next_in_an_indirect_table),
        TEST(d23_reserved_flags_are_ignored),
        TEST(d24_each_descriptor_is_read_once),
        TEST(d25_descriptors_are_rewritten_in_flight),
        TEST(d26_d27_any_split_of_header_and_data),
        TEST(d27_writes_across_segments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
