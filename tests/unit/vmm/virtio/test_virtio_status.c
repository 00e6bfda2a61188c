/* SPDX-License-Identifier: BSD-2-Clause */
/* Rows T of the bad-input catalogue on the transport: features, status, resets, interrupts. */
#include "tests/unit/vmm/virtio/virtio_toy.h"

#include <stdlib.h>
#include <string.h>

/* ---- Features --------------------------------------------------------------------------------*/

static void t21_feature_selectors_out_of_range(void **state)
{
    static const uint32_t bad[] = { 2, 3, 31, 32, 63, 64, 0x80000000u, 0xffffffffu };
    (void)state;
    reg_write(&region, VIRTIO_MMIO_STATUS, 1);
    reg_write(&region, VIRTIO_MMIO_STATUS, 3);
    for (unsigned i = 0; i < sizeof(bad) / 4; i++) {
        reg_write(&region, VIRTIO_MMIO_DEVICE_FEATURES_SEL, bad[i]);
        assert_int_equal(reg_read(&region, VIRTIO_MMIO_DEVICE_FEATURES), 0);
        reg_write(&region, VIRTIO_MMIO_DRIVER_FEATURES_SEL, bad[i]);
        reg_write(&region, VIRTIO_MMIO_DRIVER_FEATURES, 0xffffffff);
    }
    assert_int_equal(toy.device.driver_features, 0);
}

