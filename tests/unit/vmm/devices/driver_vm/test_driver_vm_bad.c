/* SPDX-License-Identifier: BSD-2-Clause */
/* S7, S8, B19: clients and servers that lie. A client sees errors at most, and only its own. */
#include "tests/unit/vmm/core/vmm_log_fake.h"
#include "tests/unit/vmm/devices/driver_vm/driver_vm_rig.h"

#define TEST(f) cmocka_unit_test_setup(f, setup)

static int setup(void **state)
{
    (void)state;
    logged[0] = '\0';
    rig_start();
    rig_serve(0, BLOCKS);
    rig_serve(1, BLOCKS);
    return 0;
}

/* The other link is as it should be. */
static void expect_neighbour_works(void)
{
    rig_send(1, BLK_REQ_READ, 0, 1, 0, 5);
    struct blk_req req = rig_take(1);
    rig_reply(1, &req, BLK_RESP_OK, 1);
    rig_kick(1);
    rig_expect(1, 5, BLK_RESP_OK, 1);
    rig_expect_nothing(1);
}

/* S7: refused, and never seen by the guest. */
static void bad_requests(void **state)
{
    (void)state;
    static const struct blk_req bad[] = {
        { 4, 0, 0, 1, 0 },
        { UINT32_MAX, 0, 0, 1, 0 },
        { BLK_REQ_DISCARD, 0, 0, 1, 0 }, /* not offered */
        { BLK_REQ_READ, 0, 0, 0, 0 },
        { BLK_REQ_READ, 0, BLOCKS, 1, 0 },
        { BLK_REQ_READ, 0, BLOCKS - 1, 2, 0 },
        { BLK_REQ_WRITE, 0, UINT64_MAX, 2, 0 },
        { BLK_REQ_WRITE_ZEROES, 0, BLOCKS, 1, 0 },
        { BLK_REQ_READ, 512, 0, 1, 0 },
        { BLK_REQ_READ, DATA_BYTES, 0, 1, 0 },
        { BLK_REQ_WRITE, DATA_BYTES - 4096, 0, 2, 0 },
        { BLK_REQ_WRITE, UINT64_MAX - 4095, 0, 2, 0 },
        { BLK_REQ_WRITE, 0, 0, UINT16_MAX, 0 },
    };
    struct blk_req none;
    for (uint32_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        rig_send(0, bad[i].code, bad[i].block_number, bad[i].count, bad[i].io_or_offset, i);
        assert_false(blk_server_receive(&servers[0].queue, &none));
        rig_expect(0, i, BLK_RESP_ERR_INVALID_PARAM, 0);
    }
    assert_string_equal(strstr(logged, "disk of guest: it"),
                        "disk of guest: it asks for what it may not have: refused (said once)\n");
    expect_neighbour_works();
}

static void a_read_only_client(void **state)
{
    (void)state;
    records[0].read_only = 1;
    rig_serve(0, BLOCKS);
    assert_int_equal(clients[0].info.read_only, 1);
    assert_int_equal(page_of(0)->read_only, 1);
    rig_send(0, BLK_REQ_WRITE, 0, 1, 0, 1);
    rig_expect(0, 1, BLK_RESP_ERR_INVALID_PARAM, 0);
    rig_send(0, BLK_REQ_WRITE_ZEROES, 0, 1, 0, 2);
    rig_expect(0, 2, BLK_RESP_ERR_INVALID_PARAM, 0);
    rig_send(0, BLK_REQ_READ, 0, 1, 0, 3);
    assert_int_equal(rig_take(0).code, BLK_REQ_READ);
}

/* S7: indices that make no sense, and queues that answers do not fit into. */
static void a_client_breaks_its_queues(void **state)
{
    (void)state;
    struct blk_req_queue *req = (struct blk_req_queue *)clients[0].req_queue;
    struct blk_resp_queue *resp = (struct blk_resp_queue *)clients[0].resp_queue;
    struct blk_req none;
    rig_send(0, BLK_REQ_READ, 0, 1, 0, 1);
    struct blk_req first = rig_take(0);
    req->tail += CAPACITY + 1;
    driver_vm_notified(&driver_vm, FIRST_CHANNEL);
    assert_false(blk_server_receive(&servers[0].queue, &none));
    assert_non_null(strstr(logged, "has broken its queues: ignored"));
    resp->head = 99; /* no room for the answer that was promised */
    rig_reply(0, &first, BLK_RESP_OK, 1);
    rig_kick(0);
    assert_int_equal(driver_vm.links[0].in_flight, 0);
    expect_neighbour_works();
}

