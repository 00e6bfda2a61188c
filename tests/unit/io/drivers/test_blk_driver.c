/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/io/drivers/blk_device_model.h"

static int setup(void **state)
{
    (void)state;
    fresh_model();
    start();
    settle();
    signals = 0;
    model.logged = model.notified = 0;
    return 0;
}

static uint32_t send(uint32_t code, uint64_t block, uint16_t count, uint64_t offset)
{
    struct blk_req req = { code, MODEL_RAM + offset, block, count, next_id };
    assert_true(blk_client_send(&virt, &req));
    return next_id++;
}

static void expect(uint32_t id, uint32_t status, uint16_t count)
{
    struct blk_resp resp;
    assert_true(blk_client_receive(&virt, &resp));
    assert_int_equal(resp.id, id);
    assert_int_equal(resp.status, status);
    assert_int_equal(resp.success_count, count);
}

static void expect_nothing(void)
{
    struct blk_resp resp;
    assert_false(blk_client_receive(&virt, &resp));
    assert_false(blk_client_broken(&virt));
}

static void tells_what_the_disk_is(void **state)
{
    (void)state;
    start();
    run();
    assert_false(blk_storage_ready(&info)); /* its serial number is asked for first */
    settle();
    assert_true(blk_storage_ready(&info));
    assert_int_equal(signals, 1);
    assert_int_equal(info.capacity, MODEL_BLOCKS);
    assert_string_equal(info.serial, "model-disk");
    assert_int_equal(info.read_only, 0);
    assert_int_equal(info.sector_size, 512);
    assert_int_equal(info.queue_depth, VBLK_RING);
    assert_int_equal(info.extensions, BLK_EXT_DISCARD | BLK_EXT_WRITE_ZEROES);
    assert_int_equal(model.accepted & VIRTIO_BIT(VIRTIO_BLK_F_SIZE_MAX), 0);
    assert_int_equal(model.accepted & VIRTIO_BIT(VIRTIO_RING_F_EVENT_IDX), 0);
}

static void reads_and_writes(void **state)
{
    (void)state;
    memset(model.ram + 4096, 0x5a, 8192);
    uint32_t w = send(BLK_REQ_WRITE, 3, 2, 4096);
    uint32_t r = send(BLK_REQ_READ, MODEL_BLOCKS - 1, 1, 0);
    settle();
    expect(w, BLK_RESP_OK, 2);
    expect(r, BLK_RESP_OK, 1);
    expect_nothing();
    assert_memory_equal(model.disk + 3 * 4096, model.ram + 4096, 8192);
    assert_memory_equal(model.disk + (MODEL_BLOCKS - 1) * 4096, model.ram, 4096);
    assert_int_equal(model.notified, 1); /* one for the batch */
}

static void flush_discard_and_zeroes(void **state)
{
    (void)state;
    uint32_t f = send(BLK_REQ_FLUSH, 77, 99, 1);
    uint32_t d = send(BLK_REQ_DISCARD, 1, 2, 0);
    uint32_t z = send(BLK_REQ_WRITE_ZEROES, 5, 1, 0);
    settle();
    expect(f, BLK_RESP_OK, 0);
    expect(d, BLK_RESP_OK, 2);
    expect(z, BLK_RESP_OK, 1);
    assert_int_equal(model.log[0].type, VIRTIO_BLK_T_FLUSH);
    assert_int_equal(model.log[0].sector, 0);
    assert_int_equal(model.log[0].segments, 0);
    assert_int_equal(model.log[1].type, VIRTIO_BLK_T_DISCARD);
    assert_int_equal(model.log[2].type, VIRTIO_BLK_T_WRITE_ZEROES);
    assert_int_equal(model.disk[5 * 4096 + 17], 0);
    assert_int_not_equal(model.disk[6 * 4096 + 17], 0);
}

