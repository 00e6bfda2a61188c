/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <sddf/blk_queue.h>

#define CAPACITY 8u

static struct blk_req_queue *req_queue;
static struct blk_resp_queue *resp_queue;
static struct blk_client client;
static struct blk_server server;

static void connect_ends(uint32_t capacity)
{
    client = blk_queue_client(req_queue, resp_queue, capacity);
    server = blk_queue_server(req_queue, resp_queue, capacity);
}

/* Memory of exactly the right size, so that ASan sees a byte beyond; indices before the wrap. */
static int setup(void **state)
{
    (void)state;
    req_queue = calloc(1, blk_req_queue_bytes(CAPACITY));
    resp_queue = calloc(1, blk_resp_queue_bytes(CAPACITY));
    req_queue->head = req_queue->tail = UINT32_MAX - 3;
    resp_queue->head = resp_queue->tail = UINT32_MAX - 5;
    connect_ends(CAPACITY);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free(req_queue);
    free(resp_queue);
    return 0;
}

static void sizes(void **state)
{
    (void)state;
    assert_int_equal(blk_req_queue_bytes(4), 16 + 4 * 32);
    assert_int_equal(blk_resp_queue_bytes(4), 8 + 4 * 12);
    assert_int_equal(blk_queue_fitting(0x200000, 0x200000), 32768);
    assert_int_equal(blk_queue_fitting(0x1000, 0x1000), 64);
    assert_int_equal(blk_queue_fitting(16 + 128 * 32, 0x1000), 128);
    assert_int_equal(blk_queue_fitting(0x1000, 8 + 5 * 12), 4);
    assert_int_equal(blk_queue_fitting(47, 0x1000), 0);
}

static void requests_and_responses_pass(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 50; i++) {
        struct blk_req req = { BLK_REQ_WRITE, 0x123456789000 + i, 1ull << 40, 65535, i }, got;
        struct blk_resp resp = { BLK_RESP_ERR_IO, 7, i }, back;
        assert_false(blk_server_receive(&server, &got));
        assert_true(blk_client_send(&client, &req));
        assert_true(blk_server_receive(&server, &got));
        assert_int_equal(got.code, req.code);
        assert_int_equal(got.io_or_offset, req.io_or_offset);
        assert_int_equal(got.block_number, req.block_number);
        assert_int_equal(got.count, req.count);
        assert_int_equal(got.id, req.id);
        assert_false(blk_client_receive(&client, &back));
        assert_true(blk_server_respond(&server, &resp));
        assert_true(blk_client_receive(&client, &back));
        assert_memory_equal(&resp, &back, sizeof(resp));
    }
}

static void full_is_full(void **state)
{
    (void)state;
    struct blk_req req = { 0 };
    struct blk_resp resp = { 0 };
    for (uint32_t i = 0; i < CAPACITY; i++) {
        assert_int_equal(blk_client_room(&client), CAPACITY - i);
        assert_true(blk_client_send(&client, &req));
        assert_true(blk_server_respond(&server, &resp));
    }
    assert_false(blk_client_send(&client, &req));
    assert_false(blk_server_respond(&server, &resp));
    assert_int_equal(blk_server_requests(&server), CAPACITY);
    assert_int_equal(blk_server_room(&server), 0);
    blk_server_consume(&server);
    assert_int_equal(blk_client_room(&client), 1);
}

static void plugged_is_empty(void **state)
{
    (void)state;
    struct blk_req req = { 0 };
    assert_true(blk_client_send(&client, &req));
    req_queue->plugged = 0xfe; /* no bool of C's */
    assert_int_equal(blk_server_requests(&server), 0);
    req_queue->plugged = 0;
    assert_int_equal(blk_server_requests(&server), 1);
}

/* S7: indices that make no sense read as an empty, or as a full queue. */
static void lies_do_nothing(void **state)
{
    (void)state;
    static const uint32_t lies[] = { CAPACITY + 1, 1000, 0x7fffffff, 0x80000000, UINT32_MAX };
    struct blk_req req = { 0 };
    struct blk_resp resp = { 0 };
    for (uint32_t i = 0; i < 5; i++) {
        req_queue->tail = server.req_head + lies[i];
        resp_queue->head = server.resp_tail - lies[i];
        assert_true(blk_server_broken(&server));
        assert_int_equal(blk_server_requests(&server), 0);
        assert_false(blk_server_receive(&server, &req));
        assert_int_equal(blk_server_room(&server), 0);
        assert_false(blk_server_respond(&server, &resp));
        req_queue->head = client.req_tail - lies[i];
        resp_queue->tail = client.resp_head + lies[i];
        assert_true(blk_client_broken(&client));
        assert_int_equal(blk_client_room(&client), 0);
        assert_false(blk_client_send(&client, &req));
        assert_false(blk_client_receive(&client, &resp));
    }
    /* What the other side writes over our own index changes nothing. */
    req_queue->tail = server.req_head + 1;
    resp_queue->head = server.resp_tail;
    req_queue->head = 12345;
    resp_queue->tail = 54321;
    assert_int_equal(blk_server_requests(&server), 1);
    assert_true(blk_server_receive(&server, &req));
    assert_int_equal(req_queue->head, server.req_head);
    assert_true(blk_server_respond(&server, &resp));
    assert_int_equal(resp_queue->tail, server.resp_tail);
}

