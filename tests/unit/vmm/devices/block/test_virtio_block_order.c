/* SPDX-License-Identifier: BSD-2-Clause */
/* B16 and B17: many requests at once, little room below, the same blocks. */
#include "tests/unit/vmm/devices/block/virtio_block_rig.h"

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
        TEST(b16_more_than_the_queue_below_holds),
        TEST(b16_direct_requests_pass_those_that_wait_for_bounce),
        TEST(b17_overlapping_writes_are_in_order),
        TEST(b17_no_neighbour_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