static void contiguous_requests_are_merged(void **state)
{
    (void)state;
    uint32_t first = next_id;
    for (uint32_t i = 0; i < 4; i++) {
        send(BLK_REQ_READ, 10 + i * 2, 2, (100 - i * 2) * 4096);
    }
    send(BLK_REQ_WRITE, 18, 1, 0); /* another direction */
    send(BLK_REQ_WRITE, 20, 1, 0); /* a gap */
    send(BLK_REQ_WRITE, 20, 1, 0); /* behind itself, not contiguous */
    send(BLK_REQ_WRITE, 19, 1, 0); /* backwards */
    settle();
    for (uint32_t i = 0; i < 8; i++) {
        expect(first + i, BLK_RESP_OK, i < 4 ? 2 : 1);
    }
    expect_nothing();
    assert_int_equal(model.logged, 5);
    assert_int_equal(model.log[0].bytes, 8 * 4096);
    assert_int_equal(model.log[0].segments, 4);
    assert_int_equal(signals, 1);
    for (uint32_t i = 0; i < 4; i++) {
        assert_memory_equal(model.ram + (100 - i * 2) * 4096, model.disk + (10 + i * 2) * 4096,
                            8192);
    }
}

static void merging_has_limits(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < VBLK_MERGE + 1; i++) {
        send(BLK_REQ_READ, i, 1, 0);
    }
    settle();
    assert_int_equal(model.logged, 2);
    assert_int_equal(model.log[0].segments, VBLK_MERGE);
    fresh_model();
    model.config.seg_max = 3;
    start();
    settle();
    model.logged = 0;
    for (uint32_t i = 0; i < 7; i++) {
        send(BLK_REQ_READ, i, 1, 0);
    }
    settle();
    assert_int_equal(model.logged, 3);
    fresh_model();
    model.offered &= ~VIRTIO_BIT(VIRTIO_BLK_F_SEG_MAX);
    start();
    settle();
    model.logged = 0;
    send(BLK_REQ_READ, 0, 1, 0);
    send(BLK_REQ_READ, 1, 1, 0);
    settle();
    assert_int_equal(model.logged, 2);
}

static void a_bad_block_fails_its_request_only(void **state)
{
    (void)state;
    uint32_t first = next_id;
    model.bad_block = 13;
    for (uint32_t i = 0; i < 5; i++) {
        send(BLK_REQ_READ, 10 + i * 2, 2, i * 8192);
    }
    settle();
    for (uint32_t i = 0; i < 5; i++) {
        expect(first + i, i == 1 ? BLK_RESP_ERR_IO : BLK_RESP_OK, i == 1 ? 0 : 2);
    }
    expect_nothing();
    assert_int_equal(model.logged, 6); /* together, then each by itself */
    assert_memory_equal(model.ram + 4 * 8192, model.disk + 18 * 4096, 8192);
    assert_int_equal(disk.num_free, VBLK_RING);
    assert_int_equal(disk.taken, 0);
}

static void every_status_has_its_answer(void **state)
{
    (void)state;
    static const uint32_t statuses[][2] = {
        { VIRTIO_BLK_S_IOERR, BLK_RESP_ERR_IO },
        { VIRTIO_BLK_S_UNSUPP, BLK_RESP_ERR_INVALID_PARAM },
        { 3, BLK_RESP_ERR_IO },
        { 0xff, BLK_RESP_ERR_IO },
    };
    for (uint32_t i = 0; i < 4; i++) {
        model.forged_status = statuses[i][0];
        uint32_t id = send(BLK_REQ_WRITE, 1, 1, 0);
        settle();
        expect(id, statuses[i][1], 0);
    }
}