static void a_restart_goes_on(void **state)
{
    (void)state;
    struct blk_req req = { .id = 5 };
    assert_true(blk_client_send(&client, &req));
    req.id = 6;
    assert_true(blk_client_send(&client, &req));
    assert_true(blk_server_receive(&server, &req));
    connect_ends(CAPACITY);
    assert_int_equal(blk_client_room(&client), CAPACITY - 1);
    assert_true(blk_server_receive(&server, &req));
    assert_int_equal(req.id, 6);
}

/* A server that begins anew owes an answer to each request: taken or not, but not twice. */
static void a_new_server_answers_for_the_old_one(void **state)
{
    struct blk_req req = { 0 };
    struct blk_resp resp = { 0 };
    (void)state;
    resp_queue->head = resp_queue->tail = req_queue->head;
    connect_ends(CAPACITY);
    for (uint32_t life = 0; life < 3; life++) {
        for (uint32_t i = 0; i < CAPACITY - 1; i++) {
            assert_true(blk_client_send(&client, &req));
        }
        for (uint32_t i = 0; i < 2; i++) {
            assert_true(blk_server_receive(&server, &req));
        }
        resp = (struct blk_resp){ .id = 77 };
        assert_true(blk_server_respond(&server, &resp));
        server = blk_queue_server(req_queue, resp_queue, CAPACITY);
        blk_server_begin(&server);
        assert_int_equal(blk_server_requests(&server), 0);
        assert_int_equal(blk_client_in_flight(&client), CAPACITY - 1);
        for (uint32_t i = 0; i < CAPACITY - 1; i++) {
            assert_true(blk_client_receive(&client, &resp));
            assert_int_equal(resp.status, i == 0 ? BLK_RESP_OK : BLK_RESP_LOST);
        }
        assert_int_equal(blk_client_in_flight(&client), 0);
        assert_false(blk_client_receive(&client, &resp));
    }
}

/* A client whose indices lie gets what has room. */
static void a_new_server_and_a_liar(void **state)
{
    (void)state;
    req_queue->tail = resp_queue->tail + 0x80000000;
    blk_server_begin(&server);
    assert_true(resp_queue->tail - resp_queue->head <= CAPACITY);
    resp_queue->head = resp_queue->tail + 5;
    blk_server_begin(&server);
}

#define MANY 300000u

/* Answers every request with its own fields, from another thread. */
static void *serve(void *unused)
{
    struct blk_req req;
    for (uint32_t i = 0; i < MANY;) {
        if (blk_server_room(&server) > 0 && blk_server_receive(&server, &req)) {
            struct blk_resp resp = { req.code, req.count, req.id };
            (void)blk_server_respond(&server, &resp);
            i++;
        } else {
            sched_yield();
        }
    }
    return unused;
}

static void two_threads(void **state)
{
    (void)state;
    pthread_t thread;
    uint32_t sent = 0, received = 0;
    struct blk_resp resp;
    assert_int_equal(pthread_create(&thread, NULL, serve, NULL), 0);
    while (received < MANY) {
        struct blk_req req = { sent * 3, sent, sent, (uint16_t)sent, sent };
        if (sent < MANY && blk_client_send(&client, &req)) {
            sent++;
        }
        if (blk_client_receive(&client, &resp)) {
            assert_int_equal(resp.id, received);
            assert_int_equal(resp.status, received * 3);
            assert_int_equal(resp.success_count, (uint16_t)received);
            received++;
        } else {
            sched_yield();
        }
    }
    pthread_join(thread, NULL);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(sizes),
        TEST(requests_and_responses_pass),
        TEST(full_is_full),
        TEST(plugged_is_empty),
        TEST(lies_do_nothing),
        TEST(a_restart_goes_on),
        TEST(a_new_server_answers_for_the_old_one),
        TEST(a_new_server_and_a_liar),
        TEST(two_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
