/* SPDX-License-Identifier: BSD-2-Clause */
/* Rows D1 to D14 of the bad-input catalogue on the queue itself. */
#include "tests/unit/vmm/virtio/virtio_desc_rig.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(d1_next_is_itself),
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
