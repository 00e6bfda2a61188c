/* SPDX-License-Identifier: BSD-2-Clause */
/* Rows D of the bad-input catalogue on the queue itself. */
#include "tests/unit/guest_driver.h"

#include <string.h>

#define SIZE       8u
#define FEATURES   VIRTIO_FEATURE(VIRTIO_RING_F_INDIRECT_DESC)
#define BUF(i)     (BUFFERS_GPA + 0x100 * (i))
#define MOST_LOADS (SIZE + 1 + 4) /* a chain's descriptors, and the indices */

static struct guest guest;
static struct ring ring;
static struct virtq q;
static struct virtq_segment segments[SIZE];
static struct virtq_chain chain;

static int setup(void **state)
{
    (void)state;
    guest_create(&guest);
    virtq_init(&q, &guest.ram, SIZE);
    ring_create(&ring, &guest, 0, SIZE);
    chain = (struct virtq_chain){ .segments = segments };
    assert_true(virtq_start(&q, &ring.at, FEATURES));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    guest_destroy(&guest);
    return 0;
}

static struct vring_desc *table(unsigned i)
{
    return (struct vring_desc *)guest_at(&guest, TABLES_GPA) + i;
}

static void table_set(unsigned i, gpa_t addr, uint32_t len, unsigned flags, unsigned next)
{
    *table(i) = (struct vring_desc){
        .addr = addr, .len = len, .flags = (uint16_t)flags, .next = (uint16_t)next
    };
}

static enum virtq_result pop(unsigned head)
{
    ring_offer(&ring, head);
    guest_snapshot(&guest);
    ring_allow_used(&ring);
    guest_loads = 0;
    virtq_begin(&q);
    enum virtq_result result = virtq_pop(&q, &chain);
    assert_true(guest_loads <= MOST_LOADS); /* O5 */
    guest_assert_untouched(&guest);         /* O2 */
    return result;
}

/* The chain at descriptor 0 is refused; a fresh start then works (O4). */
static void assert_refused(const char *reason)
{
    assert_int_equal(pop(0), VIRTQ_ERROR);
    assert_non_null(strstr(q.error, reason));
    ring_assert_nothing_used(&ring);
    guest_race = NULL;
    ring_create(&ring, &guest, 0, SIZE);
    assert_true(virtq_start(&q, &ring.at, FEATURES));
    ring_set(&ring, 0, BUF(0), 1, WRITE, 0);
    assert_int_equal(pop(0), VIRTQ_CHAIN);
    virtq_push(&q, &chain, 1);
    assert_int_equal(ring_take_used(&ring, 0), 1);
    /* Leave it fresh for the next case of the same test. */
    ring_create(&ring, &guest, 0, SIZE);
    assert_true(virtq_start(&q, &ring.at, FEATURES));
}

static void assert_segment(unsigned i, gpa_t addr, uint32_t bytes)
{
    assert_ptr_equal(chain.segments[i].at, guest_at(&guest, addr));
    assert_int_equal(chain.segments[i].bytes, bytes);
}

static void d1_next_is_itself(void **state)
{
    (void)state;
    ring_set(&ring, 0, BUF(0), 16, NEXT, 0);
    assert_refused("longer than its queue");
}

static void d2_cycles(void **state)
{
    (void)state;
    for (unsigned n = 2; n <= SIZE; n++) {
        for (unsigned back = 0; back < n; back++) { /* entered at its begin and in its middle */
            for (unsigned i = 0; i < n; i++) {
                ring_set(&ring, i, BUF(i), 16, NEXT, i + 1 < n ? i + 1 : back);
            }
            assert_refused("longer than its queue");
        }
    }
}