static void t22_t23_t24_features_that_are_refused(void **state)
{
    (void)state;
    for (unsigned bit = 0; bit < 64; bit++) { /* T22: not offered */
        bool is_offered = bit == 0 || bit == VIRTIO_RING_F_EVENT_IDX || bit == VIRTIO_F_VERSION_1 ||
                          bit == VIRTIO_RING_F_INDIRECT_DESC;
        assert_int_equal(driver_negotiate(&region, VERSION_1 | VIRTIO_FEATURE(bit)),
                         is_offered ? 11 : 3);
    }
    assert_int_equal(driver_negotiate(&region, VERSION_1 | FEATURE_B), 3); /* T23: without A */
    assert_int_equal(driver_negotiate(&region, VERSION_1 | FEATURE_B | FEATURE_A), 11);
    assert_int_equal(driver_negotiate(&region, FEATURE_A), 3); /* T24 */
    assert_int_equal(driver_negotiate(&region, 0), 3);
    assert_false(virtio_mmio_has_feature(&toy.device, 0));
    /* A driver may try again with less. */
    reg_write(&region, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
    reg_write(&region, VIRTIO_MMIO_DRIVER_FEATURES, VERSION_1 >> 32);
    reg_write(&region, VIRTIO_MMIO_STATUS, 11);
    assert_int_equal(reg_read(&region, VIRTIO_MMIO_STATUS), 11);
    assert_works_after_reset();
}

static void t25_features_are_fixed_once_agreed(void **state)
{
    (void)state;
    driver_negotiate(&region, VERSION_1);
    reg_write(&region, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0);
    reg_write(&region, VIRTIO_MMIO_DRIVER_FEATURES, 0xffffffff);
    assert_int_equal(toy.device.driver_features, VERSION_1);
    assert_false(virtio_mmio_has_feature(&toy.device, 0));
    driver_ok(&region);
    reg_write(&region, VIRTIO_MMIO_DRIVER_FEATURES, 0xffffffff);
    assert_int_equal(toy.device.driver_features, VERSION_1);
}

/* ---- Status ----------------------------------------------------------------------------------*/

static void put_status(uint32_t wanted)
{
    static const uint32_t steps[] = { 1, 3, 11, 15 };
    reg_write(&region, VIRTIO_MMIO_STATUS, 0);
    for (unsigned i = 0; i < 4 && reg_read(&region, VIRTIO_MMIO_STATUS) != (wanted & 0x7f); i++) {
        reg_write(&region, VIRTIO_MMIO_STATUS, steps[i]);
        if (steps[i] == 3) {
            reg_write(&region, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
            reg_write(&region, VIRTIO_MMIO_DRIVER_FEATURES, VERSION_1 >> 32);
        }
    }
    if ((wanted & 0x80) != 0) {
        reg_write(&region, VIRTIO_MMIO_STATUS, wanted);
    }
    assert_int_equal(reg_read(&region, VIRTIO_MMIO_STATUS), wanted);
}

static void t26_every_transition(void **state)
{
    static const uint32_t states[] = { 0, 1, 3, 11, 15, 0x80, 0x81, 0x83, 0x8b, 0x8f };
    (void)state;
    for (unsigned s = 0; s < sizeof(states) / 4; s++) {
        uint32_t from = states[s];
        for (uint32_t to = 0; to < 0x200; to++) {
            bool next = (from == 0 && to == 1) || (from == 1 && to == 3) ||
                        (from == 3 && to == 11) || (from == 11 && to == 15);
            bool fails = (from & 0x80) == 0 && to == (from | 0x80);
            /* The device's own bit 6 does not count in what the driver writes. */
            bool echoed = (to & 0x40) != 0;
            put_status(from);
            reg_write(&region, VIRTIO_MMIO_STATUS, to);
            if (!echoed) {
                assert_int_equal(reg_read(&region, VIRTIO_MMIO_STATUS),
                                 to == 0 || next || fails ? to : from);
            } else {
                assert_int_equal(reg_read(&region, VIRTIO_MMIO_STATUS) & 0x40, 0);
            }
        }
        put_status(from);
        reg_write(&region, VIRTIO_MMIO_STATUS, 0xffffff0f);
        assert_int_equal(reg_read(&region, VIRTIO_MMIO_STATUS), from);
    }
}

static void t26_failed_stops_the_device(void **state)
{
    (void)state;
    drive(VERSION_1);
    ring_offer(&rings[0], 0);
    reg_write(&region, VIRTIO_MMIO_STATUS, 0x8f);
    kick(0);
    virtio_mmio_config_changed(&toy.device);
    assert_int_equal(toy.kicks[0], 0);
    ring_assert_nothing_used(&rings[0]);
    assert_false(guest.irq_level);
    assert_works_after_reset();
}

/* The driver breaks the protocol in queue 1. */
static void break_protocol(void)
{
    ring_offer(&rings[1], 99);
    kick(1);
}

static void needs_reset_says_so_once_and_touches_no_queue(void **state)
{
    (void)state;
    drive(VERSION_1);
    toy.hold = true;
    ring_offer(&rings[0], 0);
    kick(0);
    break_protocol();
    virtq_push(&toy.queues[0], &toy.held, 0); /* completed too late */
    assert_int_equal(reg_read(&region, VIRTIO_MMIO_STATUS), 0x4f);
    assert_int_equal(reg_read(&region, VIRTIO_MMIO_INTERRUPT_STATUS), VIRTIO_MMIO_INT_CONFIG);
    assert_true(guest.irq_level);
    assert_int_equal(toy.device.guest_errors, 1); /* O7 */
    assert_int_equal(log_lines, 1);
    assert_non_null(strstr(log_last, "toy0: a head lies outside"));
    ring_offer(&rings[0], 0); /* the other queue stops too */
    kick(0);
    kick(1);
    ring_assert_nothing_used(&rings[0]);
    ring_assert_nothing_used(&rings[1]);
    reg_write(&region, VIRTIO_MMIO_STATUS, 0x4f); /* a driver that writes back what it read */
    assert_int_equal(reg_read(&region, VIRTIO_MMIO_STATUS), 0x4f);
    virtio_mmio_fail(&toy.device, "again");
    assert_int_equal(log_lines, 1);
    guest_assert_untouched(&guest);
    assert_works_after_reset();
    for (unsigned i = 0; i < 1000; i++) { /* a guest does not flood the log */
        drive(VERSION_1);
        break_protocol();
    }
    assert_int_equal(toy.device.guest_errors, 1001);
    assert_true(log_lines <= 10);
    reg_write(&region, VIRTIO_MMIO_STATUS, 0xcf); /* FAILED on top */
    assert_int_equal(reg_read(&region, VIRTIO_MMIO_STATUS), 0xcf);
    assert_works_after_reset();
}

static void t27_reset_waits_for_requests_in_flight(void **state)
{
    (void)state;
    drive(VERSION_1);
    toy.hold = true;
    toy.is_busy = true;
    ring_offer(&rings[0], 0);
    kick(0);
    virtio_mmio_config_changed(&toy.device); /* an interrupt is pending */
    reg_write(&region, VIRTIO_MMIO_STATUS, 0);
    assert_int_equal(reg_read(&region, VIRTIO_MMIO_STATUS), 15);
    assert_false(virtio_mmio_is_reset(&toy.device));
    assert_false(guest.irq_level);
    /* Whatever comes meanwhile has no effect. */
    virtq_push(&toy.queues[0], &toy.held, 0);
    virtio_mmio_finish(&toy.device, 0, VIRTQ_YIELD);
    virtio_mmio_poll(&toy.device);
    virtio_mmio_config_changed(&toy.device);
    virtio_mmio_fail(&toy.device, "late");
    reg_write(&region, VIRTIO_MMIO_STATUS, 0);
    reg_write(&region, VIRTIO_MMIO_STATUS, 1);
    reg_write(&region, VIRTIO_MMIO_STATUS, 0x8f);
    region.write(&toy, CONFIG + 4, 1, 0x99);
    assert_int_equal(toy.config[4], 5);
    kick(0);
    assert_false(virtio_mmio_reset(&toy.device));
    assert_int_equal(toy.resets, 2); /* one of drive(), one of ours */
    assert_int_equal(reg_read(&region, VIRTIO_MMIO_STATUS), 15);
    ring_assert_nothing_used(&rings[0]);
    assert_false(guest.irq_level);
    guest_assert_untouched(&guest);
    virtio_mmio_quiescent(&toy.device);
    assert_int_equal(reg_read(&region, VIRTIO_MMIO_STATUS), 0);
    assert_true(virtio_mmio_is_reset(&toy.device));
    virtq_push(&toy.queues[0], &toy.held, 0);
    ring_assert_nothing_used(&rings[0]);
    assert_works_after_reset();
}

static void t28_many_resets_at_random_points(void **state)
{
    (void)state;
    srand(1);
    for (unsigned i = 0; i < 100000; i++) {
        int stop = rand() % 6;
        reg_write(&region, VIRTIO_MMIO_STATUS, 0);
        if (stop > 0) {
            driver_negotiate(&region, VERSION_1 | (i % 2 ? EVENT_IDX : 0));
        }
        for (unsigned n = 0; stop > 1 && n < NUM_QUEUES; n++) {
            ring_create(&rings[n], &guest, n, 16);
            ring_set(&rings[n], 0, BUFFERS_GPA, 16, 0, 0);
            driver_place(&region, n, &rings[n]);
        }
        if (stop > 2) {
            driver_ok(&region);
        }
        toy.hold = stop == 4;
        if (stop > 3) {
            ring_offer(&rings[0], 0);
            kick(0);
        }
    }
    assert_int_equal(toy.device.guest_errors, 0);
    assert_works_after_reset();
}

static void t19_queue_stopped_with_requests_in_flight(void **state)
{
    (void)state;
    drive(VERSION_1);
    toy.hold = true;
    toy.is_busy = true;
    ring_offer(&rings[0], 0);
    kick(0);
    reg_write(&region, VIRTIO_MMIO_QUEUE_SEL, 0);
    reg_write(&region, VIRTIO_MMIO_QUEUE_READY, 0);
    /* Not 0 before the device has let go of guest memory. */
    assert_int_equal(reg_read(&region, VIRTIO_MMIO_QUEUE_READY), 1);
    virtio_mmio_quiescent(&toy.device);
    assert_int_equal(reg_read(&region, VIRTIO_MMIO_QUEUE_READY), 0);
    assert_int_equal(reg_read(&region, VIRTIO_MMIO_STATUS), 15);
    ring_create(&rings[0], &guest, 0, 16);
    guest_snapshot(&guest);
    assert_int_equal(driver_place(&region, 0, &rings[0]), 0); /* no RING_RESET: not again */
    virtq_push(&toy.queues[0], &toy.held, 0);                 /* the late completion */
    virtio_mmio_finish(&toy.device, 0, VIRTQ_EMPTY);
    kick(0);
    ring_assert_nothing_used(&rings[0]);
    assert_false(guest.irq_level);
    guest_assert_untouched(&guest);
    assert_works_after_reset();
}

/* ---- Interrupts, configuration, the rest -----------------------------------------------------*/

static void t29_acknowledgements(void **state)
{
    (void)state;
    drive(VERSION_1);
    ring_offer(&rings[0], 0);
    kick(0);
    virtio_mmio_config_changed(&toy.device);
    assert_int_equal(reg_read(&region, VIRTIO_MMIO_INTERRUPT_STATUS), 3);
    reg_write(&region, VIRTIO_MMIO_INTERRUPT_ACK, 0xfffffffc);
    assert_int_equal(reg_read(&region, VIRTIO_MMIO_INTERRUPT_STATUS), 3);
    reg_write(&region, VIRTIO_MMIO_INTERRUPT_ACK, 1);
    assert_int_equal(reg_read(&region, VIRTIO_MMIO_INTERRUPT_STATUS), 2);
    assert_true(guest.irq_level); /* the other cause holds it */
    /* A new event between the read of the status and its acknowledgement stays visible. */
    ring_take_used(&rings[0], 0);
    ring_offer(&rings[0], 0);
    kick(0);
    reg_write(&region, VIRTIO_MMIO_INTERRUPT_ACK, 2);
    assert_true(guest.irq_level);
    assert_int_equal(reg_read(&region, VIRTIO_MMIO_INTERRUPT_STATUS), 1);
    reg_write(&region, VIRTIO_MMIO_INTERRUPT_ACK, 0xffffffff);
    assert_false(guest.irq_level);
    reg_write(&region, VIRTIO_MMIO_INTERRUPT_ACK, 3);
    assert_false(guest.irq_level);
}

static void t30_config_generation(void **state)
{
    (void)state;
    uint32_t before = reg_read(&region, VIRTIO_MMIO_CONFIG_GENERATION);
    virtio_mmio_config_changed(&toy.device);
    assert_int_not_equal(reg_read(&region, VIRTIO_MMIO_CONFIG_GENERATION), before);
    assert_false(guest.irq_level); /* no driver to tell */
    drive(VERSION_1);
    before = reg_read(&region, VIRTIO_MMIO_CONFIG_GENERATION);
    assert_int_equal(reg_read(&region, VIRTIO_MMIO_CONFIG_GENERATION), before);
    virtio_mmio_config_changed(&toy.device);
    assert_int_not_equal(reg_read(&region, VIRTIO_MMIO_CONFIG_GENERATION), before);
    assert_int_equal(reg_read(&region, VIRTIO_MMIO_INTERRUPT_STATUS), VIRTIO_MMIO_INT_CONFIG);
}

static void reset_in_the_middle(const void *at, unsigned bytes)
{
    (void)at;
    (void)bytes;
    guest_race = NULL;
    reg_write(&region, VIRTIO_MMIO_STATUS, 0);
}

static void t34_reset_while_a_queue_is_served(void **state)
{
    (void)state;
    /* Accesses are serialised by the VMM; should one ever come in the middle, nothing is used. */
    drive(VERSION_1);
    ring_offer(&rings[0], 0);
    ring_offer(&rings[0], 1);
    ring_set(&rings[0], 1, BUFFERS_GPA, 16, 0, 0);
    kick(0);
    ring_take_used(&rings[0], 0);
    ring_take_used(&rings[0], 1);
    reg_write(&region, VIRTIO_MMIO_INTERRUPT_ACK, 1);
    ring_offer(&rings[0], 0);
    guest_race = reset_in_the_middle;
    kick(0);
    assert_int_equal(reg_read(&region, VIRTIO_MMIO_STATUS), 0);
    ring_assert_nothing_used(&rings[0]);
    assert_false(guest.irq_level);
    kick(0);
    ring_assert_nothing_used(&rings[0]);
    assert_works_after_reset();
}

static void add_more(const void *at, unsigned bytes)
{
    (void)bytes;
    if (at == &ring_avail(&rings[0])->idx) {
        ring_offer(&rings[0], rings[0].avail_idx % 16);
    }
}

static void q6_a_queue_that_yields_is_polled(void **state)
{
    (void)state;
    drive(VERSION_1 | EVENT_IDX);
    for (unsigned i = 0; i < 16; i++) {
        ring_set(&rings[0], i, BUFFERS_GPA, 16, 0, 0);
    }
    ring_offer(&rings[0], 0);
    guest_race = add_more;
    kick(0);
    assert_int_equal(ring_used(&rings[0])->idx, 16);
    assert_true(virtio_mmio_poll(&toy.device));
    assert_int_equal(ring_used(&rings[0])->idx, 32);
    guest_race = NULL;
    assert_false(virtio_mmio_poll(&toy.device)); /* no kick needed to see the rest */
    assert_int_equal(ring_used(&rings[0])->idx, rings[0].avail_idx);
    assert_int_equal(toy.kicks[0], 3);
    assert_false(virtio_mmio_poll(&toy.device));
    assert_int_equal(toy.kicks[0], 3);
}

static void guest_reboot(void **state)
{
    (void)state;
    drive(VERSION_1);
    ring_offer(&rings[0], 0);
    kick(0);
    assert_true(guest.irq_level);
    assert_true(virtio_mmio_reset(&toy.device));
    assert_false(guest.irq_level);
    assert_int_equal(reg_read(&region, VIRTIO_MMIO_STATUS), 0);
    assert_int_equal(reg_read(&region, VIRTIO_MMIO_QUEUE_READY), 0);
    assert_works_after_reset();
}

int main(void)
{
    const struct CMUnitTest tests[] = { TEST(t21_feature_selectors_out_of_range),
                                        TEST(t22_t23_t24_features_that_are_refused),
                                        TEST(t25_features_are_fixed_once_agreed),
                                        TEST(t26_every_transition),
                                        TEST(t26_failed_stops_the_device),
                                        TEST(needs_reset_says_so_once_and_touches_no_queue),
                                        TEST(t27_reset_waits_for_requests_in_flight),
                                        TEST(t28_many_resets_at_random_points),
                                        TEST(t19_queue_stopped_with_requests_in_flight),
                                        TEST(t29_acknowledgements),
                                        TEST(t30_config_generation),
                                        TEST(t34_reset_while_a_queue_is_served),
                                        TEST(q6_a_queue_that_yields_is_polled),
                                        TEST(guest_reboot) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
