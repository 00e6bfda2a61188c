/* SPDX-License-Identifier: BSD-2-Clause */
/* The console, and rows C of the bad-input catalogue. */
#include "tests/unit/vmm/devices/virtio_console_rig.h"

/* ---- What it is for --------------------------------------------------------------------------*/

static void it_introduces_itself(void **state)
{
    (void)state;
    assert_int_equal(reg_read(&region, VIRTIO_MMIO_DEVICE_ID), 3);
    assert_true((reg_read(&region, VIRTIO_MMIO_DEVICE_FEATURES) & 1) != 0);
    assert_int_equal(region.read(&console, CONFIG, 2), 80);
    assert_int_equal(region.read(&console, CONFIG + 2, 2), 25);
    assert_int_equal(driver_negotiate(&region, ALL | 1), 11);
    driver_ok(&region);
    virtio_console_resize(&console, 132, 50);
    assert_int_equal(region.read(&console, CONFIG, 2), 132);
    assert_int_equal(reg_read(&region, VIRTIO_MMIO_INTERRUPT_STATUS), VIRTIO_MMIO_INT_CONFIG);
    virtio_console_init(&console, "console0", &guest.ram, &guest.irq, &rig.port, 0, 0);
    assert_int_equal(reg_read(&region, VIRTIO_MMIO_DEVICE_FEATURES) & 1, 0);
}

static void the_first_output_points_to_the_window_size(void **state)
{
    (void)state;
    drive(ALL | 1);
    assert_int_equal(reg_read(&region, VIRTIO_MMIO_INTERRUPT_STATUS), 0);
    send_text(0, "x");
    kick(TX);
    assert_int_equal(reg_read(&region, VIRTIO_MMIO_INTERRUPT_STATUS),
                     VIRTIO_MMIO_INT_CONFIG | VIRTIO_MMIO_INT_VRING);
    region.write(&console, VIRTIO_MMIO_INTERRUPT_ACK, 4, 3);
    send_text(1, "y");
    kick(TX);
    assert_int_equal(reg_read(&region, VIRTIO_MMIO_INTERRUPT_STATUS) & VIRTIO_MMIO_INT_CONFIG, 0);
}

/* As Linux does: its buffer is back before the virtualiser looks, used_event has moved on. */
static void no_interrupt_for_a_buffer_that_was_seen(void **state)
{
    (void)state;
    drive(ALL);
    serial_queue_set_polling(&rig.tx, true);
    for (uint16_t i = 0; i < 3; i++) {
        send_text(i, "text ");
        kick(TX);
        assert_int_equal(ring_take_used(&rings[TX], i), 0);
        *ring_used_event(&rings[TX]) = (uint16_t)(i + 1);
    }
    assert_int_equal(tx_notified, 0);
    print();
    assert_int_equal(num_printed, 15);
    assert_int_equal(guest.irq_rises, 0);
}

/* One that sleeps until it is interrupted. */
static void an_interrupt_comes_late_but_comes(void **state)
{
    (void)state;
    drive(ALL);
    serial_queue_set_polling(&rig.tx, true);
    send_text(0, "text ");
    kick(TX);
    ring_take_used(&rings[TX], 0); /* it is back at once */
    assert_false(guest.irq_level);
    print();
    assert_true(guest.irq_level);
    assert_int_equal(guest.irq_rises, 1);
    print();
    assert_int_equal(guest.irq_rises, 1);
}

static void output_in_one_batch(void **state)
{
    (void)state;
    drive(ALL);
    send_text(0, "one ");
    send_text(1, "two ");
    send_text(2, "three");
    snapshot();
    kick(TX);
    assert_int_equal(tx_notified, 1);
    assert_int_equal(guest.irq_rises, 1);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(ring_take_used(&rings[TX], i), 0);
    }
    print();
    assert_memory_equal(printed, "one two three", 13);
    kick(TX); /* nothing more: nobody is disturbed */
    assert_int_equal(tx_notified, 1);
    guest_assert_untouched(&guest);
}

