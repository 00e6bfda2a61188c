/* SPDX-License-Identifier: BSD-2-Clause */
/* The devices that a record asks for: which there can be, and who hears of which channel. */
#include "tests/unit/vmm/core/vmm_log_fake.h"
#include "vmm/core/vm.h"

#include <setjmp.h>
#include <stddef.h>

#include <cmocka.h>

#define SPI     48u
#define GPA     UINT64_C(0xa000000)
#define TEST(f) cmocka_unit_test_setup(f, setup)

static struct vmm_config config;
static struct vm vm;
static struct port ports[VMM_MAX_NETS];
static struct serial_queue output;
static uint8_t output_data[0x100];
static _Alignas(0x1000) uint8_t memory[0x10000];
static unsigned notified[64];

static void notify(unsigned channel)
{
    notified[channel]++;
}

static uint32_t random_bytes(void *to, uint32_t bytes)
{
    memset(to, 1, bytes);
    return bytes;
}

static void inject(unsigned vcpu, unsigned intid, unsigned priority, unsigned group, unsigned index)
{
    (void)vcpu, (void)intid, (void)priority, (void)group, (void)index;
}

static void ack_ppi(unsigned vcpu, unsigned intid)
{
    (void)vcpu, (void)intid;
}

static const struct vgic_ops vgic_ops = { inject, ack_ppi };

static int setup(void **state)
{
    (void)state;
    memset(&config, 0, sizeof(config));
    memset(&vm, 0, sizeof(vm));
    memset(ports, 0, sizeof(ports));
    memset(&output, 0, sizeof(output));
    memset(notified, 0, sizeof(notified));
    memset(logged, 0, sizeof(logged));
    vm.config = &config;
    vm.ram = (struct guest_ram){ memory, 0x40000000, sizeof(memory) };
    vm.bus.regions = vm.regions;
    vm.devices.notify = notify;
    vm.devices.random = random_bytes;
    vm.devices.port.tx = serial_queue_producer(&output, output_data, sizeof(output_data));
    vgic_init(&vm.vgic, &vgic_ops, 1, 63);
    return 0;
}

static void add(uint32_t type)
{
    unsigned n = config.num_devices++;
    config.devices[n] = (struct vmm_device){
        .type = type, .intid = SPI + n, .gpa = GPA + n * 0x1000, .size_bytes = 0x1000
    };
}

static void add_nets(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        add(VMM_DEVICE_VIRTIO_NET);
        config.nets[i % VMM_MAX_NETS] = (struct vmm_net){
            .port_vaddr = (uint64_t)(uintptr_t)&ports[i % VMM_MAX_NETS],
            .mtu = 1500,
            .channel = (uint8_t)(20 + i),
            .mac = { 2, 0, 0, 0, 0, (uint8_t)i },
        };
    }
}

static uint32_t reg_read(unsigned region, uint64_t offset)
{
    return (uint32_t)vm.regions[region].read(vm.regions[region].device, offset, 4);
}

static void reg_write(unsigned region, uint64_t offset, uint32_t value)
{
    vm.regions[region].write(vm.regions[region].device, offset, 4, value);
}

