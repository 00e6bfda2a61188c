/* SPDX-License-Identifier: BSD-2-Clause */
/* Rows T of the bad-input catalogue on the transport: registers and the placement of queues. */
#include "tests/unit/vmm/virtio/virtio_toy.h"

#include <stdlib.h>
#include <string.h>

#define QUEUE_RESET 0x0c0 /* of VIRTIO_F_RING_RESET */

static void it_introduces_itself(void **state)
{
    (void)state;
    assert_int_equal(reg_read(&region, VIRTIO_MMIO_MAGIC_VALUE), 0x74726976);
    assert_int_equal(reg_read(&region, VIRTIO_MMIO_VERSION), 2);
    assert_int_equal(reg_read(&region, VIRTIO_MMIO_DEVICE_ID), 42);
    assert_int_equal(reg_read(&region, VIRTIO_MMIO_VENDOR_ID), VIRTIO_MMIO_VENDOR);
    assert_int_equal(reg_read(&region, VIRTIO_MMIO_STATUS), 0);
    assert_int_equal(reg_read(&region, VIRTIO_MMIO_DEVICE_FEATURES),
                     FEATURE_A | FEATURE_B | EVENT_IDX | INDIRECT_F);
    reg_write(&region, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);
    assert_int_equal(reg_read(&region, VIRTIO_MMIO_DEVICE_FEATURES), VERSION_1 >> 32);
    assert_works_after_reset();
    assert_int_equal(toy.starts, 1);
}

/* ---- Registers -------------------------------------------------------------------------------*/

static void t1_other_widths_and_unaligned_accesses(void **state)
{
    static const unsigned widths[] = { 1, 2, 4, 8 };
    (void)state;
    drive(VERSION_1);
    struct virtio_device before = toy.device;
    for (uint64_t offset = 0; offset < CONFIG; offset++) {
        for (unsigned w = 0; w < 4; w++) {
            if (widths[w] != 4 || offset % 4 != 0) {
                assert_int_equal(region.read(&toy, offset, widths[w]), 0);
                region.write(&toy, offset, widths[w], 0);
                region.write(&toy, offset, widths[w], UINT64_MAX);
            }
        }
    }
    assert_memory_equal(&before, &toy.device, sizeof(before));
    assert_works_after_reset();
}

static void t2_write_to_read_only_and_read_of_write_only(void **state)
{
    static const uint32_t read_only[] = { VIRTIO_MMIO_MAGIC_VALUE,      VIRTIO_MMIO_VERSION,
                                          VIRTIO_MMIO_DEVICE_ID,        VIRTIO_MMIO_VENDOR_ID,
                                          VIRTIO_MMIO_DEVICE_FEATURES,  VIRTIO_MMIO_QUEUE_NUM_MAX,
                                          VIRTIO_MMIO_INTERRUPT_STATUS, VIRTIO_MMIO_SHM_LEN_LOW,
                                          VIRTIO_MMIO_CONFIG_GENERATION };
    static const uint32_t write_only[] = {
        VIRTIO_MMIO_DEVICE_FEATURES_SEL, VIRTIO_MMIO_DRIVER_FEATURES,
        VIRTIO_MMIO_DRIVER_FEATURES_SEL, VIRTIO_MMIO_QUEUE_SEL,
        VIRTIO_MMIO_QUEUE_NUM,           VIRTIO_MMIO_QUEUE_NOTIFY,
        VIRTIO_MMIO_INTERRUPT_ACK,       VIRTIO_MMIO_QUEUE_DESC_LOW,
        VIRTIO_MMIO_QUEUE_DESC_HIGH,     VIRTIO_MMIO_QUEUE_AVAIL_LOW,
        VIRTIO_MMIO_QUEUE_AVAIL_HIGH,    VIRTIO_MMIO_QUEUE_USED_LOW,
        VIRTIO_MMIO_QUEUE_USED_HIGH,
    };
    (void)state;
    drive(VERSION_1);
    struct virtio_device before = toy.device;
    for (unsigned i = 0; i < sizeof(read_only) / 4; i++) {
        uint32_t value = reg_read(&region, read_only[i]);
        reg_write(&region, read_only[i], ~value);
        assert_int_equal(reg_read(&region, read_only[i]), value);
    }
    for (unsigned i = 0; i < sizeof(write_only) / 4; i++) {
        assert_int_equal(reg_read(&region, write_only[i]), 0);
    }
    assert_memory_equal(&before, &toy.device, sizeof(before));
}