static void input_fills_posted_buffers(void **state)
{
    (void)state;
    drive(ALL);
    for (unsigned i = 0; i < 3; i++) {
        post(i, 4);
        guest_allow(&guest, BUF(i), 4);
    }
    snapshot();
    guest_allow(&guest, BUF(0), 4);
    guest_allow(&guest, BUF(1), 2);
    kick(RX);
    ring_assert_nothing_used(&rings[RX]); /* buffers wait for input */
    rig_type("abcdef", 6);
    serial_queue_request_signal(&rig.rx);
    virtio_console_input(&console);
    assert_int_equal(ring_take_used(&rings[RX], 0), 4);
    assert_int_equal(ring_take_used(&rings[RX], 1), 2);
    ring_assert_nothing_used(&rings[RX]);
    assert_memory_equal(guest_at(&guest, BUF(0)), "abcd", 4);
    assert_memory_equal(guest_at(&guest, BUF(1)), "ef", 2);
    assert_int_equal(guest.irq_rises, 1);
    assert_int_equal(rx_notified, 1); /* there is room again */
    guest_assert_untouched(&guest);
}

static void input_before_the_driver_is_kept(void **state)
{
    (void)state;
    rig_type("early", 5);
    virtio_console_input(&console);
    assert_int_equal(driver_negotiate(&region, ALL), 11);
    ring_create(&rings[RX], &guest, RX, SIZE);
    driver_place(&region, RX, &rings[RX]);
    post(0, 16); /* posted before DRIVER_OK, as the specification allows */
    driver_ok(&region);
    assert_int_equal(ring_take_used(&rings[RX], 0), 5);
    assert_memory_equal(guest_at(&guest, BUF(0)), "early", 5);
}

/* ---- C: console ------------------------------------------------------------------------------*/

static void c2_output_longer_than_the_serial_queue(void **state)
{
    static char text[1001];
    (void)state;
    drive(ALL);
    for (unsigned i = 0; i < 1000; i++) {
        text[i] = (char)('a' + i % 26);
    }
    /* Three chains, the middle one in many segments, all larger than the queue together. */
    buffer(BUF(0), text);
    ring_set(&rings[TX], 0, BUF(0), 500, 0, 0);
    ring_offer(&rings[TX], 0);
    for (unsigned i = 1; i <= 20; i++) {
        ring_set(&rings[TX], i, BUF(0) + 500 + 10 * (i - 1), 10, i < 20 ? NEXT : 0, i + 1);
    }
    ring_offer(&rings[TX], 1);
    ring_set(&rings[TX], 21, BUF(0) + 700, 300, 0, 0);
    ring_offer(&rings[TX], 21);
    snapshot();
    kick(TX);
    ring_assert_nothing_used(&rings[TX]); /* back-pressure */
    for (unsigned i = 0; i < 1000 / RIG_BYTES + 1; i++) {
        unsigned done = (num_printed + RIG_BYTES >= 500) + (num_printed + RIG_BYTES >= 700) +
                        (num_printed + RIG_BYTES >= 1000);
        assert_int_equal(ring_used(&rings[TX])->idx, done);
        kick(TX); /* impatience changes nothing */
        print();
    }
    assert_int_equal(num_printed, 1000);
    assert_memory_equal(printed, text, 1000);
    ring_take_used(&rings[TX], 0);
    ring_take_used(&rings[TX], 1);
    ring_take_used(&rings[TX], 21);
    assert_true(guest.irq_level);
    guest_assert_untouched(&guest);
}

static void c3_flood_is_bounded_and_batched(void **state)
{
    (void)state;
    drive(ALL);
    for (unsigned i = 0; i < 100000; i++) {
        while (ring_used(&rings[TX])->idx != rings[TX].used_seen) {
            ring_take_used(&rings[TX], rings[TX].used_seen % SIZE);
        }
        while ((uint16_t)(rings[TX].avail_idx - rings[TX].used_seen) < SIZE) {
            unsigned head = rings[TX].avail_idx % SIZE;
            ring_set(&rings[TX], head, BUF(0), 64, 0, 0);
            ring_offer(&rings[TX], head);
        }
        guest_loads = 0;
        tx_notified = 0;
        kick(TX);
        assert_true(guest_loads <= 2 * SIZE); /* O5 */
        assert_true(tx_notified <= 1);
        if (i % 16 == 0) {
            num_printed = 0;
            print();
        }
    }
    assert_int_equal(log_lines, 0);
}

