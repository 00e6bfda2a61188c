/* SPDX-License-Identifier: BSD-2-Clause */
/* The block device: what it is for; flush and cache mode (B18). */
#include "tests/unit/vmm/devices/block/virtio_block_rig.h"

static uint32_t features(unsigned select)
{
    reg_write(&region, VIRTIO_MMIO_DEVICE_FEATURES_SEL, select);
    return reg_read(&region, VIRTIO_MMIO_DEVICE_FEATURES);
}

static uint64_t config(unsigned offset, unsigned bytes)
{
    return region.read(&block, CONFIG + offset, bytes);
}

/* ---- What it is for --------------------------------------------------------------------------*/

static void it_introduces_itself(void **state)
{
    (void)state;
    uint64_t wanted = F_FLUSH | F_WCE | F_RANGES | VIRTIO_FEATURE(VIRTIO_BLK_F_SEG_MAX) |
                      VIRTIO_FEATURE(VIRTIO_BLK_F_SIZE_MAX) |
                      VIRTIO_FEATURE(VIRTIO_BLK_F_BLK_SIZE) | VIRTIO_FEATURE(VIRTIO_BLK_F_TOPOLOGY);
    assert_int_equal(reg_read(&region, VIRTIO_MMIO_DEVICE_ID), 2);
    assert_int_equal(features(0), (uint32_t)(wanted | EVENT_IDX | F_INDIRECT));
    assert_int_equal(config(0, 8), SECTORS);
    assert_int_equal(config(8, 4) % 4096, 0); /* size_max */
    assert_int_equal(config(12, 4), SIZE - 2);
    assert_int_equal(config(20, 4), 512);
    assert_int_equal(config(24, 1), 3); /* 4096-byte physical blocks */
    assert_int_equal(config(26, 2), 8);
    assert_int_equal(config(32, 1), 1); /* writeback */
    assert_int_equal(config(36, 4), 65535 * 8);
    assert_int_equal(config(40, 4), 1);
    assert_int_equal(config(44, 4), 8);
    assert_int_equal(config(60, 8), 0);
    replace_rig(&(struct block_rig){ .bounce_blocks = 1, .capacity = 1, .read_only = true });
    assert_true((features(0) & F_RO) != 0);
    assert_true((features(0) & F_RANGES) == 0);
}

static void wrong_records_are_refused(void **state)
{
    (void)state;
    struct sddf_blk_client_config none = { 0 };
    assert_false(virtio_block_init(&block, "block0", &guest.ram, &guest.irq, &record, &none, NULL));
}

static void aligned_requests_are_not_copied(void **state)
{
    (void)state;
    drive(ALL);
    memset(guest_at(&guest, BUF(0)), 0x11, 0x4000);
    submit(0, OUT, 80, BUF(0), 0x4000);
    kick();
    assert_int_equal(server_take(), 1);
    assert_int_equal(taken[0].req.io_or_offset, BUF(0) - RAM_GPA);
    assert_int_equal(taken[0].req.block_number, 10);
    assert_int_equal(taken[0].req.count, 4);
    server_serve();
    expect(0, OK, 1);
    assert_memory_equal(disk + 0xa000, guest_at(&guest, BUF(0)), 0x4000);
    one(IN, 8, BUF(8), 0x2000, OK, 0x2001);
    assert_memory_equal(guest_at(&guest, BUF(8)), disk + 4096, 0x2000);
    assert_int_equal(notified, 2);
    assert_int_equal(guest.irq_rises, 1);
}

