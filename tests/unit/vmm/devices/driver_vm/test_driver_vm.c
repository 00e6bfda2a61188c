/* SPDX-License-Identifier: BSD-2-Clause */
/* A guest that serves its disk: honest servers and clients, restarts, and servers that hang. */
#include "tests/unit/vmm/core/vmm_log_fake.h"
#include "tests/unit/vmm/devices/driver_vm/driver_vm_rig.h"

#define TEST(f) cmocka_unit_test_setup(f, setup)

static int setup(void **state)
{
    (void)state;
    logged[0] = '\0';
    rig_start();
    rig_serve(0, BLOCKS);
    rig_serve(1, BLOCKS / 2);
    clients[0].notified = clients[1].notified = 0;
    return 0;
}

static void expect_no_device(uint32_t i)
{
    rig_send(i, BLK_REQ_READ, 0, 1, 0, 77);
    rig_expect(i, 77, BLK_RESP_ERR_NO_DEVICE, 0);
    rig_send(i, BLK_REQ_FLUSH, 0, 0, 0, 78);
    rig_expect(i, 78, BLK_RESP_ERR_NO_DEVICE, 0);
}

static void clients_wait_for_a_server(void **state)
{
    (void)state;
    rig_start();
    for (uint32_t i = 0; i < CLIENTS; i++) {
        assert_false(blk_storage_ready(&clients[i].info));
        expect_no_device(i);
        clients[i].notified = 0;
    }
    rig_hello(0);
    assert_int_equal(page_of(0)->partition, 3);
    assert_string_equal(page_of(0)->client, "guest");
    assert_false(blk_storage_ready(&clients[0].info));
    rig_serve(0, 5);
    assert_true(blk_storage_ready(&clients[0].info));
    assert_int_equal(clients[0].info.capacity, 5);
    assert_int_equal(clients[0].info.extensions, BLK_EXT_WRITE_ZEROES);
    assert_int_equal(clients[0].notified, 1);
    assert_false(blk_storage_ready(&clients[1].info));
    assert_int_equal(clients[1].notified, 0);
}

static void requests_go_through(void **state)
{
    (void)state;
    rig_send(0, BLK_REQ_READ, 5, 3, 4096, 0xdeadbeef);
    rig_send(0, BLK_REQ_WRITE, BLOCKS - 1, 1, DATA_BYTES - 4096, 7);
    rig_send(0, BLK_REQ_WRITE_ZEROES, 0, BLOCKS, UINT64_MAX, 8);
    assert_true(servers[0].irq);
    assert_false(servers[1].irq);
    rig_write(0, UIO_BLK_ACK, servers[0].life);
    assert_false(servers[0].irq);
    assert_int_equal(num_cleaned, 1);
    assert_int_equal(num_dropped, 3);
    struct blk_req a = rig_take(0), b = rig_take(0), c = rig_take(0);
    assert_int_equal(a.code, BLK_REQ_READ);
    assert_int_equal(a.block_number, 5);
    assert_int_equal(a.count, 3);
    assert_int_equal(a.io_or_offset, 4096);
    assert_int_equal(b.code, BLK_REQ_WRITE);
    assert_int_equal(c.code, BLK_REQ_WRITE_ZEROES);
    assert_int_equal(c.io_or_offset, 0);
    rig_reply(0, &c, BLK_RESP_OK, BLOCKS); /* in any order */
    rig_reply(0, &b, BLK_RESP_ERR_IO, 0);
    rig_reply(0, &a, BLK_RESP_OK, 3);
    rig_expect_nothing(0);
    rig_kick(0);
    rig_expect(0, 8, BLK_RESP_OK, BLOCKS);
    rig_expect(0, 7, BLK_RESP_ERR_IO, 0);
    rig_expect(0, 0xdeadbeef, BLK_RESP_OK, 3);
    assert_int_equal(num_dropped, 6); /* again, before the client looks */
    rig_expect_nothing(1);
}