static void t3_reserved_offsets(void **state)
{
    static const uint32_t reserved[] = { 0x018, 0x01c, 0x028, 0x02c, 0x03c, 0x040, 0x048,
                                         0x04c, 0x054, 0x058, 0x05c, 0x068, 0x06c, 0x074,
                                         0x078, 0x07c, 0x088, 0x08c, 0x098, 0x09c, 0x0a8,
                                         0x0c4, 0x0d0, 0x0e0, 0x0f0, 0x0f8 };
    (void)state;
    drive(VERSION_1);
    struct virtio_device before = toy.device;
    for (unsigned i = 0; i < sizeof(reserved) / 4; i++) {
        assert_int_equal(reg_read(&region, reserved[i]), 0);
        reg_write(&region, reserved[i], 0xffffffff);
    }
    for (uint64_t offset = CONFIG + sizeof(toy.config); offset < 0x1000; offset++) {
        assert_int_equal(region.read(&toy, offset, 4), 0);
        region.write(&toy, offset, 8, UINT64_MAX);
    }
    assert_memory_equal(&before, &toy.device, sizeof(before));
    /* Nor while a queue may be placed. */
    assert_int_equal(driver_negotiate(&region, VERSION_1), 11);
    before = toy.device;
    for (unsigned i = 0; i < sizeof(reserved) / 4; i++) {
        reg_write(&region, reserved[i], 0xffffffff);
    }
    assert_memory_equal(&before, &toy.device, sizeof(before));
}

static void t4_config_reads_never_leave_it(void **state)
{
    (void)state;
    assert_int_equal(region.read(&toy, CONFIG, 1), 1);
    assert_int_equal(region.read(&toy, CONFIG + 1, 2), 0x0302);
    assert_int_equal(region.read(&toy, CONFIG, 8), 0x0807060504030201);
    assert_int_equal(region.read(&toy, CONFIG + 8, 8), 0x0c0b0a09);
    assert_int_equal(region.read(&toy, CONFIG + 11, 2), 0x0c);
    assert_int_equal(region.read(&toy, CONFIG + 11, 8), 0x0c);
    assert_int_equal(region.read(&toy, CONFIG + 12, 8), 0);
    assert_int_equal(region.read(&toy, 0xffc, 8), 0);
    assert_int_equal(region.read(&toy, 0xfff, 8), 0);
}

static void t5_config_writes_reach_only_writable_fields(void **state)
{
    static const uint8_t expected[12] = { 1, 2, 3, 4, 0xff, 6, 7, 8, 9, 10, 11, 12 };
    (void)state;
    for (uint64_t offset = CONFIG; offset < 0x1000; offset++) {
        for (unsigned bytes = 1; bytes <= 8; bytes *= 2) {
            region.write(&toy, offset, bytes, UINT64_MAX);
        }
    }
    assert_memory_equal(toy.config, expected, sizeof(expected));
}

static const uint32_t bad_queues[] = { NUM_QUEUES, NUM_QUEUES + 1, 0xffff, 0x80000000u,
                                       0xffffffffu };

static void t6_t7_queue_selector_out_of_range(void **state)
{
    (void)state;
    driver_negotiate(&region, VERSION_1);
    ring_create(&rings[0], &guest, 0, 16);
    struct virtq before[NUM_QUEUES];
    memcpy(before, toy.queues, sizeof(before));
    for (unsigned i = 0; i < sizeof(bad_queues) / 4; i++) {
        assert_int_equal(driver_place(&region, bad_queues[i], &rings[0]), 0);
        assert_int_equal(reg_read(&region, VIRTIO_MMIO_QUEUE_NUM_MAX), 0);
        assert_int_equal(reg_read(&region, VIRTIO_MMIO_QUEUE_READY), 0);
        reg_write(&region, VIRTIO_MMIO_QUEUE_READY, 0);
    }
    assert_memory_equal(before, toy.queues, sizeof(before));
    for (unsigned i = 0; i < NUM_QUEUES; i++) {
        assert_int_equal(toy.device.placement[i].size, 0);
        assert_int_equal(toy.device.placement[i].desc, 0);
    }
    reg_write(&region, VIRTIO_MMIO_QUEUE_SEL, 1);
    assert_int_equal(reg_read(&region, VIRTIO_MMIO_QUEUE_NUM_MAX), QUEUE_SIZE);
}

