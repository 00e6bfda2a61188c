/* SPDX-License-Identifier: BSD-2-Clause */
/* The server in a guest (uio_blk), with a file as its disk: honest clients, lying ones (S7), and a
 * disk that fails. */
#include "tests/unit/guest/uio_blk_rig.h"

#include <errno.h>

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

/* ---- Honest clients ---------------------------------------------------------------------------*/

static void reads_and_writes(void **state)
{
    (void)state;
    static uint8_t memory[DATA_BYTES];
    memcpy(memory, data, sizeof(memory));
    put(BLK_REQ_WRITE, BLOCKS - 2, 2, 4 * BLOCK, 7);
    put(BLK_REQ_READ, 5, 3, DATA_BYTES - 3 * BLOCK, 0xdeadbeef);
    assert_true(serve_take(&serve));
    assert_false(serve_take(&serve));
    assert_false(serve.answered);
    assert_int_equal(num_started, 2);
    data[4 * BLOCK] ^= 1;   /* comes too late, and stays */
    disk_does(1, SIZE_MAX); /* in any order */
    assert_true(serve.answered);
    disk_does_all();
    expect(0xdeadbeef, BLK_RESP_OK, 3);
    expect(7, BLK_RESP_OK, 2);
    expect_nothing();
    memcpy(memory + DATA_BYTES - 3 * BLOCK, expected + 5 * BLOCK, 3 * BLOCK);
    memcpy(expected + (BLOCKS - 2) * BLOCK, memory + 4 * BLOCK, 2 * BLOCK);
    memory[4 * BLOCK] ^= 1;
    assert_memory_equal(data, memory, sizeof(memory));
    expect_disk();
    assert_int_equal(serve.busy, 0);
}

/* More than a buffer holds, and a disk that does a part at a time. */
static void long_requests_and_short_transfers(void **state)
{
    (void)state;
    for (size_t most = SIZE_MAX; most > 0; most = most == SIZE_MAX ? 24 * 512 : 0) {
        fill(data, sizeof(data), (uint32_t)most);
        memcpy(expected + 100 * BLOCK, data, DATA_BYTES);
        num_operations = 0;
        put(BLK_REQ_WRITE, 100, DATA_BLOCKS, 0, 1);
        serve_take(&serve);
        while (num_started > 0) {
            disk_does(0, most);
        }
        assert_true(num_operations >= PIECES(DATA_BLOCKS));
        assert_true(most < SIZE_MAX || num_operations == PIECES(DATA_BLOCKS));
        expect(1, BLK_RESP_OK, DATA_BLOCKS);
        expect_disk();
        put(BLK_REQ_READ, 7, DATA_BLOCKS, 0, 2);
        serve_take(&serve);
        while (num_started > 0) {
            disk_does(0, most);
        }
        expect(2, BLK_RESP_OK, DATA_BLOCKS);
        assert_memory_equal(data, expected + 7 * BLOCK, DATA_BYTES);
    }
}

/* An answer means that the disk has done it. */
static void flushes(void **state)
{
    (void)state;
    static const uint32_t codes[] = { BLK_REQ_FLUSH, BLK_REQ_BARRIER };
    for (uint32_t i = 0; i < 2; i++) {
        put(codes[i], UINT64_MAX, UINT16_MAX, 77, i); /* these mean nothing */
        serve_take(&serve);
        assert_int_equal(started[0].code, SERVE_FLUSH);
        expect_nothing();
        disk_does_all();
        assert_int_equal(num_flushes, i + 1);
        expect(i, BLK_RESP_OK, 0);
        put(codes[i], 0, 0, 0, i);
        serve_take(&serve);
        disk_fails(-EIO);
        expect(i, BLK_RESP_ERR_IO, 0);
    }
}

static void zeroes(void **state)
{
    (void)state;
    put(BLK_REQ_WRITE_ZEROES, 9, BLOCKS - 9, UINT64_MAX, 3);
    serve_take(&serve);
    disk_does_all();
    expect(3, BLK_RESP_OK, BLOCKS - 9);
    memset(expected + 9 * BLOCK, 0, (BLOCKS - 9) * BLOCK);
    expect_disk();
}

