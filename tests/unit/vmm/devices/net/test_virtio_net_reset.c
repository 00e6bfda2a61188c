/* SPDX-License-Identifier: BSD-2-Clause */
/* Rows T of the bad-input catalogue on the network card: above all, resets that wait for the
 * switch.
 */
#include "tests/unit/vmm/devices/net/virtio_net_rig.h"

#include <stdlib.h>

static const struct virtio_net_hdr_v1 plain = { 0 };
static uint8_t frame[1000];

/* Buffers posted, a frame under way, a switch that has seen both and then falls asleep. */
static void start_some(void)
{
    drive(ALL);
    for (unsigned n = 0; n < 8; n++) {
        post(n, BUF(n), 2048);
    }
    send_plain(0, BUF(20), 60);
    kick(RX);
    kick(TX);
    assert_int_equal(num_sents, 1);
    assert_int_equal(num_posteds, 8);
    switch_is_slow = true;
}

static void t9_kicks_before_driver_ok(void **state)
{
    (void)state;
    assert_int_equal(driver_negotiate(&region, ALL), 11);
    for (unsigned i = 0; i < VIRTIO_NET_NUM_QUEUES; i++) {
        ring_create(&rings[i], &guest, i, SIZE);
        assert_int_equal(driver_place(&region, i, &rings[i]), 1);
    }
    send_plain(0, BUF(0), 60);
    post(0, BUF(1), 2048);
    *(uint8_t *)guest_at(&guest, CTRL_GPA) = 99;
    ring_set(&rings[CTRL], 0, CTRL_GPA, 2, NEXT, 1);
    ring_set(&rings[CTRL], 1, CTRL_GPA + 2, 1, WRITE, 0);
    ring_offer(&rings[CTRL], 0);
    snapshot();
    for (unsigned i = 0; i < VIRTIO_NET_NUM_QUEUES; i++) {
        kick(i);
    }
    assert_int_equal(notified, 0);
    guest_assert_untouched(&guest);
    driver_ok(&region);
    assert_int_equal(notified, 1); /* open, and with it all that was there */
    assert_int_equal(num_sents, 1);
    assert_int_equal(num_posteds, 1);
    assert_int_equal(ring_take_used(&rings[CTRL], 0), 1);
}

static void reset_at_once_with_a_quick_switch(void **state)
{
    (void)state;
    start_some();
    switch_is_slow = false;
    reg_write(&region, VIRTIO_MMIO_STATUS, 0);
    assert_int_equal(reg_read(&region, VIRTIO_MMIO_STATUS), 0);
    assert_false(virtio_mmio_waits(&net.device));
    assert_int_equal(net.num_waits, 0);
    assert_works_after_reset();
}

static void t27_reset_waits_for_the_switch(void **state)
{
    (void)state;
    for (unsigned how = 0; how < 3; how++) {
        start_some();
        if (how == 1) {
            reg_write(&region, VIRTIO_MMIO_STATUS, 0x8f); /* FAILED before */
        } else if (how == 2) {
            ring_offer(&rings[TX], SIZE); /* NEEDS_RESET before */
            kick(TX);
        }
        reg_write(&region, VIRTIO_MMIO_STATUS, 0);
        assert_int_not_equal(reg_read(&region, VIRTIO_MMIO_STATUS), 0);
        assert_true(virtio_mmio_waits(&net.device)); /* the VMM holds the vCPU now */
        reg_write(&region, VIRTIO_MMIO_STATUS, 1);
        kick(TX);
        snapshot();
        guest_allow(&guest, BUF(0), sizeof(frame) + 12); /* the switch still may */
        assert_true(switch_deliver(&plain, frame, sizeof(frame)));
        switch_done(0);
        virtio_net_notified(&net);
        assert_false(virtio_mmio_reset(&net.device)); /* as at a reboot */
        assert_false(virtio_mmio_is_reset(&net.device));
        switch_answer();
        assert_false(virtio_mmio_is_reset(&net.device));
        virtio_net_notified(&net);
        assert_true(virtio_mmio_is_reset(&net.device));
        assert_false(virtio_mmio_waits(&net.device));
        assert_int_equal(reg_read(&region, VIRTIO_MMIO_STATUS), 0);
        ring_assert_nothing_used(&rings[RX]);
        ring_assert_nothing_used(&rings[TX]);
        assert_false(guest.irq_level);
        guest_assert_untouched(&guest);
        assert_works_after_reset();
    }
    assert_int_equal(net.num_waits, 3);
}