/* A driver that takes no feature but VERSION_1. */
static void start_driver(unsigned region)
{
    static const uint32_t steps[] = { 1, 3, 11, 15 };
    for (unsigned i = 0; i < 4; i++) {
        if (steps[i] == 11) {
            reg_write(region, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
            reg_write(region, VIRTIO_MMIO_DRIVER_FEATURES, 1);
        }
        reg_write(region, VIRTIO_MMIO_STATUS, steps[i]);
    }
    assert_int_equal(reg_read(region, VIRTIO_MMIO_STATUS), 15);
}

static void a_device_of_each_kind(void **state)
{
    (void)state;
    add(VMM_DEVICE_PL011);
    add(VMM_DEVICE_VIRTIO_CONSOLE);
    add_nets(1);
    add(VMM_DEVICE_VIRTIO_VSOCK);
    config.vsock = (struct vmm_vsock){ (uint64_t)(uintptr_t)&ports[3], 3, 30, 1 };
    add(VMM_DEVICE_VIRTIO_RNG);
    assert_true(devices_init(&vm));
    assert_int_equal(vm.bus.num_regions, 5);
    start_driver(3);
    assert_int_equal(notified[30], 1);
    ports[3].control.answered = ports[3].control.wanted;
    ports[3].control.broken = 1;
    devices_notified(&vm, 30);
    assert_int_equal(reg_read(3, VIRTIO_MMIO_STATUS), 0x4f); /* it has heard */
    assert_int_equal(reg_read(3, VIRTIO_MMIO_DEVICE_ID), VIRTIO_ID_VSOCK);
    assert_int_equal(reg_read(1, VIRTIO_MMIO_DEVICE_ID), VIRTIO_ID_CONSOLE);
    assert_int_equal(reg_read(4, VIRTIO_MMIO_DEVICE_ID), VIRTIO_ID_RNG);
    assert_int_equal(reg_read(2, VIRTIO_MMIO_DEVICE_ID), VIRTIO_ID_NET);
    assert_int_equal(vm.regions[2].gpa, GPA + 0x2000);
}

static void the_n_th_card_has_the_n_th_record(void **state)
{
    (void)state;
    add_nets(VMM_MAX_NETS);
    assert_true(devices_init(&vm));
    for (unsigned i = 0; i < VMM_MAX_NETS; i++) {
        uint64_t last_of_mac = VIRTIO_MMIO_CONFIG + 5;
        assert_int_equal(vm.regions[i].read(vm.regions[i].device, last_of_mac, 1), i);
        start_driver(i);
        assert_int_equal(notified[20 + i], 1);
        assert_int_equal(ports[i].control.wanted, 1);
    }
}

/* A VMM's former life has left a port open and two requests at the disk: the guest waits. */
static void what_a_former_life_has_begun_ends_first(void **state)
{
    static struct blk_storage_info info;
    static uint64_t req_bytes[40], resp_bytes[20]; /* room for 8 */
    struct blk_req_queue *req = (struct blk_req_queue *)req_bytes;
    struct blk_resp_queue *resp = (struct blk_resp_queue *)resp_bytes;
    static struct sddf_blk_client_config client = { .magic = { { 's', 'D', 'D', 'F' }, 2 } };
    (void)state;
    add_nets(1);
    ports[0].control.wanted = ports[0].control.answered = 7;
    add(VMM_DEVICE_VIRTIO_BLOCK);
    client.virt = (struct sddf_blk_connection){ { (uint64_t)(uintptr_t)&info, sizeof(info) },
                                                { (uint64_t)(uintptr_t)req, sizeof(req_bytes) },
                                                { (uint64_t)(uintptr_t)resp, sizeof(resp_bytes) },
                                                8,
                                                40 };
    config.block = (struct vmm_block){ .bounce_bytes = 0x1000, .bounce_offset = 0x10000 };
    vm.devices.block_client = &client;
    req->tail = 4097;
    req->head = 4096;
    resp->head = 4095;
    resp->tail = 4096;
    assert_true(devices_init(&vm));
    assert_int_equal(notified[20], 1);
    assert_int_equal(notified[40], 1);
    assert_int_equal(ports[0].control.wanted, 8);
    assert_false(devices_ready(&vm));
    ports[0].control.answered = 8;
    devices_notified(&vm, 20);
    devices_notified(&vm, 40);
    assert_false(devices_ready(&vm)); /* one answer is still to come */
    resp->tail = 4097;
    devices_notified(&vm, 40);
    assert_true(devices_ready(&vm));
    assert_int_equal(vm.devices.block.bad_resps, 0);
}

static void what_there_can_not_be(void **state)
{
    (void)state;
    add_nets(VMM_MAX_NETS + 1);
    assert_false(devices_init(&vm));
    assert_non_null(strstr(logged, "device 4: one more of type 4"));
    static const struct vmm_net wrong[] = {
        { 0, 1500, 1, { 2 } }, /* no port */
        { 8, 67, 1, { 2 } },   /* too small an MTU */
        { 8, 1500, 1, { 1 } }, /* a group's address */
        { 8, 0, 1, { 2 } },
    };
    for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        setup(state);
        add(VMM_DEVICE_VIRTIO_NET);
        config.nets[0] = wrong[i];
        assert_false(devices_init(&vm));
        assert_non_null(strstr(logged, "device 0: "));
    }
    static const uint32_t types[] = { VMM_DEVICE_PL011, VMM_DEVICE_VIRTIO_CONSOLE,
                                      VMM_DEVICE_VIRTIO_VSOCK, VMM_DEVICE_VIRTIO_RNG };
    for (unsigned i = 0; i < 4; i++) {
        setup(state);
        config.vsock = (struct vmm_vsock){ (uint64_t)(uintptr_t)&ports[0], 3, 30, 1 };
        add(types[i]);
        add(types[i]);
        assert_false(devices_init(&vm));
        assert_non_null(strstr(logged, "device 1: one more of type"));
    }
    setup(state);
    add(77);
    assert_false(devices_init(&vm));
    assert_non_null(strstr(logged, "device 0: type 77 is unknown"));
}