static void d3_longer_than_the_queue_by_an_indirect_table(void **state)
{
    (void)state;
    for (unsigned n = SIZE; n <= SIZE + 1; n++) {
        for (unsigned i = 0; i < n; i++) {
            table_set(i, BUF(i), 16, i + 1 < n ? NEXT : 0, i + 1);
        }
        ring_set(&ring, 0, TABLES_GPA, 16 * n, INDIRECT, 0);
        if (n == SIZE) {
            assert_int_equal(pop(0), VIRTQ_CHAIN);
            assert_int_equal(chain.num_readable, SIZE);
            virtq_push(&q, &chain, 0);
            ring_take_used(&ring, 0);
        } else {
            assert_refused("longer than its queue");
        }
    }
    /* Direct ones and a table, together too many. */
    ring_set(&ring, 0, BUF(0), 16, NEXT, 1);
    ring_set(&ring, 1, TABLES_GPA, 16 * SIZE, INDIRECT, 0);
    for (unsigned i = 0; i < SIZE; i++) {
        table_set(i, BUF(i), 16, i + 1 < SIZE ? NEXT : 0, i + 1);
    }
    assert_refused("longer than its queue");
}

static void d4_next_outside_of_the_table(void **state)
{
    static const unsigned nexts[] = { SIZE, SIZE + 1, 0x7fff, 0xffff };
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        ring_set(&ring, 0, BUF(0), 16, NEXT, nexts[i]);
        assert_refused("outside of the table");
    }
}

static void d5_next_without_the_flag_is_ignored(void **state)
{
    (void)state;
    ring_set(&ring, 0, BUF(0), 16, 0, 0xffff);
    assert_int_equal(pop(0), VIRTQ_CHAIN);
    assert_int_equal(chain.num_readable, 1);
}

static void d6_empty_buffers(void **state)
{
    (void)state;
    for (unsigned mask = 1; mask < 8; mask++) { /* first, middle, last, all */
        for (unsigned i = 0; i < 3; i++) {
            ring_set(&ring, i, BUF(i), (mask >> i & 1) ? 0 : 16, i < 2 ? NEXT : 0, i + 1);
        }
        assert_refused("empty");
    }
}

static void d7_lengths_whose_sum_wraps(void **state)
{
    (void)state;
    for (unsigned i = 0; i < SIZE; i++) {
        ring_set(&ring, i, RAM_GPA, 0xffffffff, i + 1 < SIZE ? NEXT : 0, i + 1);
    }
    assert_refused("not in guest RAM");
}

static void d7_sums_have_64_bits(void **state)
{
    /* A guest with so much RAM that its buffers, which may overlap (D12), add up to 2^32 + more.
     * Nothing behind the first bytes is touched, so that the RAM need not be there. */
    struct guest_ram big = { .base = guest.ram.base, .gpa = RAM_GPA, .size_bytes = 0x100000000 };
    (void)state;
    virtq_init(&q, &big, SIZE);
    assert_true(virtq_start(&q, &ring.at, FEATURES));
    for (unsigned i = 0; i < SIZE; i++) {
        ring_set(&ring, i, RAM_GPA + i, 0xfffffff0, i + 1 < SIZE ? NEXT : 0, i + 1);
    }
    assert_int_equal(pop(0), VIRTQ_CHAIN);
    assert_int_equal(chain.readable_bytes, SIZE * UINT64_C(0xfffffff0));
}

static void d8_d9_d10_buffers_outside_of_ram(void **state)
{
    static const struct {
        gpa_t addr;
        uint32_t len;
    } bad[] = {
        { 0, 16 },
        { 0x08000000, 16 },  /* the GIC */
        { 0x0a000000, 512 }, /* virtio-mmio's registers */
        { RAM_GPA - 1, 1 },
        { RAM_GPA - 1, 2 },
        { RAM_END - 1, 2 },
        { RAM_END, 1 },
        { RAM_END, 0 },
        { 0, 0 },
        { UINT64_MAX, 1 },
        { UINT64_MAX - 7, 16 },
        { UINT64_MAX, 0xffffffff },
        { RAM_GPA, RAM_BYTES + 1 },
        { RAM_GPA | UINT64_C(1) << 40, 1 },
    };
    (void)state;
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        for (unsigned writable = 0; writable < 2; writable++) {
            ring_set(&ring, 0, bad[i].addr, bad[i].len, writable ? WRITE : 0, 0);
            assert_refused("not in guest RAM");
        }
    }
    ring_set(&ring, 0, RAM_GPA, RAM_BYTES, 0, 0); /* all of it is right */
    assert_int_equal(pop(0), VIRTQ_CHAIN);
}