/* As many as there are slots; the last is done first. Ids are the client's: two may be the same. */
static void many_in_flight(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < CAPACITY; i++) {
        put(BLK_REQ_READ, i, 1, (uint64_t)i * BLOCK, i / 2);
    }
    unsigned answers[CAPACITY / 2] = { 0 };
    while (serve_take(&serve)) {
        assert_int_equal(num_started, SERVE_SLOTS);
        assert_false(serve_take(&serve));
        while (num_started > 0) {
            disk_does(num_started - 1, SIZE_MAX);
        }
    }
    struct blk_resp resp;
    while (blk_client_receive(&client, &resp)) {
        assert_int_equal(resp.status, BLK_RESP_OK);
        assert_in_range(resp.id, 0, CAPACITY / 2 - 1);
        answers[resp.id]++;
    }
    for (uint32_t i = 0; i < CAPACITY / 2; i++) {
        assert_int_equal(answers[i], 2);
    }
    assert_memory_equal(data, expected, CAPACITY * BLOCK);
}

/* ---- A disk that fails ------------------------------------------------------------------------*/

static void errors_are_passed_on(void **state)
{
    (void)state;
    static const struct {
        int result;
        uint32_t status;
    } cases[] = {
        { -EIO, BLK_RESP_ERR_IO },
        { -ENOSPC, BLK_RESP_ERR_IO },
        { -ENODEV, BLK_RESP_ERR_NO_DEVICE },
        { -ENXIO, BLK_RESP_ERR_NO_DEVICE },
        { -EOPNOTSUPP, BLK_RESP_ERR_INVALID_PARAM },
        { 0, BLK_RESP_ERR_IO },             /* behind its end */
        { 2 * BLOCK + 1, BLK_RESP_ERR_IO }, /* more than there was */
    };
    static uint8_t memory[DATA_BYTES];
    memcpy(memory, data, sizeof(memory));
    for (uint32_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        put(i % 2 == 0 ? BLK_REQ_READ : BLK_REQ_WRITE, 1, 2, 0, i);
        serve_take(&serve);
        disk_fails(cases[i].result);
        assert_int_equal(num_started, 0);
        expect(i, cases[i].status, 0);
    }
    put(BLK_REQ_WRITE_ZEROES, 0, 1, 0, 99);
    serve_take(&serve);
    disk_fails(-EOPNOTSUPP);
    expect(99, BLK_RESP_ERR_INVALID_PARAM, 0);
    assert_memory_equal(data, memory, sizeof(memory));
    expect_disk();
    assert_int_equal(serve.busy, 0);
}

static void an_error_in_the_middle(void **state)
{
    (void)state;
    put(BLK_REQ_READ, 0, DATA_BLOCKS, 0, 1);
    put(BLK_REQ_READ, 1, 1, 0, 2);
    serve_take(&serve);
    struct serve_operation first = started[0];
    disk_does(0, SIZE_MAX);
    assert_int_equal(started[1].slot, first.slot);
    assert_int_equal(started[1].at, SERVE_PIECE_BYTES);
    serve_end(&serve, take_started(1).slot, -EIO);
    expect(1, BLK_RESP_ERR_IO, 0);
    disk_does_all();
    expect(2, BLK_RESP_OK, 1);
}

/* ---- S7: clients that lie ---------------------------------------------------------------------*/

static void expect_refused(const struct blk_req *req, uint32_t status)
{
    put(req->code, req->block_number, req->count, req->io_or_offset, req->id);
    assert_true(serve_take(&serve));
    assert_int_equal(num_started, 0);
    assert_true(serve.answered);
    expect(req->id, status, 0);
}

