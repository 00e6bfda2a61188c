/* SPDX-License-Identifier: BSD-2-Clause */
/* Rows T of the bad-input catalogue on the block device: above all, resets that have to wait. */
#include "tests/unit/vmm/devices/block/virtio_block_rig.h"

#include <stdlib.h>

static void t9_requests_before_driver_ok(void **state)
{
    (void)state;
    assert_int_equal(driver_negotiate(&region, ALL), 11);
    ring_create(&ring, &guest, 0, SIZE);
    assert_int_equal(driver_place(&region, 0, &ring), 1);
    submit(0, IN, 0, BUF(0), 4096);
    kick();
    nothing_was_sent();
    driver_ok(&region);
    server_serve();
    expect(0, OK, 4097);
}

static void t27_reset_waits_for_the_server(void **state)
{
    static uint8_t before[DISK_BYTES];
    (void)state;
    for (unsigned how = 0; how < 3; how++) {
        start_some();
        if (how == 1) {
            reg_write(&region, VIRTIO_MMIO_STATUS, 0x8f); /* FAILED before */
        } else if (how == 2) {
            ring_offer(&ring, SIZE); /* NEEDS_RESET before */
            kick();
        }
        reg_write(&region, VIRTIO_MMIO_STATUS, 0);
        assert_int_not_equal(reg_read(&region, VIRTIO_MMIO_STATUS), 0);
        assert_true(virtio_mmio_waits(&block.device)); /* the VMM holds the vCPU now */
        reg_write(&region, VIRTIO_MMIO_STATUS, 1);
        kick();
        snapshot();
        guest_allow(&guest, BUF(0), 4096); /* the server still may, until it has answered */
        memcpy(before, disk, DISK_BYTES);
        assert_false(virtio_mmio_reset(&block.device)); /* as at a reboot */
        while (num_taken > 0) {
            assert_false(virtio_mmio_is_reset(&block.device));
            server_answer(num_taken - 1);
            server_notify();
        }
        assert_true(virtio_mmio_is_reset(&block.device));
        assert_false(virtio_mmio_waits(&block.device));
        assert_int_equal(reg_read(&region, VIRTIO_MMIO_STATUS), 0);
        assert_int_equal(server_take(), 0); /* no second half of the write */
        assert_memory_equal(before, disk, DISK_BYTES);
        ring_assert_nothing_used(&ring);
        assert_false(guest.irq_level);
        guest_assert_untouched(&guest);
        assert_works_after_reset();
    }
    assert_int_equal(block.num_waits, 3);
}

static void t27_the_server_never_answers(void **state)
{
    (void)state;
    start_some();
    log_lines = 0;
    reg_write(&region, VIRTIO_MMIO_STATUS, 0);
    assert_int_equal(log_lines, 1);
    assert_non_null(strstr(log_last, "stopped with 3 requests at the disk"));
    for (unsigned i = 0; i < 1000; i++) {
        server_notify();
        assert_true(virtio_mmio_waits(&block.device));
        assert_false(virtio_mmio_reset(&block.device));
    }
    assert_int_equal(log_lines, 1);
}

static void t19_queue_stopped_with_requests_in_flight(void **state)
{
    (void)state;
    start_some();
    reg_write(&region, VIRTIO_MMIO_QUEUE_SEL, 0);
    reg_write(&region, VIRTIO_MMIO_QUEUE_READY, 0);
    assert_int_equal(reg_read(&region, VIRTIO_MMIO_QUEUE_READY), 1);
    assert_true(virtio_mmio_waits(&block.device));
    snapshot();
    guest_allow(&guest, BUF(0), 4096);
    server_serve();
    assert_int_equal(reg_read(&region, VIRTIO_MMIO_QUEUE_READY), 0);
    assert_false(virtio_mmio_waits(&block.device));
    ring_assert_nothing_used(&ring);
    guest_assert_untouched(&guest);
    assert_works_after_reset();
}

static void t28_resets_at_random_points(void **state)
{
    (void)state;
    srand(28);
    for (unsigned i = 0; i < 100000; i++) {
        drive(ALL);
        for (unsigned n = 0; n < 20; n++) {
            submit(n, rand() % 2 ? IN : OUT, (uint64_t)rand() % 500, BUF(rand() % 30),
                   rand() % 3 ? 512 : 4096);
        }
        kick();
        for (int steps = rand() % 30; steps > 0 && server_take() > 0; steps--) {
            server_answer((unsigned)rand() % num_taken);
            server_notify();
        }
        reg_write(&region, VIRTIO_MMIO_STATUS, 0);
        while (server_take() > 0) {
            server_answer((unsigned)rand() % num_taken);
            server_notify();
        }
        assert_int_equal(reg_read(&region, VIRTIO_MMIO_STATUS), 0);
    }
    assert_true(log_lines <= 17); /* powers of two */
    assert_works_after_reset();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(t9_requests_before_driver_ok), TEST(t27_reset_waits_for_the_server),
        TEST(t27_the_server_never_answers), TEST(t19_queue_stopped_with_requests_in_flight),
        TEST(t28_resets_at_random_points),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