static void bad_requests_reach_no_device(void **state)
{
    (void)state;
    static const struct blk_req bad[] = {
        { BLK_REQ_READ, MODEL_RAM, 0, 0, 0 },
        { BLK_REQ_READ, MODEL_RAM, MODEL_BLOCKS, 1, 0 },
        { BLK_REQ_READ, MODEL_RAM, MODEL_BLOCKS - 1, 2, 0 },
        { BLK_REQ_WRITE, MODEL_RAM, UINT64_MAX, 1, 0 },
        { BLK_REQ_WRITE, MODEL_RAM, UINT64_MAX - 1, UINT16_MAX, 0 },
        { BLK_REQ_DISCARD, 0, MODEL_BLOCKS, 1, 0 },
        { BLK_REQ_WRITE_ZEROES, 0, 1, 0, 0 },
        { 4, MODEL_RAM, 0, 1, 0 },
        { 0x102, MODEL_RAM, 0, 1, 0 },
        { UINT32_MAX, MODEL_RAM, 0, 1, 0 }, /* the driver's own GET_ID */
    };
    for (uint32_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_true(blk_client_send(&virt, &bad[i]));
        settle();
        expect(0, BLK_RESP_ERR_INVALID_PARAM, 0);
    }
    /* One behind a good request is not merged either. */
    uint32_t good = send(BLK_REQ_READ, MODEL_BLOCKS - 1, 1, 0);
    uint32_t behind = send(BLK_REQ_READ, MODEL_BLOCKS, 1, 0);
    settle();
    expect(behind, BLK_RESP_ERR_INVALID_PARAM, 0);
    expect(good, BLK_RESP_OK, 1);
    assert_int_equal(model.logged, 1);
}

static void a_read_only_disk(void **state)
{
    (void)state;
    fresh_model();
    model.offered |= VIRTIO_BIT(VIRTIO_BLK_F_RO);
    start();
    settle();
    assert_int_equal(info.read_only, 1);
    assert_int_equal(info.extensions, 0);
    uint32_t w = send(BLK_REQ_WRITE, 0, 1, 0);
    uint32_t z = send(BLK_REQ_WRITE_ZEROES, 0, 1, 0);
    uint32_t d = send(BLK_REQ_DISCARD, 0, 1, 0);
    settle();
    expect(w, BLK_RESP_ERR_INVALID_PARAM, 0);
    expect(z, BLK_RESP_ERR_INVALID_PARAM, 0);
    expect(d, BLK_RESP_ERR_INVALID_PARAM, 0);
}

static void a_small_device(void **state)
{
    (void)state;
    fresh_model();
    model.offered = VIRTIO_BIT(VIRTIO_F_VERSION_1);
    model.config.blk_size = 12345; /* means nothing then */
    model.queue_most = 20;
    start();
    settle();
    assert_int_equal(info.queue_depth, 16 / VBLK_CHAIN);
    assert_int_equal(info.extensions, 0);
    uint32_t first = next_id;
    for (uint32_t i = 0; i < 20; i++) {
        send(BLK_REQ_WRITE, i * 2, 1, i * 4096);
    }
    uint32_t f = send(BLK_REQ_FLUSH, 0, 0, 0); /* no cache: done when writes are */
    settle();
    for (uint32_t i = 0; i < 20; i++) {
        expect(first + i, BLK_RESP_OK, 1);
    }
    expect(f, BLK_RESP_OK, 0);
    assert_int_equal(model.logged, 1 + 20);
    assert_memory_equal(model.disk + 38 * 4096, model.ram + 19 * 4096, 4096);
}

static void a_full_queue_loses_nothing(void **state)
{
    (void)state;
    for (uint32_t round = 0; round < 700; round++) { /* beyond the wrap of 16-bit indices */
        uint32_t first = next_id;
        for (uint32_t i = 0; i < CAPACITY; i++) {
            send(BLK_REQ_READ, i * 2, 1, 0);
        }
        run();
        assert_int_equal(disk.num_free, 0);
        while (model_work(7) > 0) {
            interrupts();
        }
        for (uint32_t i = 0; i < CAPACITY; i++) {
            expect(first + i, BLK_RESP_OK, 1);
        }
        expect_nothing();
    }
    assert_int_equal(disk.taken, 0);
}

static void answers_need_room(void **state)
{
    (void)state;
    uint32_t first = next_id;
    for (uint32_t i = 0; i < CAPACITY; i++) {
        send(BLK_REQ_FLUSH, 0, 0, 0);
    }
    settle();
    for (uint32_t i = 0; i < 10; i++) {
        send(BLK_REQ_READ, i, 0, 0); /* errors, which need no device */
    }
    settle();
    assert_int_equal(blk_client_room(&virt), CAPACITY - 10); /* not taken */
    for (uint32_t i = 0; i < CAPACITY; i++) {
        expect(first + i, BLK_RESP_OK, 0);
    }
    settle();
    for (uint32_t i = 0; i < 10; i++) {
        expect(first + CAPACITY + i, BLK_RESP_ERR_INVALID_PARAM, 0);
    }
}