/* A card that waits for its switch holds the reboot and the vCPU; its own channel ends that. */
static void reset_waits_for_each_switch(void **state)
{
    (void)state;
    add_nets(3);
    assert_true(devices_init(&vm));
    assert_true(devices_reset(&vm)); /* nothing is open */
    for (unsigned i = 0; i < 3; i++) {
        start_driver(i);
        ports[i].control.answered = ports[i].control.wanted;
    }
    assert_false(devices_busy(&vm));
    ports[1].control.answered++; /* quick: it has answered before it was asked */
    assert_false(devices_reset(&vm));
    assert_true(devices_busy(&vm));
    ports[2].control.answered++;
    devices_notified(&vm, 22);
    assert_false(devices_reset(&vm));
    ports[0].control.answered++;
    devices_notified(&vm, 21); /* not the first card's */
    assert_true(devices_busy(&vm));
    devices_notified(&vm, 20);
    assert_false(devices_busy(&vm));
    assert_true(devices_reset(&vm));
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(reg_read(i, VIRTIO_MMIO_STATUS), 0);
        assert_int_equal(ports[i].control.wanted, 2);
    }
}

/* Of a guest that is off its peers hear at once; what it has printed still goes out. */
static void a_guest_that_stops_leaves_its_switches(void **state)
{
    (void)state;
    add(VMM_DEVICE_VIRTIO_CONSOLE);
    add_nets(1);
    add(VMM_DEVICE_VIRTIO_VSOCK);
    config.vsock = (struct vmm_vsock){ (uint64_t)(uintptr_t)&ports[1], 3, 30, 1 };
    assert_true(devices_init(&vm));
    for (unsigned i = 0; i < 3; i++) {
        start_driver(i);
    }
    for (unsigned i = 0; i < 2; i++) {
        ports[i].control.answered = ports[i].control.wanted;
    }
    devices_stop(&vm);
    assert_int_equal(reg_read(0, VIRTIO_MMIO_STATUS), 15);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(ports[i].control.wanted, 2);
        ports[i].control.answered = ports[i].control.wanted;
    }
    for (unsigned channel = 20; channel <= 30; channel += 10) {
        assert_int_equal(notified[channel], 2);
        devices_notified(&vm, channel);
    }
    assert_true(devices_reset(&vm)); /* it may begin anew */
}

/* An interrupt of the machine goes to the guest and waits for it; the device stops with the guest.
 */
static void a_device_that_is_passed_through(void **state)
{
    static _Alignas(8) uint8_t registers[2][0x200];
    (void)state;
    config.irqs[0] = (struct vmm_irq){ SPI, 9 };
    config.irqs[1] = (struct vmm_irq){ SPI + 2, 7 };
    config.num_irqs = 2;
    config.num_passed = 2;
    for (unsigned i = 0; i < 2; i++) {
        config.passed_vaddr[i] = (uint64_t)(uintptr_t)registers[i];
        memset(registers[i], 0xff, sizeof(registers[i]));
    }
    assert_true(devices_init(&vm));
    devices_notified(&vm, 7);
    devices_notified(&vm, 8);
    assert_int_equal(vm.vgic.shared[0].held, 1u << (SPI + 2) % 32);
    assert_int_equal(vm.vgic.shared[0].latched, 1u << (SPI + 2) % 32);
    devices_stop(&vm);
    for (unsigned i = 0; i < 2; i++) {
        for (unsigned at = 0; at < sizeof(registers[i]); at++) {
            bool is_status = at - VIRTIO_MMIO_STATUS < 4;
            assert_int_equal(registers[i][at], is_status ? 0 : 0xff);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_device_of_each_kind),
        TEST(the_n_th_card_has_the_n_th_record),
        TEST(what_a_former_life_has_begun_ends_first),
        TEST(what_there_can_not_be),
        TEST(reset_waits_for_each_switch),
        TEST(a_guest_that_stops_leaves_its_switches),
        TEST(a_device_that_is_passed_through),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