static void bad_requests(void **state)
{
    (void)state;
    static const struct blk_req bad[] = {
        { 4, 0, 0, 1, 1 },
        { UINT32_MAX, 0, 0, 1, 2 },
        { BLK_REQ_DISCARD, 0, 0, 1, 3 }, /* not offered */
        { BLK_REQ_READ, 0, 0, 0, 4 },
        { BLK_REQ_READ, 0, BLOCKS, 1, 5 },
        { BLK_REQ_READ, 0, BLOCKS - 1, 2, 6 },
        { BLK_REQ_WRITE, 0, UINT64_MAX, 2, 7 },
        { BLK_REQ_WRITE_ZEROES, 0, BLOCKS, 1, 8 },
        { BLK_REQ_WRITE_ZEROES, 0, 0, 0, 9 },
        { BLK_REQ_READ, 512, 0, 1, 10 },
        { BLK_REQ_READ, DATA_BYTES, 0, 1, 11 },
        { BLK_REQ_WRITE, DATA_BYTES - BLOCK, 0, 2, 12 },
        { BLK_REQ_WRITE, UINT64_MAX - (BLOCK - 1), 0, 2, 13 },
        { BLK_REQ_WRITE, 0, 0, UINT16_MAX, 14 },
    };
    for (uint32_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        expect_refused(&bad[i], BLK_RESP_ERR_INVALID_PARAM);
    }
    serve.limits.read_only = true;
    expect_refused(&(struct blk_req){ BLK_REQ_WRITE, 0, 0, 1, 15 }, BLK_RESP_ERR_INVALID_PARAM);
    expect_refused(&(struct blk_req){ BLK_REQ_WRITE_ZEROES, 0, 0, 1, 16 },
                   BLK_RESP_ERR_INVALID_PARAM);
    serve.limits.blocks = 0; /* no partition */
    expect_refused(&(struct blk_req){ BLK_REQ_READ, 0, 0, 1, 17 }, BLK_RESP_ERR_NO_DEVICE);
    expect_refused(&(struct blk_req){ BLK_REQ_FLUSH, 0, 0, 0, 18 }, BLK_RESP_ERR_NO_DEVICE);
    expect_disk();
}

/* Nothing is taken, and nothing is done again and again. */
static void garbage_indices(void **state)
{
    (void)state;
    static const uint32_t distances[] = { CAPACITY + 1, 0x80000000, UINT32_MAX };
    struct blk_req_queue *req = (struct blk_req_queue *)req_ring;
    struct blk_resp_queue *resp = (struct blk_resp_queue *)resp_ring;
    for (uint32_t i = 0; i < 3; i++) {
        req->tail = serve.queue.req_head + distances[i];
        assert_false(serve_take(&serve));
        req->tail = serve.queue.req_head + 1;
        resp->head = serve.queue.resp_tail - distances[i];
        assert_false(serve_take(&serve));
        resp->head = serve.queue.resp_tail;
    }
    assert_int_equal(num_started, 0);
    req->entries[0] = (struct blk_req){ BLK_REQ_READ, 0, 0, 1, 1 };
    assert_true(serve_take(&serve));
    resp->head = serve.queue.resp_tail + 1; /* the room that was there is gone */
    disk_does_all();
    assert_int_equal(serve.busy, 0);
    assert_int_equal(serve.queue.resp_tail, 0);
}

/* A request counts as it was when it was taken. */
static void a_request_that_changes(void **state)
{
    (void)state;
    struct blk_req_queue *req = (struct blk_req_queue *)req_ring;
    put(BLK_REQ_READ, 3, DATA_BLOCKS, 0, 1);
    serve_take(&serve);
    req->entries[0] = (struct blk_req){ BLK_REQ_WRITE, UINT64_MAX, UINT64_MAX, UINT16_MAX, 2 };
    disk_does_all();
    expect(1, BLK_RESP_OK, DATA_BLOCKS);
    assert_memory_equal(data, expected + 3 * BLOCK, DATA_BYTES);
    expect_disk();
}

/* A request is taken only where there is room for its answer, the bad ones too. */
static void a_client_that_takes_no_answers(void **state)
{
    (void)state;
    for (uint32_t id = 0; id < CAPACITY - 3; id++) {
        put(4, 0, 0, 0, id);
        serve_take(&serve);
    }
    for (uint32_t id = 0; id < 10; id++) {
        put(id % 2 == 0 ? BLK_REQ_READ : 4, 0, 1, 0, 1000 + id);
    }
    while (serve_take(&serve)) {
        disk_does_all();
    }
    assert_int_equal(blk_server_requests(&serve.queue), 7);
    for (uint32_t id = 0; id < CAPACITY - 3; id++) {
        expect(id, BLK_RESP_ERR_INVALID_PARAM, 0);
    }
    while (serve_take(&serve)) {
        disk_does_all();
    }
    unsigned answers = 0;
    for (struct blk_resp resp; blk_client_receive(&client, &resp);) {
        answers++;
    }
    assert_int_equal(answers, 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(reads_and_writes),
        TEST(long_requests_and_short_transfers),
        TEST(flushes),
        TEST(zeroes),
        TEST(many_in_flight),
        TEST(errors_are_passed_on),
        TEST(an_error_in_the_middle),
        TEST(bad_requests),
        TEST(garbage_indices),
        TEST(a_request_that_changes),
        TEST(a_client_that_takes_no_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