static void a_barrier_orders(void **state)
{
    (void)state;
    uint32_t a = send(BLK_REQ_WRITE, 1, 1, 0);
    uint32_t b = send(BLK_REQ_BARRIER, 0, 0, 0);
    uint32_t c = send(BLK_REQ_WRITE, 2, 1, 0);
    run();
    assert_int_equal(model_work(1000), 1);
    interrupts();
    expect(a, BLK_RESP_OK, 1);
    assert_int_equal(model_work(1000), 1);
    assert_int_equal(model.log[1].type, VIRTIO_BLK_T_FLUSH);
    interrupts();
    expect(b, BLK_RESP_OK, 0);
    settle();
    expect(c, BLK_RESP_OK, 1);
}

/* Edge: what is finished between the acknowledgement and the look must not be lost. */
static void an_edge_is_never_lost(void **state)
{
    (void)state;
    uint32_t a = send(BLK_REQ_READ, 1, 1, 0);
    uint32_t b = send(BLK_REQ_READ, 5, 1, 0);
    run();
    model_work(1);
    model.edges = 0;
    vblk_interrupt(&disk); /* acknowledges */
    model_work(1);         /* and then the other one is finished */
    assert_int_equal(model.edges, 1);
    run();
    expect(a, BLK_RESP_OK, 1);
    expect(b, BLK_RESP_OK, 1);
    interrupts(); /* with nothing in it */
    expect_nothing();
    assert_int_equal(model.interrupt_status, 0);
}

static void quiet_devices_are_not_notified(void **state)
{
    (void)state;
    model_used()->flags = VRING_USED_F_NO_NOTIFY;
    send(BLK_REQ_READ, 1, 1, 0);
    run();
    assert_int_equal(model.notified, 0);
    model_used()->flags = 0;
    send(BLK_REQ_READ, 9, 1, 0);
    run();
    assert_int_equal(model.notified, 1);
    run();
    assert_int_equal(model.notified, 1);
}

/* Whatever the device says: the driver answers with errors and stops it. */
static void nonsense_ends_in_errors(void **state)
{
    (void)state;
    static const uint32_t heads[] = { 0, 5, 127, 128, 0x10000, UINT32_MAX };
    for (uint32_t i = 0; i < 8; i++) {
        setup(NULL);
        uint32_t a = send(BLK_REQ_READ, 1, 1, 0), b = send(BLK_REQ_WRITE, 5, 1, 0);
        run();
        uint32_t resets = model.resets;
        if (i < 6) {
            model_work(1);
            model_use(heads[i]); /* the first one is done twice */
        } else if (i == 6) {
            model_used()->idx = (uint16_t)(model.used_idx - 1);
        } else {
            model.status |= VIRTIO_CONFIG_S_NEEDS_RESET;
            model_interrupt(VIRTIO_MMIO_INT_CONFIG);
        }
        model_interrupt(VIRTIO_MMIO_INT_VRING);
        interrupts();
        run();
        expect(a, i < 6 ? BLK_RESP_OK : BLK_RESP_ERR_IO, i < 6 ? 1 : 0);
        expect(b, BLK_RESP_ERR_IO, 0);
        expect_nothing();
        assert_int_equal(model.resets, resets + 1);
        assert_non_null(disk.error);
        uint32_t c = send(BLK_REQ_READ, 1, 1, 0);
        run();
        expect(c, BLK_RESP_ERR_IO, 0);
    }
}

/* Memory that the device may still write is not given back. */
static void no_answer_before_the_device_stops(void **state)
{
    (void)state;
    send(BLK_REQ_READ, 1, 1, 0);
    run();
    model.never_resets = true;
    model_use(77);
    run();
    expect_nothing();
    assert_non_null(disk.error);
}

