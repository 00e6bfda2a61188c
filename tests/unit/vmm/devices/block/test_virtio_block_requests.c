/* SPDX-License-Identifier: BSD-2-Clause */
/* Rows B of the bad-input catalogue on the block device: each request by itself. */
#include "tests/unit/vmm/devices/block/virtio_block_rig.h"

/* ---- B ---------------------------------------------------------------------------------------*/

static void b1_d28_no_whole_header(void **state)
{
    (void)state;
    for (uint32_t bytes = 0; bytes < 16; bytes++) {
        drive(ALL);
        set_header(0, IN, 0);
        if (bytes > 0) {
            ring_set(&ring, 0, HEADER(0), bytes, NEXT, 1);
            ring_set(&ring, 1, STATUS(0), 1, WRITE, 0);
        } else {
            ring_set(&ring, 0, STATUS(0), 1, WRITE, 0);
        }
        ring_offer(&ring, 0);
        snapshot();
        kick();
        assert_int_equal(ring_take_used(&ring, 0), 0);
        guest_assert_untouched(&guest);
        nothing_was_sent();
        assert_works_after_reset();
        memset(sent, 0, sizeof(sent));
    }
}

static void b2_d28_no_status_byte(void **state)
{
    (void)state;
    drive(ALL);
    submit(0, OUT, 0, BUF(0), 512);
    ring_desc(&ring, 1)->flags = 0; /* header and data are all */
    snapshot();
    kick();
    nothing_was_sent();
    ring_assert_nothing_used(&ring);
    guest_assert_untouched(&guest);
    assert_int_equal(reg_read(&region, VIRTIO_MMIO_STATUS), 0x4f);
    assert_int_equal(log_lines, 1);
    assert_int_equal(block.device.guest_errors, 1);
    assert_works_after_reset();
}

static void b3_not_whole_sectors(void **state)
{
    static const uint32_t lengths[] = { 1, 511, 513, 4095, 4097 };
    (void)state;
    drive(ALL);
    for (unsigned i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        one(IN, 0, BUF(0), lengths[i], IOERR, 1);
        one(OUT, 0, BUF(0), lengths[i], IOERR, 1);
    }
    nothing_was_sent();
}

static void b4_beyond_the_end(void **state)
{
    static const uint64_t sectors[] = {
        SECTORS,          SECTORS - 7,          SECTORS + 1,       UINT64_MAX, UINT64_MAX - 7,
        UINT64_MAX / 512, UINT64_MAX / 512 + 1, UINT64_C(1) << 55, INT64_MAX,  (UINT64_C(1) << 32),
    };
    (void)state;
    drive(ALL);
    for (unsigned i = 0; i < sizeof(sectors) / sizeof(sectors[0]); i++) {
        one(IN, sectors[i], BUF(0), 4096, IOERR, 1);
        one(OUT, sectors[i], BUF(0), 4096, IOERR, 1);
    }
    nothing_was_sent();
    one(IN, SECTORS - 1, BUF(0), 512, OK, 513);
}

static void b5_no_data(void **state)
{
    (void)state;
    drive(ALL & ~F_FLUSH); /* nothing is flushed for it either */
    one(IN, 3, 0, 0, OK, 1);
    one(OUT, 3, 0, 0, OK, 1);
    one(IN, UINT64_MAX, 0, 0, IOERR, 1);
    nothing_was_sent();
}

static void b6_read_only(void **state)
{
    static uint8_t before[DISK_BYTES];
    (void)state;
    for (unsigned who = 0; who < 2; who++) {
        replace_rig(&(struct block_rig){ .guest_ram = true,
                                         .bounce_blocks = 4,
                                         .capacity = 8,
                                         .ranges = true,
                                         .read_only = who == 0 });
        info.read_only = who == 1 ? 0xff : 0;
        server_notify();
        memcpy(before, disk, DISK_BYTES);
        drive(ALL | F_RANGES | F_RO);
        one(OUT, 0, BUF(0), 4096, IOERR, 1);
        one(OUT, 0, BUF(0), 512, IOERR, 1);
        one(VIRTIO_BLK_T_DISCARD, 0, BUF(0), 16, IOERR, 1);
        one(VIRTIO_BLK_T_WRITE_ZEROES, 0, BUF(0), 16, IOERR, 1);
        nothing_was_sent();
        one(FLUSH, 0, 0, 0, OK, 1);
        one(IN, 0, BUF(0), 512, OK, 513);
        assert_memory_equal(disk, before, DISK_BYTES);
    }
}