static void t27_the_switch_never_answers(void **state)
{
    (void)state;
    start_some();
    log_lines = 0;
    reg_write(&region, VIRTIO_MMIO_STATUS, 0);
    assert_int_equal(log_lines, 1);
    assert_non_null(strstr(log_last, "waits for the switch to close its port"));
    for (unsigned i = 0; i < 1000; i++) {
        virtio_net_notified(&net);
        assert_true(virtio_mmio_waits(&net.device));
        assert_false(virtio_mmio_reset(&net.device));
    }
    assert_int_equal(log_lines, 1);
}

static void t19_a_queue_is_stopped_while_frames_are_under_way(void **state)
{
    (void)state;
    for (unsigned index = 0; index < VIRTIO_NET_NUM_QUEUES; index++) {
        start_some();
        reg_write(&region, VIRTIO_MMIO_QUEUE_SEL, index);
        reg_write(&region, VIRTIO_MMIO_QUEUE_READY, 0);
        assert_int_equal(reg_read(&region, VIRTIO_MMIO_QUEUE_READY), index != CTRL);
        assert_int_equal(virtio_mmio_waits(&net.device), index != CTRL);
        if (index != CTRL) {
            snapshot();
            switch_answer();
            virtio_net_notified(&net);
            assert_int_equal(reg_read(&region, VIRTIO_MMIO_QUEUE_READY), 0);
            assert_false(virtio_mmio_waits(&net.device));
            kick(RX + TX - index); /* the other one has nowhere to go */
            virtio_net_notified(&net);
            ring_assert_nothing_used(&rings[index]);
            guest_assert_untouched(&guest);
        }
        switch_is_slow = false;
        assert_works_after_reset();
    }
}

static void t26_a_driver_that_has_failed(void **state)
{
    (void)state;
    start_some();
    reg_write(&region, VIRTIO_MMIO_STATUS, 0x8f);
    snapshot();
    guest_allow(&guest, BUF(0), sizeof(frame) + 12);
    switch_is_slow = false;
    assert_true(switch_deliver(&plain, frame, sizeof(frame)));
    switch_signal(); /* the next event closes the port */
    assert_false(switch_is_open());
    assert_false(guest.irq_level);
    guest_assert_untouched(&guest);
    assert_works_after_reset();
}

/* One thing that a guest or the switch may do next. */
static void any_step(void)
{
    unsigned n = (unsigned)rand() % 20;
    switch (rand() % 6) {
    case 0:
        if (ring_used(&rings[TX])->idx == rings[TX].avail_idx) {
            send_plain(n, BUF(n), 60);
        }
        kick(TX);
        break;
    case 1:
        if (rings[RX].avail_idx < 20) {
            post(rings[RX].avail_idx, BUF(n), 2048);
        }
        kick(RX);
        break;
    case 2:
        switch_serve();
        break;
    case 3:
        switch_take();
        if (num_sents > 0) {
            switch_done((unsigned)rand() % num_sents);
        }
        break;
    case 4:
        switch_deliver(&plain, frame, (uint32_t)rand() % sizeof(frame));
        break;
    default:
        switch_signal();
        break;
    }
}

static void t28_resets_at_random_points(void **state)
{
    (void)state;
    srand(28);
    for (unsigned i = 0; i < 100000; i++) {
        switch_is_slow = rand() % 2;
        assert_int_equal(driver_negotiate(&region, ALL), 11);
        for (unsigned q = 0; q < 2; q++) {
            ring_create(&rings[q], &guest, q, 64);
            assert_int_equal(driver_place(&region, q, &rings[q]), 1);
        }
        driver_ok(&region);
        for (int steps = rand() % 12; steps > 0; steps--) {
            any_step();
        }
        reg_write(&region, VIRTIO_MMIO_STATUS, 0);
        if (reg_read(&region, VIRTIO_MMIO_STATUS) != 0) {
            switch_answer();
            switch_signal();
        }
        assert_int_equal(reg_read(&region, VIRTIO_MMIO_STATUS), 0);
        assert_false(switch_is_open());
        assert_false(guest.irq_level);
    }
    assert_true(log_lines <= 17); /* powers of two */
    assert_true(net.num_waits > 10000);
    assert_int_equal(net.device.guest_errors, 0);
    assert_int_equal(net.dropped, 0);
    assert_works_after_reset();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(t9_kicks_before_driver_ok),
        TEST(reset_at_once_with_a_quick_switch),
        TEST(t27_reset_waits_for_the_switch),
        TEST(t27_the_switch_never_answers),
        TEST(t19_a_queue_is_stopped_while_frames_are_under_way),
        TEST(t26_a_driver_that_has_failed),
        TEST(t28_resets_at_random_points),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