/* A request is taken only where there is room for its answer. */
static void a_client_that_takes_no_answers(void **state)
{
    (void)state;
    struct blk_req req;
    for (uint32_t id = 0; id < CAPACITY - 10; id++) {
        rig_send(0, BLK_REQ_READ, 0, 1, 0, id);
        req = rig_take(0);
        rig_reply(0, &req, BLK_RESP_OK, 1);
        rig_kick(0);
    }
    for (uint32_t id = CAPACITY - 10; id < CAPACITY + 10; id++) {
        rig_send(0, BLK_REQ_READ, 0, 1, 0, id);
    }
    assert_int_equal(blk_server_requests(&servers[0].queue), 10);
    for (uint32_t id = 0; id < CAPACITY - 10; id++) {
        rig_expect(0, id, BLK_RESP_OK, 1);
    }
    driver_vm_notified(&driver_vm, FIRST_CHANNEL);
    assert_int_equal(blk_server_requests(&servers[0].queue), 20);
}

/* B19, S8: each answer that nobody awaits is dropped; each request is answered once. */
static void wrong_and_second_answers(void **state)
{
    (void)state;
    static const uint32_t wrong[] = { 1, 127, 128, 0xffff, 0x10000, UINT32_MAX, 0x80000000 };
    rig_send(0, BLK_REQ_READ, 0, 2, 0, 1);
    struct blk_req req = rig_take(0);
    for (uint32_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct blk_req forged = { .id = req.id ^ wrong[i] };
        rig_reply(0, &forged, BLK_RESP_OK, 2);
        rig_kick(0);
        rig_expect_nothing(0);
    }
    rig_reply(0, &req, BLK_RESP_OK, 2);
    rig_reply(0, &req, BLK_RESP_OK, 2);
    rig_kick(0);
    rig_reply(0, &req, BLK_RESP_OK, 2);
    rig_kick(0);
    rig_expect(0, 1, BLK_RESP_OK, 2);
    rig_expect_nothing(0);
    rig_send(0, BLK_REQ_WRITE, 0, 1, 0, 2); /* in the same entry */
    rig_reply(0, &req, BLK_RESP_OK, 1);
    rig_kick(0);
    rig_expect_nothing(0);
    assert_int_equal(driver_vm.links[0].bad_answers, 10);
    expect_neighbour_works();
}

/* B19: unknown statuses, short and overlong successes. */
static void wrong_results(void **state)
{
    (void)state;
    static const struct {
        uint32_t status, told;
        uint16_t count, told_count;
    } cases[] = {
        { BLK_RESP_OK, BLK_RESP_ERR_IO, 1, 1 },
        { BLK_RESP_OK, BLK_RESP_ERR_IO, 0, 0 },
        { BLK_RESP_OK, BLK_RESP_ERR_IO, UINT16_MAX, 3 },
        { 5, BLK_RESP_ERR_UNSPEC, 3, 3 },
        { UINT32_MAX, BLK_RESP_ERR_UNSPEC, 0, 0 },
        { BLK_RESP_ERR_INVALID_PARAM, BLK_RESP_ERR_INVALID_PARAM, 0, 0 },
    };
    for (uint32_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        rig_send(0, BLK_REQ_READ, 0, 3, 0, i);
        struct blk_req req = rig_take(0);
        rig_reply(0, &req, cases[i].status, cases[i].count);
        rig_kick(0);
        rig_expect(0, i, cases[i].told, cases[i].told_count);
    }
}