/* It is not woken while it says that it looks for itself, and again as soon as it does not. */
static void a_server_that_is_awake(void **state)
{
    (void)state;
    page_of(0)->awake = 1;
    rig_send(0, BLK_REQ_READ, 0, 1, 0, 1);
    assert_false(servers[0].irq);
    assert_int_equal(rig_take(0).count, 1);
    page_of(0)->awake = 0;
    rig_kick(0);
    assert_false(servers[0].irq); /* there is nothing new */
    rig_send(0, BLK_REQ_READ, 0, 1, 0, 2);
    assert_true(servers[0].irq);
    page_of(0)->awake = UINT32_MAX;
    rig_hello(0);
    assert_int_equal(page_of(0)->awake, 0);
}

static void flush_and_barrier(void **state)
{
    (void)state;
    struct blk_req none;
    rig_send(0, BLK_REQ_WRITE, 0, 1, 0, 1);
    rig_send(0, BLK_REQ_READ, 4, 1, 0, 2);
    rig_send(0, BLK_REQ_FLUSH, 77, 5, 1, 3);
    struct blk_req w = rig_take(0), r = rig_take(0);
    assert_false(blk_server_receive(&servers[0].queue, &none));
    rig_reply(0, &w, BLK_RESP_OK, 1);
    rig_kick(0);
    struct blk_req f = rig_take(0);
    assert_int_equal(f.code, BLK_REQ_FLUSH);
    rig_send(0, BLK_REQ_BARRIER, 0, 0, 0, 4);
    rig_send(0, BLK_REQ_READ, 0, 1, 0, 5);
    rig_reply(0, &r, BLK_RESP_OK, 1);
    rig_kick(0);
    assert_false(blk_server_receive(&servers[0].queue, &none));
    rig_reply(0, &f, BLK_RESP_OK, 0);
    rig_kick(0);
    struct blk_req b = rig_take(0);
    assert_int_equal(b.code, BLK_REQ_FLUSH);
    assert_false(blk_server_receive(&servers[0].queue, &none));
    rig_reply(0, &b, BLK_RESP_OK, 0);
    rig_kick(0);
    assert_int_equal(rig_take(0).code, BLK_REQ_READ);
    for (uint32_t id = 1; id <= 4; id++) {
        rig_expect(0, id, BLK_RESP_OK, id <= 2 ? 1 : 0);
    }
}

/* More than the server's queue holds: the rest waits in the client's. */
static void all_of_a_full_queue(void **state)
{
    (void)state;
    for (uint32_t id = 0; id < CAPACITY; id++) {
        rig_send(0, BLK_REQ_READ, id, 1, 0, id);
    }
    assert_int_equal(blk_server_requests(&servers[0].queue), UIO_BLK_ENTRIES);
    for (uint32_t id = 0; id < CAPACITY; id++) {
        struct blk_req req = rig_take(0);
        assert_int_equal(req.block_number, id);
        rig_reply(0, &req, BLK_RESP_OK, 1);
        rig_kick(0);
        rig_expect(0, id, BLK_RESP_OK, 1);
    }
}

static void fill(uint32_t i)
{
    rig_send(i, BLK_REQ_READ, 0, 1, 0, 1);
    rig_send(i, BLK_REQ_WRITE, 1, 1, 0, 2);
    rig_send(i, BLK_REQ_FLUSH, 0, 0, 0, 3); /* waits for the write */
}

static void expect_failed(uint32_t i)
{
    for (uint32_t id = 1; id <= 3; id++) {
        rig_expect(i, id, BLK_RESP_ERR_NO_DEVICE, 0);
    }
    rig_expect_nothing(i);
}

