/* SPDX-License-Identifier: BSD-2-Clause */
/* Rows D and Q of the bad-input catalogue on the block device. */
#include "tests/unit/vmm/devices/block/virtio_block_rig.h"
#include "tests/unit/vmm/virtio/virtio_bad_chains.h"

static void assert_broken(const char *reason)
{
    assert_int_equal(reg_read(&region, VIRTIO_MMIO_STATUS), 0x4f);
    assert_int_equal(log_lines, 1); /* O7 */
    assert_int_equal(block.device.guest_errors, 1);
    assert_non_null(strstr(log_last, reason));
    assert_true((reg_read(&region, VIRTIO_MMIO_INTERRUPT_STATUS) & VIRTIO_MMIO_INT_CONFIG) != 0);
    kick();
    server_notify();
    ring_assert_nothing_used(&ring);
    guest_assert_untouched(&guest); /* O2 */
    nothing_was_sent();
    assert_works_after_reset();
    memset(sent, 0, sizeof(sent));
    log_lines = 0;
    block.device.guest_errors = 0;
}

/* ---- D ---------------------------------------------------------------------------------------*/

static const struct bad_chain no_status = { "status", { { BAD_HEAD, 16, 0, 0 } }, { { 0 } } };

static void refuse(uint64_t features, const struct bad_chain *bad)
{
    struct virtio_blk_outhdr header = { .type = IN };
    drive(features);
    memcpy(guest_at(&guest, BAD_HEAD), &header, sizeof(header));
    offer_bad_chain(&ring, bad);
    snapshot();
    guest_loads = 0;
    kick();
    assert_true(guest_loads <= 2 * SIZE); /* O5 */
    assert_broken(bad->reason);
}

static void d1_to_d22_bad_chains_break_only_their_device(void **state)
{
    (void)state;
    for (unsigned i = 0; i < NUM_BAD_CHAINS; i++) {
        refuse(ALL, &bad_chains[i]);
    }
    refuse(ALL, &no_status);                    /* D28, B2 */
    refuse(ALL & ~F_INDIRECT, &indirect_chain); /* D15 */
}

static void d3_a_chain_longer_than_the_queue(void **state)
{
    struct vring_desc *table = guest_at(&guest, TABLES_GPA + 0x4000);
    (void)state;
    for (unsigned extra = 0; extra < 2; extra++) {
        drive(ALL);
        set_header(0, IN, 0);
        unsigned n = SIZE + extra;
        table[0] = (struct vring_desc){ HEADER(0), 16, NEXT, 1 };
        for (unsigned i = 1; i < n - 1; i++) {
            table[i] =
                (struct vring_desc){ BUF(0) + 512 * i, 512, NEXT | WRITE, (uint16_t)(i + 1) };
        }
        table[n - 1] = (struct vring_desc){ STATUS(0), 1, WRITE, 0 };
        ring_set(&ring, 0, TABLES_GPA + 0x4000, 16 * n, INDIRECT, 0);
        ring_offer(&ring, 0);
        snapshot();
        if (extra == 0) {
            kick();
            server_serve();
            assert_int_equal(ring_take_used(&ring, 0), 512 * (SIZE - 2) + 1);
            assert_memory_equal(guest_at(&guest, BUF(0) + 512), disk, 512 * (SIZE - 2));
            memset(sent, 0, sizeof(sent));
        } else {
            kick();
            assert_broken("longer");
        }
    }
}

static void d5_d21_d23_what_is_ignored(void **state)
{
    struct vring_desc *table = guest_at(&guest, TABLES_GPA + 0x4000);
    (void)state;
    drive(ALL);
    submit(0, IN, 2, BUF(0), 512);
    ring_desc(&ring, 0)->flags |= 0xfff8;
    ring_desc(&ring, 2)->flags |= 0x8000;
    ring_desc(&ring, 2)->next = 0xffff;
    kick();
    server_serve();
    expect(0, OK, 513);
    table[0] = (struct vring_desc){ HEADER(0), 16, NEXT, 1 };
    table[1] = (struct vring_desc){ BUF(2), 513, WRITE, 7 };
    ring_set(&ring, 0, TABLES_GPA + 0x4000, 32, INDIRECT | WRITE, 99);
    ring_offer(&ring, 0);
    kick();
    server_serve();
    assert_int_equal(ring_take_used(&ring, 0), 513); /* D27: data and status in one */
    assert_memory_equal(guest_at(&guest, BUF(2)), disk + 1024, 512);
    assert_int_equal(*(uint8_t *)guest_at(&guest, BUF(2) + 512), OK);
}

static void d11_d12_buffers_over_rings_and_each_other(void **state)
{
    (void)state;
    drive(ALL);
    /* The disk is read over the rings themselves: that guest's own loss. */
    submit(0, IN, 0, ring.at.desc, 4096);
    submit(1, IN, 8, ring.at.avail, 512);
    submit(2, IN, 16, BUF(0), 4096);
    kick();
    server_serve();
    expect(0, OK, 4097);
    expect(1, OK, 513);
    expect(2, OK, 4097);
    kick(); /* what lies there now is garbage */
    server_serve();
    assert_works_after_reset();
    submit(0, IN, 0, BUF(0), 8192);
    submit(1, IN, 0, BUF(1), 8192);
    ring_desc(&ring, 3)->addr = HEADER(1);
    kick();
    server_serve();
    expect(0, OK, 8193);
    expect(1, OK, 8193);
}