/* S8: garbage indices end the server's life, wherever they lie. */
static void garbage_indices(void **state)
{
    (void)state;
    for (uint32_t round = 0; round < 2; round++) {
        uint8_t *rings = servers[0].rings;
        struct blk_req_queue *req = (struct blk_req_queue *)(rings + UIO_BLK_REQ_OFFSET);
        struct blk_resp_queue *resp = (struct blk_resp_queue *)(rings + UIO_BLK_RESP_OFFSET);
        rig_serve(0, BLOCKS);
        rig_send(0, BLK_REQ_READ, 0, 1, 0, 1);
        *(round == 0 ? &req->head : &resp->tail) = UIO_BLK_ENTRIES + 2;
        rig_send(0, BLK_REQ_WRITE, 1, 1, 0, 2);
        rig_expect(0, 1, BLK_RESP_ERR_NO_DEVICE, 0);
        rig_expect(0, 2, BLK_RESP_ERR_NO_DEVICE, 0);
        rig_expect_nothing(0);
        assert_false(blk_storage_ready(&clients[0].info));
        rig_kick(0);
        rig_serve(0, BLOCKS);
        assert_true(blk_storage_ready(&clients[0].info));
    }
    expect_neighbour_works();
}

/* A server that answers more than can be on the way is listened to for so long and no longer. */
static void endless_answers(void **state)
{
    (void)state;
    for (uint32_t round = 0; round < 3; round++) {
        for (uint32_t i = 0; i < UIO_BLK_ENTRIES; i++) {
            struct blk_req forged = { .id = i };
            rig_reply(0, &forged, BLK_RESP_OK, 0);
        }
        rig_kick(0);
    }
    assert_int_equal(driver_vm.links[0].bad_answers, 3 * UIO_BLK_ENTRIES);
    rig_expect_nothing(0);
}

static void words_about_the_disk(void **state)
{
    (void)state;
    rig_hello(0);
    memset(&page_of(0)->info, 0xff, sizeof(page_of(0)->info));
    rig_write(0, UIO_BLK_SERVE, servers[0].life);
    assert_true(blk_storage_ready(&clients[0].info));
    assert_int_equal(clients[0].info.ready, 1);
    assert_int_equal(clients[0].info.read_only, 1);
    assert_int_equal(clients[0].info.capacity, 0);
    assert_int_equal(clients[0].info.sector_size, 512);
    assert_int_equal(clients[0].info.extensions, 0);
    rig_send(0, BLK_REQ_READ, 0, 1, 0, 1);
    rig_expect(0, 1, BLK_RESP_ERR_NO_DEVICE, 0);
    page_of(0)->info.capacity = BLOCKS; /* too late */
    rig_write(0, UIO_BLK_SERVE, servers[0].life);
    assert_int_equal(clients[0].info.capacity, 0);
}

/* Every offset, any value: nothing but an end of the server's own life. */
static void registers(void **state)
{
    (void)state;
    for (uint64_t offset = 0; offset < 0x1000; offset++) {
        rig_serve(0, BLOCKS);
        rig_send(0, BLK_REQ_READ, 0, 1, 0, (uint32_t)offset);
        rig_write(0, offset, servers[0].life + 1);
        rig_write(0, offset, servers[0].life);
        bool ends = offset == UIO_BLK_HELLO || offset == UIO_BLK_BYE;
        assert_int_equal(blk_storage_ready(&clients[0].info), !ends);
        rig_hello(0);
        rig_expect(0, (uint32_t)offset, BLK_RESP_ERR_NO_DEVICE, 0);
    }
    assert_true(strlen(logged) < 4096); /* lines are limited */
    expect_neighbour_works();
}

static void a_record_that_is_wrong(void **state)
{
    (void)state;
    struct irq_line irq = { 0 };
    struct blk_link link;
    for (uint32_t i = 0; i < 5; i++) {
        struct vmm_served_disk record = records[0];
        if (i == 0) {
            record.rings_vaddr = 0;
        } else if (i == 1) {
            record.data_vaddr += 512;
        } else if (i == 2) {
            record.data_bytes -= 1;
        } else if (i == 3) {
            record.conn.num_buffers = 0;
        } else {
            record.conn.num_buffers = 100;
        }
        assert_false(blk_link_init(&link, &record, &irq, &driver_vm.ops->link));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(bad_requests),
        TEST(a_read_only_client),
        TEST(a_client_breaks_its_queues),
        TEST(a_client_that_takes_no_answers),
        TEST(wrong_and_second_answers),
        TEST(wrong_results),
        TEST(garbage_indices),
        TEST(endless_answers),
        TEST(words_about_the_disk),
        TEST(registers),
        TEST(a_record_that_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