static void c4_input_without_buffers_waits(void **state)
{
    char typed[1000];
    char got[1000];
    uint32_t sent = 0;
    uint32_t received = 0;
    (void)state;
    drive(ALL);
    snapshot();
    for (unsigned i = 0; i < 100000; i++) { /* an operator who goes on typing */
        rig_type("z", 1);
        virtio_console_input(&console);
    }
    assert_int_equal(serial_port_available(&rig.port), RIG_BYTES);
    assert_false(guest.irq_level);
    guest_assert_untouched(&guest);
    /* The guest begins to read: everything arrives, in order. */
    while (serial_port_read(&rig.port, got, sizeof(got)) > 0) {
    }
    for (unsigned i = 0; i < sizeof(typed); i++) {
        typed[i] = (char)(i * 3);
    }
    for (unsigned i = 0; received < sizeof(typed); i++) {
        sent += rig_type(typed + sent, (uint32_t)sizeof(typed) - sent);
        post(i % SIZE, 7);
        kick(RX); /* the kick was asked for, as input waits */
        uint32_t n = ring_take_used(&rings[RX], i % SIZE);
        memcpy(got + received, guest_at(&guest, BUF(i % SIZE)), n);
        received += n;
        assert_true(i < 1000);
    }
    assert_memory_equal(got, typed, sizeof(typed));
}

static void a_kick_is_asked_for_when_input_waits(void **state)
{
    (void)state;
    drive(ALL);
    *ring_avail_event(&rings[RX]) = 0x1234;
    rig_type("a", 1);
    virtio_console_input(&console);
    assert_int_equal(*ring_avail_event(&rings[RX]), 0);
    drive(VERSION_1);
    virtio_console_input(&console);
    assert_int_equal(ring_used(&rings[RX])->flags, 0);
}

static void c5_emergency_write_is_not_offered(void **state)
{
    (void)state;
    assert_int_equal(reg_read(&region, VIRTIO_MMIO_DEVICE_FEATURES) >> 2 & 1, 0);
    struct virtio_console_config before = console.config;
    for (uint64_t offset = CONFIG; offset < CONFIG + 64; offset++) {
        region.write(&console, offset, 4, 'E');
    }
    drive(ALL);
    region.write(&console, CONFIG + 8, 4, 'E');
    assert_memory_equal(&before, &console.config, sizeof(before));
    assert_int_equal(serial_queue_length(&rig.tx), 0);
}

static void c6_c7_there_are_no_control_queues_and_other_ports(void **state)
{
    (void)state;
    assert_int_equal(driver_negotiate(&region, ALL | 2), 3); /* MULTIPORT */
    drive(ALL);
    for (unsigned i = 2; i < 8; i++) {
        reg_write(&region, VIRTIO_MMIO_QUEUE_SEL, i);
        assert_int_equal(reg_read(&region, VIRTIO_MMIO_QUEUE_NUM_MAX), 0);
        kick(i);
    }
    assert_works_after_reset();
}

static void c8_every_byte_passes_unchanged(void **state)
{
    (void)state;
    drive(ALL);
    for (unsigned i = 0; i < 256; i++) {
        ((uint8_t *)guest_at(&guest, BUF(0)))[i] = (uint8_t)i;
    }
    buffer(BUF(0) + 256, "\x1c"
                         "1\r@2\r\\@\x1b[31m\x1b]0;x\a");
    ring_set(&rings[TX], 0, BUF(0), 276, 0, 0);
    ring_offer(&rings[TX], 0);
    kick(TX);
    for (unsigned i = 0; i < 10; i++) {
        print();
    }
    assert_int_equal(num_printed, 276);
    assert_memory_equal(printed, guest_at(&guest, BUF(0)), 276);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_introduces_itself),
        TEST(the_first_output_points_to_the_window_size),
        TEST(output_in_one_batch),
        TEST(no_interrupt_for_a_buffer_that_was_seen),
        TEST(an_interrupt_comes_late_but_comes),
        TEST(input_fills_posted_buffers),
        TEST(input_before_the_driver_is_kept),
        TEST(c2_output_longer_than_the_serial_queue),
        TEST(c3_flood_is_bounded_and_batched),
        TEST(c4_input_without_buffers_waits),
        TEST(a_kick_is_asked_for_when_input_waits),
        TEST(c5_emergency_write_is_not_offered),
        TEST(c6_c7_there_are_no_control_queues_and_other_ports),
        TEST(c8_every_byte_passes_unchanged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