static void d11_writable_buffer_over_the_rings(void **state)
{
    (void)state;
    ring_set(&ring, 0, ring.at.desc, 16, WRITE | NEXT, 1);
    ring_set(&ring, 1, ring.at.avail, 6 + 2 * SIZE, WRITE | NEXT, 2);
    ring_set(&ring, 2, ring.at.used, 6 + 8 * SIZE, WRITE, 0);
    assert_int_equal(pop(0), VIRTQ_CHAIN);
    uint8_t garbage[512];
    memset(garbage, 0xee, sizeof(garbage));
    guest_allow(&guest, ring.at.desc, 16);
    guest_allow(&guest, ring.at.avail, 6 + 2 * SIZE);
    uint32_t n = virtq_chain_write(&chain, 0, garbage, sizeof(garbage));
    assert_int_equal(n, chain.writable_bytes);
    assert_int_equal(chain.head, 0);
    virtq_push(&q, &chain, n);
    assert_int_equal(ring_used(&ring)->idx, 1);
    assert_int_equal(ring_used(&ring)->ring[0].id, 0);
    guest_assert_untouched(&guest);
    assert_int_equal(virtq_pop(&q, &chain), VIRTQ_ERROR); /* avail.idx is 0xeeee now */
}

static void d12_overlapping_buffers(void **state)
{
    uint8_t bytes[32];
    (void)state;
    ring_set(&ring, 0, BUF(0), 16, NEXT, 1);
    ring_set(&ring, 1, BUF(0) + 8, 16, 0, 0);
    assert_int_equal(pop(0), VIRTQ_CHAIN);
    assert_int_equal(virtq_chain_read(&chain, 0, bytes, 32), 32);
    assert_memory_equal(bytes + 16, guest_at(&guest, BUF(0) + 8), 16);
}

static void d13_readable_after_writable(void **state)
{
    (void)state;
    ring_set(&ring, 0, BUF(0), 16, WRITE | NEXT, 1);
    ring_set(&ring, 1, BUF(1), 16, 0, 0);
    assert_refused("readable buffer follows");
}

static void d14_a_readable_buffer_is_never_written(void **state)
{
    uint8_t bytes[16] = { 0 };
    (void)state;
    ring_set(&ring, 0, BUF(0), 16, 0, 0);
    assert_int_equal(pop(0), VIRTQ_CHAIN);
    assert_int_equal(virtq_chain_write(&chain, 0, bytes, 16), 0);
    virtq_push(&q, &chain, 16); /* a device that claims more than the chain can hold */
    assert_int_equal(ring_take_used(&ring, 0), 0);
    guest_assert_untouched(&guest);
}

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
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = { TEST(d1_next_is_itself),
                                        TEST(d2_cycles),
                                        TEST(d3_longer_than_the_queue_by_an_indirect_table),
                                        TEST(d4_next_outside_of_the_table),
                                        TEST(d5_next_without_the_flag_is_ignored),
                                        TEST(d6_empty_buffers),
                                        TEST(d7_lengths_whose_sum_wraps),
                                        TEST(d7_sums_have_64_bits),
                                        TEST(d8_d9_d10_buffers_outside_of_ram),
                                        TEST(d11_writable_buffer_over_the_rings),
                                        TEST(d12_overlapping_buffers),
                                        TEST(d13_readable_after_writable),
                                        TEST(d14_a_readable_buffer_is_never_written),
                                        TEST(d15_indirect_without_the_feature),
                                        TEST(d16_indirect_with_next),
                                        TEST(d17_indirect_in_an_indirect_table),
                                        TEST(d17_the_queues_own_table_as_an_indirect_one),
                                        TEST(d18_indirect_lengths),
                                        TEST(d19_indirect_table_outside_of_ram),
                                        TEST(d20_d21_direct_ones_then_an_indirect_table),
                                        TEST(d20_an_indirect_table_at_an_odd_address),
                                        TEST(d22_loop_and_bad_next_in_an_indirect_table),
                                        TEST(d23_reserved_flags_are_ignored),
                                        TEST(d24_each_descriptor_is_read_once),
                                        TEST(d25_descriptors_are_rewritten_in_flight),
                                        TEST(d26_d27_any_split_of_header_and_data),
                                        TEST(d27_writes_across_segments) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