static void a_new_server_forgets_the_old(void **state)
{
    (void)state;
    fill(0);
    struct blk_req old = rig_take(0);
    struct rig_server before;
    memcpy(&before, &servers[0], sizeof(before));
    rig_hello(0);
    expect_failed(0);
    assert_false(blk_storage_ready(&clients[0].info));
    assert_false(servers[0].irq);
    expect_no_device(0);
    rig_serve(0, BLOCKS);
    assert_true(blk_storage_ready(&clients[0].info));
    rig_send(0, BLK_REQ_READ, 0, 1, 0, 9);
    struct blk_req new = rig_take(0);
    assert_int_not_equal(new.id, old.id);
    rig_reply(0, &old, BLK_RESP_OK, 1); /* late */
    rig_kick(0);
    rig_expect_nothing(0);
    assert_int_equal(driver_vm.links[0].bad_answers, 1);
    rig_reply(0, &new, BLK_RESP_OK, 1);
    rig_write(0, UIO_BLK_BYE, before.life); /* so is the old one's goodbye */
    assert_true(blk_storage_ready(&clients[0].info));
    rig_expect(0, 9, BLK_RESP_OK, 1);
}

static void goodbye_and_the_end_of_the_guest(void **state)
{
    (void)state;
    fill(0);
    fill(1);
    rig_write(0, UIO_BLK_BYE, servers[0].life);
    expect_failed(0);
    expect_no_device(0);
    rig_expect_nothing(1);
    assert_true(blk_storage_ready(&clients[1].info));
    driver_vm_stop(&driver_vm);
    expect_failed(1);
    expect_no_device(1);
    assert_false(blk_storage_ready(&clients[1].info));
    rig_serve(1, 5); /* after its reboot */
    assert_int_equal(clients[1].info.capacity, 5);
}

static void a_server_that_hangs(void **state)
{
    (void)state;
    rig_send(0, BLK_REQ_READ, 0, 1, 0, 1);
    for (uint32_t s = 0; s < BLK_LINK_PATIENCE; s++) {
        rig_second();
        if (s == 5) { /* another one does not give it more time */
            rig_send(0, BLK_REQ_WRITE, 1, 1, 0, 2);
            rig_send(0, BLK_REQ_FLUSH, 0, 0, 0, 3);
        }
    }
    rig_expect_nothing(0);
    rig_write(0, UIO_BLK_ACK, servers[0].life);
    rig_second();
    expect_failed(0);
    assert_true(servers[0].irq); /* to look at page->life */
    assert_int_not_equal(page_of(0)->life, servers[0].life);
    expect_no_device(0);
    assert_true(blk_storage_ready(&clients[1].info));
    assert_non_null(strstr(logged, "disk of guest: no server: it has not answered in time; 2 req"));
    rig_serve(0, BLOCKS);
    rig_send(0, BLK_REQ_READ, 0, 1, 0, 1);
    struct blk_req req = rig_take(0);
    rig_reply(0, &req, BLK_RESP_OK, 1);
    rig_kick(0);
    rig_expect(0, 1, BLK_RESP_OK, 1);
}

/* No timeouts while nothing is on the way. */
static void idle_is_idle(void **state)
{
    (void)state;
    assert_int_equal(num_timeouts, 0);
    rig_send(0, BLK_REQ_READ, 0, 1, 0, 1);
    rig_send(0, BLK_REQ_READ, 1, 1, 0, 2);
    assert_int_equal(num_timeouts, 1);
    for (uint32_t id = 1; id <= 2; id++) {
        struct blk_req req = rig_take(0);
        rig_reply(0, &req, BLK_RESP_OK, 1);
    }
    rig_kick(0);
    rig_second();
    rig_second();
    assert_int_equal(num_timeouts, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(clients_wait_for_a_server),
        TEST(requests_go_through),
        TEST(a_server_that_is_awake),
        TEST(flush_and_barrier),
        TEST(all_of_a_full_queue),
        TEST(a_new_server_forgets_the_old),
        TEST(goodbye_and_the_end_of_the_guest),
        TEST(a_server_that_hangs),
        TEST(idle_is_idle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
