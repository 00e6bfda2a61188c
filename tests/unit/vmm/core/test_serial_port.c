/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/vmm/virtio/virtio_serial_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka.h wants the ones above before it. */
#include <cmocka.h>

static int setup(void **state)
{
    (void)state;
    rig_create();
    return 0;
}

static void writes_arrive_and_notify_once(void **state)
{
    char got[RIG_BYTES];
    (void)state;
    assert_int_equal(serial_port_write(&rig.port, "hello ", 6), 6);
    assert_int_equal(serial_port_write(&rig.port, "world", 5), 5);
    assert_int_equal(tx_notified, 0);
    serial_port_flush(&rig.port);
    serial_port_flush(&rig.port);
    assert_int_equal(tx_notified, 1);
    assert_int_equal(rig_print(got, sizeof(got)), 11);
    assert_memory_equal(got, "hello world", 11);
    assert_int_equal(rig.tx_queue.producer_signalled, 1); /* there was room: nothing asked */
}

static void a_full_queue_takes_a_part_and_asks_for_a_signal(void **state)
{
    uint8_t bytes[100];
    uint8_t got[100];
    (void)state;
    for (unsigned i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)i;
    }
    assert_int_equal(serial_port_write(&rig.port, bytes, 100), RIG_BYTES);
    assert_int_equal(rig.tx_queue.producer_signalled, 0);
    assert_int_equal(serial_port_write(&rig.port, bytes, 1), 0);
    assert_int_equal(rig_print(got, 10), 10);
    assert_true(serial_queue_must_signal(&rig.tx));
    assert_int_equal(serial_port_write(&rig.port, bytes + RIG_BYTES, 36), 10);
    assert_int_equal(rig_print(got + 10, 64), 64);
    assert_int_equal(serial_port_write(&rig.port, bytes + 74, 26), 26);
    assert_int_equal(rig_print(got + 74, 64), 26);
    assert_memory_equal(got, bytes, 100);
}

static void nothing_taken_nothing_notified(void **state)
{
    uint8_t bytes[RIG_BYTES] = { 0 };
    (void)state;
    serial_port_write(&rig.port, bytes, RIG_BYTES);
    serial_port_flush(&rig.port);
    assert_int_equal(serial_port_write(&rig.port, bytes, 5), 0);
    serial_port_flush(&rig.port);
    assert_int_equal(tx_notified, 1);
}

static void a_virtualiser_that_looks_by_itself_is_not_notified(void **state)
{
    char got[RIG_BYTES];
    (void)state;
    serial_port_write(&rig.port, "a", 1);
    serial_port_flush(&rig.port);
    assert_int_equal(tx_notified, 1);
    assert_false(serial_port_awaits_poll(&rig.port)); /* it was notified */
    serial_queue_set_polling(&rig.tx, true);
    serial_port_write(&rig.port, "b", 1);
    serial_port_flush(&rig.port);
    assert_int_equal(tx_notified, 1);
    assert_true(serial_port_awaits_poll(&rig.port));
    assert_int_equal(rig_print(got, RIG_BYTES), 2);
    assert_true(serial_queue_must_signal(&rig.tx));
    assert_false(serial_port_awaits_poll(&rig.port)); /* it has everything */
    assert_false(serial_queue_must_signal(&rig.tx));
}

static void reads_make_room_and_tell_who_waits_for_it(void **state)
{
    char got[RIG_BYTES];
    (void)state;
    assert_int_equal(rig_type("abc", 3), 3);
    assert_int_equal(serial_port_available(&rig.port), 3);
    assert_int_equal(serial_port_read(&rig.port, got, 2), 2);
    serial_port_flush(&rig.port);
    assert_int_equal(rx_notified, 0); /* nobody waits */
    serial_queue_request_signal(&rig.rx);
    assert_int_equal(serial_port_read(&rig.port, got + 2, 60), 1);
    serial_port_flush(&rig.port);
    serial_port_flush(&rig.port);
    assert_int_equal(rx_notified, 1);
    assert_int_equal(rig.rx_queue.producer_signalled, 1);
    assert_memory_equal(got, "abc", 3);
    serial_queue_request_signal(&rig.rx);
    assert_int_equal(serial_port_read(&rig.port, got, 60), 0);
    serial_port_flush(&rig.port);
    assert_int_equal(rx_notified, 1); /* no room made */
}