static void t8_notify_goes_by_its_data(void **state)
{
    (void)state;
    drive(VERSION_1);
    reg_write(&region, VIRTIO_MMIO_QUEUE_SEL, 0);
    for (unsigned i = 0; i < sizeof(bad_queues) / 4; i++) {
        kick(bad_queues[i]);
    }
    assert_int_equal(toy.kicks[0] + toy.kicks[1], 0);
    kick(1);
    assert_int_equal(toy.kicks[0], 0);
    assert_int_equal(toy.kicks[1], 1);
    reg_write(&region, VIRTIO_MMIO_QUEUE_SEL, 0xffffffff);
    kick(0);
    assert_int_equal(toy.kicks[0], 1);
}

static void t9_notify_too_early(void **state)
{
    (void)state;
    kick(0);
    driver_negotiate(&region, VERSION_1);
    kick(0);
    ring_create(&rings[0], &guest, 0, 16);
    driver_place(&region, 0, &rings[0]);
    ring_offer(&rings[0], 0);
    guest_snapshot(&guest);
    guest_loads = 0;
    kick(0);
    driver_ok(&region);
    kick(1); /* not ready */
    assert_int_equal(toy.kicks[0] + toy.kicks[1], 0);
    assert_int_equal(guest_loads, 0);
    guest_assert_untouched(&guest);
}

static uint32_t try_layout(struct virtq_layout layout)
{
    struct ring ring = { .guest = &guest, .at = layout };
    uint32_t ready = driver_place(&region, 0, &ring);
    reg_write(&region, VIRTIO_MMIO_QUEUE_READY, 0);
    return ready;
}

static void t10_to_t17_queues_that_do_not_become_ready(void **state)
{
    static const uint32_t sizes[] = { 0, 3, 255, 257, 128, 0x10040, 0x80000040u, 0xffffffffu };
    static const gpa_t addresses[] = {
        0, 0x9000000, RAM_GPA - 64, RAM_END - 64, UINT64_MAX - 63, RAM_GPA + (UINT64_C(1) << 32)
    };
    (void)state;
    driver_negotiate(&region, VERSION_1);
    ring_create(&rings[0], &guest, 0, 64);
    assert_int_equal(try_layout(rings[0].at), 1);
    guest_snapshot(&guest);
    struct virtq_layout layout = rings[0].at;
    for (unsigned i = 0; i < sizeof(sizes) / 4; i++) {
        layout.size = sizes[i];
        assert_int_equal(try_layout(layout), 0);
    }
    for (unsigned i = 0; i < sizeof(addresses) / 8; i++) {
        layout = rings[0].at;
        layout.desc = addresses[i];
        assert_int_equal(try_layout(layout), 0);
        layout = rings[0].at;
        layout.avail = addresses[i];
        assert_int_equal(try_layout(layout), 0);
        layout = rings[0].at;
        layout.used = addresses[i];
        assert_int_equal(try_layout(layout), 0);
    }
    layout = rings[0].at;
    layout.desc += 8;
    assert_int_equal(try_layout(layout), 0);
    layout = rings[0].at;
    layout.avail += 1;
    assert_int_equal(try_layout(layout), 0);
    layout = rings[0].at;
    layout.used += 2;
    assert_int_equal(try_layout(layout), 0);
    driver_ok(&region);
    kick(0);
    guest_assert_untouched(&guest);
    assert_works_after_reset();
}