static void b7_b8_unknown_types(void **state)
{
    static const uint32_t types[] = {
        2, 3, 5, 6, 7, 9, 10, 11, 12, 13, 14, 0x80000000, UINT32_MAX
    };
    (void)state;
    drive(ALL); /* DISCARD and WRITE_ZEROES are offered, not accepted */
    for (unsigned i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        one(types[i], 0, BUF(0), 512, UNSUPP, 1);
        one(types[i], 0, 0, 0, UNSUPP, 1);
    }
    nothing_was_sent();
}

static void b12_b14_get_id(void **state)
{
    static const uint32_t lengths[] = { 1, 19, 20, 21, 4096 };
    (void)state;
    drive(ALL);
    for (unsigned i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        uint32_t told = lengths[i] < 20 ? lengths[i] : 20;
        memset(guest_at(&guest, BUF(0)), 0xff, 4096);
        one(VIRTIO_BLK_T_GET_ID, 0, BUF(0), lengths[i], OK, told + 1);
        assert_memory_equal(guest_at(&guest, BUF(0)), "guest0-disk\0\0\0\0\0\0\0\0", told);
    }
    one(VIRTIO_BLK_T_GET_ID, 0, 0, 0, OK, 1);
    nothing_was_sent();
}

static void b13_flush_with_data(void **state)
{
    (void)state;
    drive(ALL);
    one(FLUSH, UINT64_MAX, BUF(0), 512, OK, 1);
    submit(0, FLUSH, 7, BUF(0), 512);
    ring_desc(&ring, 1)->flags |= WRITE;
    snapshot();
    guest_allow(&guest, STATUS(0), 1);
    kick();
    server_serve();
    expect(0, OK, 1);
    guest_assert_untouched(&guest);
    assert_int_equal(sent[BLK_REQ_FLUSH], 2);
}

static void b14_used_length_of_a_failed_read(void **state)
{
    (void)state;
    drive(ALL);
    submit(0, IN, 0, BUF(0), 4096);
    submit(1, IN, 1, BUF(1), 512);
    snapshot();
    guest_allow(&guest, STATUS(0), 1);
    guest_allow(&guest, STATUS(1), 1);
    kick();
    server_take();
    server_fail(0, BLK_RESP_ERR_IO);
    server_fail(0, BLK_RESP_ERR_NO_DEVICE);
    server_notify();
    expect(0, IOERR, 1);
    expect(1, IOERR, 1);
    guest_assert_untouched(&guest);
}

/* B15 is virtq_push()'s release, and this: the status is there when the interrupt comes. */
static struct guest *watched;
static void look_at_status(void *controller, uint32_t intid, bool level)
{
    (void)intid;
    assert_ptr_equal(controller, watched);
    if (level) {
        assert_int_equal(ring_used(&ring)->idx, 1);
        assert_int_equal(status_of(0), OK);
        assert_memory_equal(guest_at(&guest, BUF(0)), disk + 512, 512);
    }
}

static void b15_status_and_data_before_the_index(void **state)
{
    (void)state;
    drive(ALL);
    watched = &guest;
    block.device.irq.set = look_at_status;
    submit(0, IN, 1, BUF(0), 512);
    kick();
    server_serve();
    expect(0, OK, 513);
}

static void put_range(uint64_t sector, uint32_t sectors, uint32_t flags)
{
    struct virtio_blk_discard_write_zeroes range = { sector, sectors, flags };
    memcpy(guest_at(&guest, BUF(0)), &range, sizeof(range));
}