static void nonsense_indices_mean_no_room_and_no_input(void **state)
{
    static const uint32_t bad[] = { 0x80000000u, 0xffffff00u, RIG_BYTES + 1, 1000 };
    uint8_t bytes[RIG_BYTES] = { 0 };
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        rig.rx_queue.tail = bad[i];
        rig.tx_queue.head = bad[i];
        assert_int_equal(serial_port_available(&rig.port), 0);
        assert_int_equal(serial_port_read(&rig.port, bytes, sizeof(bytes)), 0);
        assert_int_equal(serial_port_write(&rig.port, bytes, sizeof(bytes)), 0);
    }
    rig.rx_queue.tail = 0;
    rig.tx_queue.head = 0;
    assert_int_equal(serial_port_write(&rig.port, bytes, 1), 1);
}

static void the_neighbour_rewrites_our_indices(void **state)
{
    (void)state;
    assert_int_equal(serial_port_write(&rig.port, "abc", 3), 3);
    rig.tx_queue.tail = 0xdeadbeef;
    rig.rx_queue.head = 0xdeadbeef;
    assert_int_equal(serial_port_write(&rig.port, "d", 1), 1);
    assert_int_equal(rig.tx_queue.tail, 4);
    assert_int_equal(serial_port_available(&rig.port), 0);
}

static void a_port_without_input(void **state)
{
    uint8_t byte;
    (void)state;
    rig.config.rx = (struct sddf_serial_connection){ 0 };
    serial_port_init(&rig.port, &rig.config, rig_notify);
    assert_int_equal(serial_port_available(&rig.port), 0);
    assert_int_equal(serial_port_read(&rig.port, &byte, 1), 0);
    serial_port_write(&rig.port, "x", 1);
    serial_port_flush(&rig.port);
    assert_int_equal(tx_notified, 1);
    assert_int_equal(rx_notified, 0);
}

static void indices_wrap(void **state)
{
    (void)state;
    rig.tx_queue.tail = rig.tx_queue.head = 0xffffffd0u;
    rig.rx_queue.tail = rig.rx_queue.head = 0xffffffd0u;
    rig.rx = serial_queue_connect_producer(&rig.config.rx);
    rig.tx = serial_queue_connect_consumer(&rig.config.tx);
    serial_port_init(&rig.port, &rig.config, rig_notify);
    for (unsigned i = 0; i < 1000; i++) {
        uint8_t sent[5] = { (uint8_t)i, 1, 2, 3, (uint8_t)(i >> 8) };
        uint8_t got[5];
        assert_int_equal(serial_port_write(&rig.port, sent, 5), 5);
        assert_int_equal(rig_print(got, 5), 5);
        assert_memory_equal(sent, got, 5);
        assert_int_equal(rig_type(sent, 5), 5);
        assert_int_equal(serial_port_read(&rig.port, got, 5), 5);
        assert_memory_equal(sent, got, 5);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(writes_arrive_and_notify_once, setup),
        cmocka_unit_test_setup(a_full_queue_takes_a_part_and_asks_for_a_signal, setup),
        cmocka_unit_test_setup(nothing_taken_nothing_notified, setup),
        cmocka_unit_test_setup(a_virtualiser_that_looks_by_itself_is_not_notified, setup),
        cmocka_unit_test_setup(reads_make_room_and_tell_who_waits_for_it, setup),
        cmocka_unit_test_setup(nonsense_indices_mean_no_room_and_no_input, setup),
        cmocka_unit_test_setup(the_neighbour_rewrites_our_indices, setup),
        cmocka_unit_test_setup(a_port_without_input, setup),
        cmocka_unit_test_setup(indices_wrap, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