static void d14_wrong_direction(void **state)
{
    (void)state;
    for (unsigned unaligned = 0; unaligned < 2; unaligned++) {
        uint32_t bytes = unaligned ? 512 : 4096;
        drive(ALL | F_RANGES);
        static const uint32_t types[] = { IN, OUT, VIRTIO_BLK_T_GET_ID, VIRTIO_BLK_T_DISCARD,
                                          VIRTIO_BLK_T_WRITE_ZEROES };
        for (unsigned i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
            submit(0, types[i], 0, BUF(0), bytes);
            ring_desc(&ring, 1)->flags ^= WRITE;
            snapshot();
            guest_allow(&guest, STATUS(0), 1);
            kick();
            expect(0, IOERR, 1);
            guest_assert_untouched(&guest);
        }
        nothing_was_sent();
    }
}

static void d14_more_room_than_a_status(void **state)
{
    static const uint32_t types[] = { OUT, VIRTIO_BLK_T_DISCARD, VIRTIO_BLK_T_WRITE_ZEROES };
    (void)state;
    drive(ALL | F_RANGES);
    memset(guest_at(&guest, BUF(0)), 0, 512);
    for (unsigned i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        submit(0, types[i], 0, BUF(0), types[i] == OUT ? 512 : 16);
        ring_desc(&ring, 2)->len = 2; /* the status is the last byte */
        snapshot();
        guest_allow(&guest, STATUS(0) + 1, 1);
        kick();
        assert_int_equal(ring_take_used(&ring, 0), 1);
        assert_int_equal(*(uint8_t *)guest_at(&guest, STATUS(0) + 1), IOERR);
        guest_assert_untouched(&guest);
    }
    nothing_was_sent();
}

/* D24: another vCPU rewrites each thing as soon as it has been read. */
static void spoil(const void *at, unsigned bytes)
{
    if (bytes == sizeof(struct vring_desc)) {
        memset((void *)(uintptr_t)at, 0xff, bytes);
    }
}

static void d24_d25_descriptors_change_behind_the_device(void **state)
{
    (void)state;
    for (unsigned unaligned = 0; unaligned < 2; unaligned++) {
        uint32_t bytes = unaligned ? 1024 : 4096;
        drive(ALL);
        submit(0, IN, 8, BUF(0), bytes);
        submit(1, OUT, 64, BUF(4), bytes);
        memset(guest_at(&guest, BUF(4)), 0x33, bytes);
        guest_race = spoil;
        kick();
        guest_race = NULL;
        memset(guest_at(&guest, HEADER(0)), 0xff, 16); /* D25 */
        memset(guest_at(&guest, HEADER(1)), 0xff, 16);
        snapshot();
        guest_allow(&guest, BUF(0), bytes);
        guest_allow(&guest, STATUS(0), 1);
        guest_allow(&guest, STATUS(1), 1);
        server_serve();
        expect(0, OK, bytes + 1);
        expect(1, OK, 1);
        guest_assert_untouched(&guest);
        assert_memory_equal(guest_at(&guest, BUF(0)), disk + 4096, bytes);
        assert_int_equal(disk[64 * 512 + bytes - 1], 0x33);
        reg_write(&region, VIRTIO_MMIO_STATUS, 0);
    }
}

static void d26_d27_d20_any_mix_of_descriptors(void **state)
{
    struct vring_desc *table = guest_at(&guest, TABLES_GPA + 0x4000);
    (void)state;
    drive(ALL);
    /* A write: header in bytes of its own, the last of them in one buffer with the data. */
    set_header(0, OUT, 8);
    memcpy(guest_at(&guest, BUF(0) + 100), guest_at(&guest, HEADER(0) + 12), 4);
    memset(guest_at(&guest, BUF(0) + 104), 0x61, 512);
    for (unsigned i = 0; i < 12; i++) {
        ring_set(&ring, i, HEADER(0) + i, 1, NEXT, i + 1);
    }
    ring_set(&ring, 12, TABLES_GPA + 0x4000, 16 * 2, INDIRECT, 0); /* D20 */
    table[0] = (struct vring_desc){ BUF(0) + 100, 516, NEXT, 1 };
    table[1] = (struct vring_desc){ STATUS(0), 1, WRITE, 0 };
    ring_offer(&ring, 0);
    /* A read into pieces of odd lengths, the status behind the last. */
    set_header(1, IN, 8);
    ring_set(&ring, 20, HEADER(1), 16, NEXT, 21);
    ring_set(&ring, 21, BUF(1), 1, NEXT | WRITE, 22);
    ring_set(&ring, 22, BUF(2), 510, NEXT | WRITE, 23);
    ring_set(&ring, 23, BUF(3), 1 + 512 + 1, WRITE, 0);
    ring_offer(&ring, 20);
    kick();
    server_serve();
    assert_int_equal(ring_take_used(&ring, 0), 1);
    assert_int_equal(status_of(0), OK);
    assert_int_equal(disk[4096], 0x61);
    assert_int_equal(disk[4096 + 511], 0x61);
    assert_int_equal(ring_take_used(&ring, 20), 1025);
    assert_memory_equal(guest_at(&guest, BUF(1)), disk + 4096, 1);
    assert_memory_equal(guest_at(&guest, BUF(2)), disk + 4097, 510);
    assert_memory_equal(guest_at(&guest, BUF(3)), disk + 4607, 513);
    assert_int_equal(*(uint8_t *)guest_at(&guest, BUF(3) + 513), OK);
}

