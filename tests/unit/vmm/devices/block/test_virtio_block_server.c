/* SPDX-License-Identifier: BSD-2-Clause */
/* B19: the server lies. */
#include "tests/unit/vmm/devices/block/virtio_block_rig.h"

static void b19_errors_and_short_answers(void **state)
{
    (void)state;
    for (uint32_t status = 1; status < 7; status++) {
        for (unsigned step = 0; step < 2; step++) { /* of a read-modify-write */
            drive(ALL);
            submit(0, OUT, 17, BUF(2), 512);
            kick();
            assert_int_equal(server_take(), 1);
            if (step == 1) {
                server_answer(0);
                server_notify();
                assert_int_equal(server_take(), 1);
                assert_int_equal(taken[0].req.code, BLK_REQ_WRITE);
            }
            server_fail(0, status == 6 ? UINT32_MAX : status == 5 ? BLK_RESP_OK : status);
            server_notify();
            expect(0, IOERR, 1);
            assert_int_equal(server_take(), 0);
            assert_works_after_reset();
        }
    }
}

static void b19_one_part_fails(void **state)
{
    (void)state;
    drive(ALL);
    set_header(0, IN, 0);
    ring_set(&ring, 0, HEADER(0), 16, NEXT, 1);
    ring_set(&ring, 1, BUF(0), 4096, NEXT | WRITE, 2);
    ring_set(&ring, 2, BUF(4), 4096, NEXT | WRITE, 3);
    ring_set(&ring, 3, STATUS(0), 1, WRITE, 0);
    ring_offer(&ring, 0);
    kick();
    assert_int_equal(server_take(), 2);
    server_fail(0, BLK_RESP_ERR_IO);
    server_notify();
    ring_assert_nothing_used(&ring); /* the other is on its way into guest memory */
    server_answer(0);
    server_notify();
    assert_int_equal(ring_take_used(&ring, 0), 1);
    assert_int_equal(status_of(0), IOERR);
}

/* A server that begins anew gets all that it had once more, and the guest sees no error. */
static void a_new_server_gets_everything_again(void **state)
{
    uint32_t ids[3];
    (void)state;
    start_some();
    for (unsigned i = 0; i < 3; i++) {
        ids[i] = taken[i].req.id;
    }
    num_taken = 0;
    blk_server_begin(&server);
    server_notify();
    ring_assert_nothing_used(&ring);
    assert_int_equal(server_take(), 3);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(taken[i].req.id, ids[i]);
    }
    server_serve();
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(status_of(i), OK);
    }
    assert_int_equal(block.bad_resps, 0);
    server_respond(0, BLK_RESP_LOST, 0); /* there is nothing to lose */
    server_notify();
    assert_int_equal(server_take(), 0);
    assert_int_equal(block.bad_resps, 1);
    assert_works_after_reset();
}

static void b19_unknown_and_second_answers(void **state)
{
    (void)state;
    drive(ALL);
    submit(0, IN, 1, BUF(0), 512);
    kick();
    server_take();
    uint32_t id = taken[0].req.id;
    for (unsigned bit = 0; bit < 32; bit++) {
        server_respond(id ^ 1u << bit, BLK_RESP_OK, 1);
    }
    server_notify();
    ring_assert_nothing_used(&ring);
    assert_int_equal(block.bad_resps, 32);
    server_answer(0);
    server_respond(id, BLK_RESP_OK, 1);
    server_notify();
    server_respond(id, BLK_RESP_ERR_IO, 0);
    server_notify();
    expect(0, OK, 513);
    ring_assert_nothing_used(&ring);
    assert_int_equal(block.bad_resps, 34);
    /* The same id is not used for the next one, nor for the second half of a write. */
    submit(0, OUT, 1, BUF(0), 512);
    kick();
    server_take();
    assert_int_not_equal(taken[0].req.id, id);
    id = taken[0].req.id;
    server_answer(0);
    server_respond(id, BLK_RESP_OK, 1);
    server_notify();
    assert_int_equal(server_take(), 1);
    ring_assert_nothing_used(&ring);
    server_serve();
    expect(0, OK, 1);
    assert_int_equal(block.bad_resps, 35);
}

static void b19_an_answer_after_a_reset(void **state)
{
    (void)state;
    start_some();
    uint32_t ids[3] = { taken[0].req.id, taken[1].req.id, taken[2].req.id };
    reg_write(&region, VIRTIO_MMIO_STATUS, 0);
    server_serve();
    start_some();
    snapshot();
    for (unsigned i = 0; i < 3; i++) {
        server_respond(ids[i], BLK_RESP_OK, 1);
    }
    server_notify();
    ring_assert_nothing_used(&ring);
    guest_assert_untouched(&guest);
    assert_int_equal(block.bad_resps, 3);
}

static void b19_indices_without_sense(void **state)
{
    (void)state;
    drive(ALL);
    submit(0, IN, 0, BUF(0), 4096);
    kick();
    server.resp->tail += 1000;
    server_notify(); /* no answers are taken */
    ring_assert_nothing_used(&ring);
    server.resp->tail -= 1000;
    server_serve();
    expect(0, OK, 4097);
    server.req->head -= 1000; /* no room, although nothing is on the way */
    submit(0, IN, 0, BUF(0), 4096);
    submit(1, OUT, 1, BUF(0), 512);
    submit(2, VIRTIO_BLK_T_FLUSH, 0, 0, 0);
    kick();
    for (unsigned n = 0; n < 3; n++) {
        expect(n, IOERR, 1);
    }
    server.req->head += 1000;
    submit(0, OUT, 1, BUF(0), 512); /* and between the halves of a write */
    kick();
    server_take();
    server_answer(0);
    server.req->head -= 1000;
    server_notify();
    expect(0, IOERR, 1);
    server.req->head += 1000;
    assert_works_after_reset();
}

static void b19_the_disk_goes_and_comes(void **state)
{
    (void)state;
    start_some();
    info.ready = 0;
    server_notify();
    assert_int_equal(region.read(&block, CONFIG, 8), 0);
    while (server_take() > 0) {
        server_fail(0, BLK_RESP_ERR_NO_DEVICE);
        server_notify();
    }
    for (unsigned n = 0; n < 4; n++) {
        assert_int_equal(status_of(n), IOERR);
    }
    info.ready = 0x80;
    info.capacity = 8;
    server_notify();
    assert_int_equal(region.read(&block, CONFIG, 8), 64);
    assert_works_after_reset();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_new_server_gets_everything_again),
        TEST(b19_errors_and_short_answers),
        TEST(b19_one_part_fails),
        TEST(b19_unknown_and_second_answers),
        TEST(b19_an_answer_after_a_reset),
        TEST(b19_indices_without_sense),
        TEST(b19_the_disk_goes_and_comes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