/* ...but what it does not have fails at once, behind a barrier too. */
static void nothing_waits_for_a_device_that_is_lost(void **state)
{
    for (uint32_t barrier_in_flight = 0; barrier_in_flight < 2; barrier_in_flight++) {
        setup(state);
        send(barrier_in_flight ? BLK_REQ_BARRIER : BLK_REQ_READ, 1, 1, 0);
        run();
        uint32_t b = send(BLK_REQ_BARRIER, 0, 0, 0), r = send(BLK_REQ_READ, 1, 1, 0);
        run();
        expect_nothing();
        model.never_resets = true;
        model_use(77);
        run();
        run();
        expect(b, BLK_RESP_ERR_IO, 0);
        expect(r, BLK_RESP_ERR_IO, 0);
        expect_nothing();
    }
}

static void a_disk_that_cannot_be_used(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 11; i++) {
        fresh_model();
        switch (i) {
        case 0:
            model.version = 1;
            break;
        case 1:
            model.device_id = 0;
            break;
        case 2:
            model.device_id = VIRTIO_ID_NET;
            break;
        case 3:
            model.offered = 0;
            break;
        case 4:
            model.refuses_features = true;
            break;
        case 5:
            model.status = 4;
            model.never_resets = true;
            break;
        case 6:
            model.config.capacity = 7;
            break;
        case 7:
            model.config.blk_size = 8192;
            break;
        case 8:
            model.config.blk_size = 0;
            break;
        case 9:
            model.absent = true;
            break;
        default:
            model.queue_most = 0;
            break;
        }
        start();
        assert_non_null(disk.error);
        assert_true(blk_storage_ready(&info));
        assert_int_equal(info.capacity, 0);
        uint32_t id = send(BLK_REQ_READ, 0, 1, 0);
        run();
        assert_int_equal(signals, 1);
        expect(id, BLK_RESP_ERR_NO_DEVICE, 0);
        vblk_interrupt(&disk);
        run();
        expect_nothing();
    }
}

/* Everything at once, in an order of the device's own: each is answered once, data arrives. */
static void at_random(void **state)
{
    (void)state;
    static uint8_t answered[20000];
    uint32_t first = next_id, answers = 0;
    struct blk_resp resp;
    memset(answered, 0, sizeof(answered));
    srand(815);
    model.bad_block = 200;
    while (answers < sizeof(answered)) {
        while (next_id - first < sizeof(answered) && blk_client_room(&virt) > 0 && rand() % 40) {
            uint64_t block = (uint64_t)rand() % (MODEL_BLOCKS + 4);
            send((uint32_t)rand() % 4, block, (uint16_t)(rand() % 5),
                 (uint64_t)(rand() % 200) * 4096);
        }
        run();
        model_work((uint32_t)rand() % 20);
        interrupts();
        while (rand() % 4 && blk_client_receive(&virt, &resp)) {
            assert_in_range(resp.id, first, next_id - 1);
            assert_int_equal(answered[resp.id - first]++, 0);
            answers++;
        }
    }
    settle();
    assert_int_equal(disk.taken, 0);
    assert_int_equal(disk.num_free, VBLK_RING);
    assert_null(disk.error);
}

#define TEST(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(tells_what_the_disk_is),
        TEST(reads_and_writes),
        TEST(flush_discard_and_zeroes),
        TEST(contiguous_requests_are_merged),
        TEST(merging_has_limits),
        TEST(a_bad_block_fails_its_request_only),
        TEST(every_status_has_its_answer),
        TEST(bad_requests_reach_no_device),
        TEST(a_read_only_disk),
        TEST(a_small_device),
        TEST(a_full_queue_loses_nothing),
        TEST(answers_need_room),
        TEST(a_barrier_orders),
        TEST(an_edge_is_never_lost),
        TEST(quiet_devices_are_not_notified),
        TEST(nonsense_ends_in_errors),
        TEST(no_answer_before_the_device_stops),
        TEST(nothing_waits_for_a_device_that_is_lost),
        TEST(a_disk_that_cannot_be_used),
        TEST(at_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
