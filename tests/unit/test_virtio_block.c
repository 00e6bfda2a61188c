/* SPDX-License-Identifier: BSD-2-Clause */
/* The block device: what it is for, and rows B of the bad-input catalogue. */
#include "tests/unit/virtio_block_rig.h"

#define OK     VIRTIO_BLK_S_OK
#define IOERR  VIRTIO_BLK_S_IOERR
#define UNSUPP VIRTIO_BLK_S_UNSUPP
#define IN     VIRTIO_BLK_T_IN
#define OUT    VIRTIO_BLK_T_OUT
#define FLUSH  VIRTIO_BLK_T_FLUSH

static uint32_t features(unsigned select)
{
    reg_write(&region, VIRTIO_MMIO_DEVICE_FEATURES_SEL, select);
    return reg_read(&region, VIRTIO_MMIO_DEVICE_FEATURES);
}

static uint64_t config(unsigned offset, unsigned bytes)
{
    return region.read(&block, CONFIG + offset, bytes);
}

/* One request, served; only its status (and what the test allowed) may have changed. */
static void one(uint32_t type, uint64_t sector, gpa_t data, uint32_t bytes, uint8_t status,
                uint32_t length)
{
    submit(0, type, sector, data, bytes);
    snapshot();
    guest_allow(&guest, STATUS(0), 1);
    if (length > 1) {
        guest_allow(&guest, data, length - 1);
    }
    kick();
    server_serve();
    expect(0, status, length);
    guest_assert_untouched(&guest);
}

static void nothing_was_sent(void)
{
    for (unsigned i = 0; i < 6; i++) {
        assert_int_equal(sent[i], 0);
    }
}

/* Another device in place of setup()'s. */
static void replace_rig(const struct block_rig *rig)
{
    rig_destroy();
    rig_create(rig);
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

static void b16_more_than_the_queue_below_holds(void **state)
{
    (void)state;
    for (unsigned small = 0; small < 2; small++) { /* scarce: the queue, or the bounce area */
        replace_rig(&(struct block_rig){
            .guest_ram = true, .bounce_blocks = small ? 1 : 64, .capacity = small ? 64 : 2 });
        drive(ALL);
        for (unsigned n = 0; n < 42; n++) {
            submit(n, n % 2 ? OUT : IN, n * 11, BUF(n % 30) + (n % 3 == 0 ? 512 : 0), 512);
        }
        kick();
        assert_true(server_take() <= 2);
        unsigned rounds = 0;
        for (; ring_used(&ring)->idx < 42; rounds++) {
            kick();
            server_take();
            server_answer(0);
            server_notify(); /* and no kick is needed */
            assert_true(rounds < 200);
        }
        assert_true(rounds >= 42 + 21 - 2);
        for (unsigned n = 0; n < 42; n++) {
            assert_int_equal(status_of(n), OK);
        }
    }
}

static void b16_direct_requests_pass_those_that_wait_for_bounce(void **state)
{
    (void)state;
    replace_rig(&(struct block_rig){ .guest_ram = true, .bounce_blocks = 1, .capacity = 8 });
    drive(ALL);
    submit(0, IN, 1, BUF(0), 512);
    submit(1, IN, 9, BUF(1), 512);
    submit(2, IN, 16, BUF(2), 4096);
    kick();
    assert_int_equal(server_take(), 2);
    server_answer(1);
    server_notify();
    expect(2, OK, 4097);
    server_serve();
    expect(0, OK, 513);
    expect(1, OK, 513);
}

static void b17_overlapping_writes_are_in_order(void **state)
{
    (void)state;
    drive(ALL | F_RANGES);
    /* All touch block 2, sectors 16 to 23. */
    for (unsigned n = 0; n < 8; n++) {
        memset(guest_at(&guest, BUF(2 * n)), (int)(0x10 + n), 8192);
    }
    submit(0, OUT, 16, BUF(0), 512);
    submit(1, OUT, 17, BUF(2), 512);
    submit(2, OUT, 16, BUF(4), 4096);
    submit(3, OUT, 22, BUF(6), 1024 + 512);
    submit(4, IN, 16, BUF(8), 4096);
    submit(5, IN, 17, BUF(10), 512);
    submit(6, OUT, 8, BUF(12), 8192);
    submit(7, OUT, 32, BUF(14), 512); /* of another block */
    kick();
    assert_int_equal(server_take(), 2); /* reads of blocks 2 and 4 */
    server_serve();
    expect(0, OK, 1);
    expect(7, OK, 1);
    for (unsigned n = 1; n < 7; n++) {
        expect(n, OK, n == 4 ? 4097 : n == 5 ? 513 : 1);
    }
    const uint8_t *seen = guest_at(&guest, BUF(8));
    assert_int_equal(seen[0], 0x12);
    assert_int_equal(seen[6 * 512], 0x13);
    assert_int_equal(*(uint8_t *)guest_at(&guest, BUF(10)), 0x12);
    assert_int_equal(disk[8192], 0x16);
    assert_int_equal(disk[24 * 512], 0x13);
    assert_int_equal(disk[32 * 512], 0x17);
}

static void b17_no_neighbour_is_lost(void **state)
{
    (void)state;
    drive(ALL);
    for (unsigned n = 0; n < 40; n++) { /* each sector of five blocks, all at once */
        memset(guest_at(&guest, BUF(0) + n * 512), (int)(0x40 + n), 512);
        submit(n, OUT, n * 7 % 40, BUF(0) + n * 512, 512);
    }
    kick();
    assert_int_equal(server_take(), 5);
    server_serve();
    for (unsigned n = 0; n < 40; n++) {
        assert_int_equal(disk[n * 7 % 40 * 512 + 511], 0x40 + n);
    }
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
        TEST(b1_d28_no_whole_header),
        TEST(b2_d28_no_status_byte),
        TEST(b3_not_whole_sectors),
        TEST(b4_beyond_the_end),
        TEST(b5_no_data),
        TEST(b6_read_only),
        TEST(b7_b8_unknown_types),
        TEST(discard_and_write_zeroes),
        TEST(b9_b10_b11_bad_ranges),
        TEST(b12_b14_get_id),
        TEST(b13_flush_with_data),
        TEST(b14_used_length_of_a_failed_read),
        TEST(b15_status_and_data_before_the_index),
        TEST(b16_more_than_the_queue_below_holds),
        TEST(b16_direct_requests_pass_those_that_wait_for_bounce),
        TEST(b17_overlapping_writes_are_in_order),
        TEST(b17_no_neighbour_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