static void contiguous_buffers_are_merged(void **state)
{
    (void)state;
    drive(ALL);
    set_header(0, IN, 0);
    ring_set(&ring, 0, HEADER(0), 16, NEXT, 1);
    ring_set(&ring, 1, BUF(0), 0x1000, NEXT | WRITE, 2);
    ring_set(&ring, 2, BUF(1), 0x2000, NEXT | WRITE, 3);
    ring_set(&ring, 3, BUF(9), 0x1000, NEXT | WRITE, 4);
    ring_set(&ring, 4, BUF(10), 0x1000, NEXT | WRITE, 5);
    ring_set(&ring, 5, STATUS(0), 1, WRITE, 0);
    ring_offer(&ring, 0);
    kick();
    assert_int_equal(server_take(), 2);
    assert_int_equal(taken[0].req.count, 3);
    assert_int_equal(taken[1].req.count, 2);
    assert_int_equal(taken[1].req.block_number, 3);
    assert_int_equal(taken[1].req.io_or_offset, BUF(9) - RAM_GPA);
    server_answer(1);
    server_serve();
    expect(0, OK, 0x5001);
    assert_memory_equal(guest_at(&guest, BUF(0)), disk, 0x3000);
    assert_memory_equal(guest_at(&guest, BUF(9)), disk + 0x3000, 0x2000);
}

static void unaligned_requests_are_right(void **state)
{
    static uint8_t model[DISK_BYTES];
    (void)state;
    drive(ALL);
    for (unsigned i = 0; i < 200; i++) {
        gpa_t at = BUF(0) + i % 7 * 512 + i % 3;
        uint64_t sector = i * 5 % (SECTORS - 20);
        uint32_t bytes = (1 + i % 19) * 512;
        memcpy(model, disk, DISK_BYTES);
        if (i % 2 == 0) {
            one(IN, sector, at, bytes, OK, bytes + 1);
            assert_memory_equal(guest_at(&guest, at), model + sector * 512, bytes);
        } else {
            memset(guest_at(&guest, at), (int)i, bytes);
            one(OUT, sector, at, bytes, OK, 1);
            memset(model + sector * 512, (int)i, bytes);
        }
        assert_memory_equal(disk, model, DISK_BYTES);
    }
}

static void the_server_gets_ready_late(void **state)
{
    (void)state;
    replace_rig(&(struct block_rig){
        .guest_ram = true, .bounce_blocks = 4, .capacity = 8, .ranges = true, .not_ready = true });
    assert_true((features(0) & F_RANGES) == 0);
    drive(ALL);
    assert_int_equal(config(0, 8), 0);
    one(IN, 0, BUF(0), 512, IOERR, 1);
    one(FLUSH, 0, 0, 0, IOERR, 1);
    one(IN, 0, 0, 0, IOERR, 1);
    nothing_was_sent();
    uint32_t generation = reg_read(&region, VIRTIO_MMIO_CONFIG_GENERATION);
    reg_write(&region, VIRTIO_MMIO_INTERRUPT_ACK, 3);
    blk_storage_set_ready(&info);
    server_notify();
    assert_int_equal(reg_read(&region, VIRTIO_MMIO_INTERRUPT_STATUS), VIRTIO_MMIO_INT_CONFIG);
    assert_int_not_equal(reg_read(&region, VIRTIO_MMIO_CONFIG_GENERATION), generation);
    assert_int_equal(config(0, 8), SECTORS);
    assert_true((features(0) & F_RANGES) == 0); /* not while it is driven */
    one(IN, 0, BUF(0), 512, OK, 513);
    reg_write(&region, VIRTIO_MMIO_STATUS, 0);
    assert_int_equal(features(0) & F_RANGES, F_RANGES);
    info.capacity = UINT64_MAX; /* nonsense does not wrap */
    server_notify();
    assert_int_equal(config(0, 8), UINT64_C(1) << 53);
}

/* ---- Flush and the cache mode ----------------------------------------------------------------*/

static void a_flush_is_one_below(void **state)
{
    (void)state;
    drive(ALL);
    memset(guest_at(&guest, BUF(0)), 0x77, 4096);
    one(OUT, 0, BUF(0), 4096, OK, 1);
    assert_int_equal(sent[BLK_REQ_FLUSH], 0);
    assert_memory_not_equal(stable, disk, 4096);
    one(FLUSH, 0, 0, 0, OK, 1);
    assert_int_equal(sent[BLK_REQ_FLUSH], 1);
    assert_memory_equal(stable, disk, DISK_BYTES);
}