static void t14_placement_is_fixed_while_ready_and_after_driver_ok(void **state)
{
    (void)state;
    driver_negotiate(&region, VERSION_1);
    ring_create(&rings[0], &guest, 0, 16);
    ring_create(&rings[1], &guest, 1, 8);
    driver_place(&region, 0, &rings[0]);
    struct virtq_layout before = toy.device.placement[0];
    struct virtq running = toy.queues[0];
    driver_place(&region, 0, &rings[1]); /* while ready */
    assert_memory_equal(&before, &toy.device.placement[0], sizeof(before));
    assert_memory_equal(&running, &toy.queues[0], sizeof(running));
    driver_ok(&region);
    assert_int_equal(driver_place(&region, 1, &rings[1]), 0); /* after DRIVER_OK */
    driver_place(&region, 0, &rings[1]);
    assert_memory_equal(&before, &toy.device.placement[0], sizeof(before));
    assert_memory_equal(&running, &toy.queues[0], sizeof(running));
}

static void t14_no_placement_before_features_are_agreed(void **state)
{
    (void)state;
    ring_create(&rings[0], &guest, 0, 16);
    assert_int_equal(driver_place(&region, 0, &rings[0]), 0);
    reg_write(&region, VIRTIO_MMIO_STATUS, 1);
    reg_write(&region, VIRTIO_MMIO_STATUS, 3);
    assert_int_equal(driver_place(&region, 0, &rings[0]), 0);
    assert_works_after_reset();
}

static void t20_last_write_of_an_address_wins(void **state)
{
    (void)state;
    driver_negotiate(&region, VERSION_1);
    ring_create(&rings[0], &guest, 0, 16);
    reg_write(&region, VIRTIO_MMIO_QUEUE_SEL, 0);
    reg_write(&region, VIRTIO_MMIO_QUEUE_DESC_LOW, 0xffffffff);
    reg_write(&region, VIRTIO_MMIO_QUEUE_DESC_HIGH, 0xffffffff);
    reg_write(&region, VIRTIO_MMIO_QUEUE_NUM, 0xffffffff);
    assert_int_equal(driver_place(&region, 0, &rings[0]), 1);
    assert_ptr_equal(toy.queues[0].desc, guest_at(&guest, rings[0].at.desc));
}

static void t31_queue_reset_is_not_offered(void **state)
{
    (void)state;
    drive(VERSION_1);
    reg_write(&region, VIRTIO_MMIO_QUEUE_SEL, 0);
    reg_write(&region, QUEUE_RESET, 1);
    assert_int_equal(reg_read(&region, QUEUE_RESET), 0);
    assert_int_equal(reg_read(&region, VIRTIO_MMIO_QUEUE_READY), 1);
}

static void t32_no_shared_memory(void **state)
{
    static const uint32_t ids[] = { 0, 1, 255, 0xffffffff };
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        reg_write(&region, VIRTIO_MMIO_SHM_SEL, ids[i]);
        assert_int_equal(reg_read(&region, VIRTIO_MMIO_SHM_LEN_LOW), UINT32_MAX);
        assert_int_equal(reg_read(&region, VIRTIO_MMIO_SHM_LEN_HIGH), UINT32_MAX);
        assert_int_equal(reg_read(&region, VIRTIO_MMIO_SHM_BASE_LOW), UINT32_MAX);
        assert_int_equal(reg_read(&region, VIRTIO_MMIO_SHM_BASE_HIGH), UINT32_MAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { TEST(it_introduces_itself),
                                        TEST(t1_other_widths_and_unaligned_accesses),
                                        TEST(t2_write_to_read_only_and_read_of_write_only),
                                        TEST(t3_reserved_offsets),
                                        TEST(t4_config_reads_never_leave_it),
                                        TEST(t5_config_writes_reach_only_writable_fields),
                                        TEST(t6_t7_queue_selector_out_of_range),
                                        TEST(t8_notify_goes_by_its_data),
                                        TEST(t9_notify_too_early),
                                        TEST(t10_to_t17_queues_that_do_not_become_ready),
                                        TEST(
                                            t14_placement_is_fixed_while_ready_and_after_driver_ok),
                                        TEST(t14_no_placement_before_features_are_agreed),
                                        TEST(t20_last_write_of_an_address_wins),
                                        TEST(t31_queue_reset_is_not_offered),
                                        TEST(t32_no_shared_memory) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