static void discard_and_write_zeroes(void **state)
{
    static uint8_t model[DISK_BYTES];
    (void)state;
    drive(ALL | F_RANGES);
    memcpy(model, disk, DISK_BYTES);
    put_range(8, 16, 0);
    one(VIRTIO_BLK_T_DISCARD, 0, BUF(0), 16, OK, 1);
    memset(model + 8 * 512, 0xdd, 16 * 512);
    assert_memory_equal(disk, model, DISK_BYTES);
    put_range(35, 20, 0); /* of five blocks' parts only one is whole */
    one(VIRTIO_BLK_T_DISCARD, 0, BUF(0), 16, OK, 1);
    memset(model + 40 * 512, 0xdd, 8 * 512);
    assert_memory_equal(disk, model, DISK_BYTES);
    put_range(41, 3, 0); /* less than a block: kept */
    one(VIRTIO_BLK_T_DISCARD, 0, BUF(0), 16, OK, 1);
    assert_int_equal(sent[SENT_DISCARD], 2);
    put_range(67, 30, VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP);
    one(VIRTIO_BLK_T_WRITE_ZEROES, 0, BUF(0), 16, OK, 1);
    memset(model + 67 * 512, 0, 30 * 512);
    assert_memory_equal(disk, model, DISK_BYTES);
    put_range(101, 2, 0);
    one(VIRTIO_BLK_T_WRITE_ZEROES, 0, BUF(0), 16, OK, 1);
    memset(model + 101 * 512, 0, 2 * 512);
    put_range(0, 0, 0);
    one(VIRTIO_BLK_T_WRITE_ZEROES, 0, BUF(0), 16, OK, 1);
    assert_memory_equal(disk, model, DISK_BYTES);
    assert_int_equal(sent[SENT_ZEROES], 1);
}

static void b9_b10_b11_bad_ranges(void **state)
{
    (void)state;
    drive(ALL | F_RANGES);
    for (unsigned zeroes = 0; zeroes < 2; zeroes++) {
        uint32_t type = zeroes ? VIRTIO_BLK_T_WRITE_ZEROES : VIRTIO_BLK_T_DISCARD;
        put_range(0, 8, 0);
        for (uint32_t bytes = 0; bytes < 0x10000; bytes += bytes < 40 ? 1 : 4096) { /* B9 */
            if (bytes != 16) {
                one(type, 0, BUF(0), bytes, IOERR, 1);
            }
        }
        for (unsigned bit = 0; bit < 32; bit++) { /* B10 */
            if (!zeroes || bit > 0) {
                put_range(0, 8, 1u << bit);
                one(type, 0, BUF(0), 16, UNSUPP, 1);
            }
        }
        static const struct {
            uint64_t sector;
            uint32_t sectors;
        } bad[] = { { SECTORS, 1 },      { SECTORS - 1, 2 },    { 0, SECTORS + 1 },
                    { UINT64_MAX, 1 },   { UINT64_MAX - 7, 8 }, { 0, UINT32_MAX },
                    { 1, 65535 * 8 + 1 } };
        for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) { /* B11 */
            put_range(bad[i].sector, bad[i].sectors, 0);
            one(type, 0, BUF(0), 16, IOERR, 1);
        }
    }
    nothing_was_sent();
}

static void b11_more_than_one_request_below_can_do(void **state)
{
    (void)state;
    info.capacity = 1 << 20;
    server_notify();
    drive(ALL | F_RANGES);
    put_range(0, 65535 * 8 + 1, 0);
    one(VIRTIO_BLK_T_DISCARD, 0, BUF(0), 16, IOERR, 1);
    one(VIRTIO_BLK_T_WRITE_ZEROES, 0, BUF(0), 16, IOERR, 1);
    nothing_was_sent();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(b1_d28_no_whole_header),
        TEST(b2_d28_no_status_byte),
        TEST(b3_not_whole_sectors),
        TEST(b4_beyond_the_end),
        TEST(b5_no_data),
        TEST(b6_read_only),
        TEST(b7_b8_unknown_types),
        TEST(discard_and_write_zeroes),
        TEST(b9_b10_b11_bad_ranges),
        TEST(b11_more_than_one_request_below_can_do),
        TEST(b12_b14_get_id),
        TEST(b13_flush_with_data),
        TEST(b14_used_length_of_a_failed_read),
        TEST(b15_status_and_data_before_the_index),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