static void without_write_back_writes_are_on_the_disk(void **state)
{
    static const struct {
        uint64_t features;
        int wce; /* -1: not written */
        bool through;
    } modes[] = {
        { ALL & ~(F_FLUSH | F_WCE), -1, true },
        { ALL & ~F_FLUSH, -1, true },
        { ALL & ~F_FLUSH, 1, true },
        { ALL, 0, true },
        { ALL, 1, false },
        { ALL & ~F_WCE, 0, false },
    };
    (void)state;
    for (unsigned i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        drive(modes[i].features | F_RANGES);
        assert_int_equal(config(32, 1), (modes[i].features & F_FLUSH) != 0);
        if (modes[i].wce >= 0) {
            region.write(&block, WCE_OFFSET, 1, (uint64_t)modes[i].wce);
        }
        memset(guest_at(&guest, BUF(0)), (int)(0x80 + i), 4096);
        submit(0, OUT, 8, BUF(0), 4096);
        submit(1, OUT, 17, BUF(0), 512);
        kick();
        server_serve();
        expect(0, OK, 1);
        expect(1, OK, 1);
        assert_int_equal(sent[BLK_REQ_FLUSH], modes[i].through ? 2 : 0);
        assert_int_equal(memcmp(stable, disk, DISK_BYTES) == 0, modes[i].through);
        /* The flush comes behind the data. */
        submit(0, OUT, 8, BUF(0), 4096);
        kick();
        assert_int_equal(server_take(), 1);
        assert_int_equal(taken[0].req.code, BLK_REQ_WRITE);
        server_answer(0);
        server_notify();
        assert_int_equal(server_take(), modes[i].through ? 1 : 0);
        if (modes[i].through) {
            ring_assert_nothing_used(&ring);
            server_fail(0, BLK_RESP_ERR_IO);
            server_notify();
        }
        expect(0, modes[i].through ? IOERR : OK, 1);
        sent[BLK_REQ_FLUSH] = 0;
    }
}

static void b18_writeback_only_where_agreed(void **state)
{
    (void)state;
    struct virtio_blk_config before;
    drive(ALL & ~F_WCE);
    before = block.config;
    for (uint64_t offset = CONFIG; offset < CONFIG + 0x100; offset++) {
        for (unsigned bytes = 1; bytes <= 8; bytes *= 2) {
            region.write(&block, offset, bytes, 0);
        }
    }
    assert_memory_equal(&before, &block.config, sizeof(before));
    drive(ALL); /* T5: one byte, and no access that only reaches it */
    for (uint64_t offset = CONFIG; offset < CONFIG + 0x100; offset++) {
        for (unsigned bytes = 1; bytes <= 8; bytes *= 2) {
            if (offset != WCE_OFFSET || bytes != 1) {
                region.write(&block, offset, bytes, 0);
            }
        }
    }
    assert_memory_equal(&before, &block.config, sizeof(before));
    region.write(&block, WCE_OFFSET, 1, 0);
    assert_int_equal(config(32, 1), 0);
    region.write(&block, WCE_OFFSET, 1, 0xff);
    assert_int_equal(config(32, 1), 1);
    region.write(&block, WCE_OFFSET, 1, 0);
    reg_write(&region, VIRTIO_MMIO_STATUS, 0);
    assert_int_equal(config(32, 1), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_introduces_itself),
        TEST(wrong_records_are_refused),
        TEST(aligned_requests_are_not_copied),
        TEST(contiguous_buffers_are_merged),
        TEST(unaligned_requests_are_right),
        TEST(the_server_gets_ready_late),
        TEST(a_flush_is_one_below),
        TEST(without_write_back_writes_are_on_the_disk),
        TEST(b18_writeback_only_where_agreed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