/* ---- Q and T ---------------------------------------------------------------------------------*/

static void q1_q2_q3_q4_bad_rings(void **state)
{
    (void)state;
    drive(ALL);
    ring_avail(&ring)->idx = SIZE + 1;
    snapshot();
    kick();
    assert_broken("jumped");
    drive(ALL);
    ring_avail(&ring)->idx = UINT16_MAX;
    snapshot();
    kick();
    assert_broken("jumped");
    drive(ALL);
    ring_offer(&ring, SIZE);
    snapshot();
    kick();
    assert_broken("head");
}

static void q4_a_head_that_is_in_flight(void **state)
{
    (void)state;
    drive(ALL);
    submit(0, OUT, 0, BUF(0), 4096);
    kick();
    ring_offer(&ring, 0);
    snapshot();
    kick();
    assert_int_equal(reg_read(&region, VIRTIO_MMIO_STATUS), 0x4f);
    assert_int_equal(log_lines, 1);
    server_serve(); /* the answer to the first is nobody's any more */
    ring_assert_nothing_used(&ring);
    guest_assert_untouched(&guest);
    assert_works_after_reset();
}

static void q5_indices_wrap(void **state)
{
    (void)state;
    drive(ALL);
    for (unsigned i = 0; i < 70000; i++) {
        submit(i % 42, VIRTIO_BLK_T_GET_ID, 0, BUF(0), 20);
        kick();
        expect(i % 42, OK, 21);
    }
}

static void q6_q7_q8_q9_the_whole_queue_at_once(void **state)
{
    (void)state;
    drive(VERSION_1 | F_INDIRECT | F_FLUSH);
    struct vring_desc *table = guest_at(&guest, TABLES_GPA + 0x4000);
    for (unsigned i = 0; i < SIZE; i++) {
        table[2 * i] = (struct vring_desc){ HEADER(i), 16, NEXT, 1 };
        table[2 * i + 1] = (struct vring_desc){ STATUS(i), 1, WRITE, 0 };
        set_header(i, VIRTIO_BLK_T_FLUSH, 0);
        ring_set(&ring, i, TABLES_GPA + 0x4000 + 32 * i, 32, INDIRECT, 0);
        ring_offer(&ring, i);
    }
    guest_loads = 0;
    kick();
    assert_true(guest_loads <= 4 * SIZE + 8); /* a head and three descriptors each */
    ring_used(&ring)->idx = 0x1234;           /* Q7: ours is private */
    kick();
    server_serve();
    assert_int_equal(ring_used(&ring)->idx, SIZE);
    assert_true(guest.irq_level);
    ring_avail(&ring)->flags = 0xffff; /* Q8 */
    reg_write(&region, VIRTIO_MMIO_INTERRUPT_ACK, 1);
    ring_used(&ring)->idx = SIZE;
    ring.used_seen = SIZE;
    ring_offer(&ring, 0);
    kick();
    server_serve();
    ring_take_used(&ring, 0);
    assert_false(guest.irq_level);
    drive(ALL); /* Q9 */
    *ring_used_event(&ring) = 0x7777;
    submit(0, IN, 0, BUF(0), 512);
    kick();
    server_serve();
    expect(0, OK, 513);
    assert_false(guest.irq_level);
}

static void q11_q12_kicks_for_nothing(void **state)
{
    (void)state;
    drive(ALL);
    guest_loads = 0;
    for (unsigned i = 0; i < 100000; i++) {
        kick();
    }
    assert_true(guest_loads <= 3 * 100000);
    assert_int_equal(notified, 0);
    nothing_was_sent();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(d1_to_d22_bad_chains_break_only_their_device),
        TEST(d3_a_chain_longer_than_the_queue),
        TEST(d5_d21_d23_what_is_ignored),
        TEST(d11_d12_buffers_over_rings_and_each_other),
        TEST(d14_wrong_direction),
        TEST(d14_more_room_than_a_status),
        TEST(d24_d25_descriptors_change_behind_the_device),
        TEST(d26_d27_d20_any_mix_of_descriptors),
        TEST(q1_q2_q3_q4_bad_rings),
        TEST(q4_a_head_that_is_in_flight),
        TEST(q5_indices_wrap),
        TEST(q6_q7_q8_q9_the_whole_queue_at_once),
        TEST(q11_q12_kicks_for_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
