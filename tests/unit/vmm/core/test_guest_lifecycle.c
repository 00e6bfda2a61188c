/* SPDX-License-Identifier: BSD-2-Clause */
/* Start, power off, reboot, crash: which vCPU is stopped and started when, and what is logged. */
#include "tests/unit/vmm/core/lifecycle_rig.h"

static void starts(void **state)
{
    (void)state;
    start_guest();
    assert_int_equal(started_pc, 0x40000000);
    assert_int_equal(started_x0, 0x40000800);
    assert_true(vm.vgic.cpu[0].online && !vm.vgic.cpu[1].online);
    expect_log("");
}

/* A guest that waits for its disk starts at the event that brings it, and once. */
static void waits_for_its_disk(void **state)
{
    (void)state;
    disk_ready = false;
    lifecycle_wait(&vm);
    expect_calls("");
    disk_ready = true;
    lifecycle_continue(&vm);
    expect_calls("load0 start0 ");
    assert_int_equal(vm.state, VM_RUNNING);
    lifecycle_continue(&vm);
    expect_calls("");
}

/* A VMM that begins cannot know whether it is its first life: vCPUs may run, devices work. */
static void a_new_vmm_stops_what_runs(void **state)
{
    (void)state;
    lifecycle_init(&vm);
    expect_calls("stop0 quiet0 stop1 quiet1 silent0 ");
    assert_int_equal(vm.state, VM_UNUSABLE); /* until there are devices */
}

static bool random_works;

static uint32_t random_bytes(void *to, uint32_t bytes)
{
    static uint8_t next;
    memset(to, ++next, bytes);
    return random_works ? bytes : bytes - 8;
}

#define SEED_AT 0x900 /* in `memory`; the tree begins at 0x800 */

/* The tree's room for a seed holds another at each start; without bytes it becomes no seed. */
static void each_start_has_its_seed(void **state)
{
    uint8_t seen[2];
    (void)state;
    random_works = true;
    vm.devices.has_rng = true;
    vm.devices.random = random_bytes;
    config.entropy.seed_offset = SEED_AT - 0x800;
    for (unsigned i = 0; i < 2; i++) {
        memset(memory, 0xee, sizeof(memory));
        start_guest();
        seen[i] = memory[SEED_AT];
        for (unsigned at = 0; at < sizeof(memory); at++) {
            assert_int_equal(memory[at], at - SEED_AT < VMM_SEED_BYTES ? seen[i] : 0xee);
        }
    }
    assert_int_not_equal(seen[0], seen[1]);
    random_works = false;
    start_guest();
    for (unsigned at = 0; at < sizeof(memory); at++) {
        bool nop = at >= SEED_AT - 12 && at < SEED_AT + VMM_SEED_BYTES;
        assert_int_equal(memory[at], !nop ? 0xee : at % 4 == 3 ? 4 : 0);
    }
    vm.devices.has_rng = false;
    memset(memory, 0xee, sizeof(memory));
    start_guest();
    assert_int_equal(memory[SEED_AT], 0xee);
    expect_log("");
}

static void bad_images(void **state)
{
    (void)state;
    images_good = false;
    lifecycle_start(&vm);
    expect_calls("load0 ");
    assert_int_equal(vm.state, VM_STOPPED);
    expect_log("not started\n");
}

static void second_vcpu(void **state)
{
    (void)state;
    start_guest();
    assert_int_equal(psci(0, 0xc4000003, 1, 0x40000100), 0);
    expect_calls("start1 ");
    assert_int_equal(started_pc, 0x40000100);
    assert_int_equal(started_x0, 0x77);
    assert_true(vm.vgic.cpu[1].online);
    assert_int_equal(psci(1, 0x84000002, 0, 0), PSCI_NO_RETURN);
    expect_calls("stop1 quiet1 ");
    assert_false(vm.vgic.cpu[1].online);
    assert_int_equal(vm.state, VM_RUNNING);
    expect_log("");
}

static void last_vcpu_off(void **state)
{
    (void)state;
    start_guest();
    assert_int_equal(psci(0, 0x84000002, 0, 0), PSCI_NO_RETURN);
    assert_int_equal(vm.state, VM_STOPPED);
    expect_log("stopped: all its vCPUs are off\n");
}

static void powers_off(void **state)
{
    (void)state;
    start_guest();
    assert_int_equal(psci(0, 0x84000008, 0, 0), PSCI_NO_RETURN);
    expect_calls("stop0 quiet0 stop1 quiet1 silent0 ");
    assert_int_equal(vm.state, VM_STOPPED);
    expect_log("powered off\n");
    /* A device's interrupt no longer reaches it, and no reboot comes of an event. */
    vm.vgic.ctlr = 1;
    vm.vgic.shared[0].enabled = vm.vgic.shared[0].target[0] = ~0u;
    vgic_set_line(&vm.vgic, SPI, true);
    lifecycle_continue(&vm);
    expect_calls("");
}

/* From within its timer interrupt: held PPI released, distributor reset, all before the start. */
static void reboots(void **state)
{
    (void)state;
    start_guest();
    vm.vgic.ctlr = 1;
    vm.vgic.cpu[0].bank.enabled = ~0u;
    vgic_fired(&vm.vgic, 0, TIMER);
    expect_calls("inject0 ");
    assert_int_equal(psci(0, 0x84000009, 0, 0), PSCI_NO_RETURN);
    expect_calls("stop0 quiet0 ack0 stop1 quiet1 silent0 devices0 load0 start0 ");
    expect_log("rebooting\n");
    assert_int_equal(vm.state, VM_RUNNING);
    assert_int_equal(vm.vgic.ctlr, 0);
    assert_true(vm.vgic.cpu[0].online && !vm.vgic.cpu[0].list[0].used);
    assert_true(vm.psci.on[0] && !vm.psci.on[1]);
}

static void reboot_by_second_vcpu(void **state)
{
    (void)state;
    start_guest();
    psci(0, 0xc4000003, 1, 0x40000100);
    expect_calls("start1 ");
    assert_int_equal(psci(1, 0x84000009, 0, 0), PSCI_NO_RETURN);
    expect_calls("stop0 quiet0 stop1 quiet1 silent0 devices0 load0 start0 ");
    assert_int_equal(psci(0, 0xc4000004, 1, 0), 1); /* it is off again */
}

/* Guest memory is not touched while a device still works on it. */
static void reboot_waits_for_devices(void **state)
{
    (void)state;
    start_guest();
    devices_quiet = false;
    psci(0, 0x84000009, 0, 0);
    expect_calls("stop0 quiet0 stop1 quiet1 silent0 devices0 ");
    assert_int_equal(vm.state, VM_REBOOTING);
    lifecycle_continue(&vm);
    expect_calls("devices0 ");
    devices_quiet = true;
    lifecycle_continue(&vm);
    expect_calls("devices0 load0 start0 ");
    lifecycle_continue(&vm);
    expect_calls("");
}

/* T27: a vCPU that has reset a device goes on when the device has left guest memory alone. */
static void a_vcpu_waits_for_its_device(void **state)
{
    (void)state;
    start_guest();
    psci(0, 0xc4000003, 1, 0x40000100);
    expect_calls("start1 ");
    assert_false(lifecycle_hold(&vm, 1));
    devices_quiet = false;
    assert_true(lifecycle_hold(&vm, 1));
    lifecycle_continue(&vm);
    expect_calls("");
    devices_quiet = true;
    lifecycle_continue(&vm);
    expect_calls("resume1 ");
    lifecycle_continue(&vm);
    expect_calls("");
}

/* One that waits when the guest reboots begins anew with it. */
static void a_reboot_ends_the_wait(void **state)
{
    (void)state;
    start_guest();
    devices_quiet = false;
    assert_true(lifecycle_hold(&vm, 0));
    psci(1, 0x84000009, 0, 0);
    devices_quiet = true;
    memset(calls, 0, sizeof(calls));
    lifecycle_continue(&vm);
    expect_calls("devices0 load0 start0 ");
}

/* S6: the thousandth reboot is like the first. */
static void many_reboots(void **state)
{
    (void)state;
    start_guest();
    struct vgic before = vm.vgic;
    for (unsigned i = 0; i < 1000; i++) {
        memset(logged, 0, sizeof(logged));
        psci(0, 0x84000009, 0, 0);
        expect_calls("stop0 quiet0 stop1 quiet1 silent0 devices0 load0 start0 ");
    }
    assert_memory_equal(&vm.vgic, &before, sizeof(before));
}

static void crashes(void **state)
{
    (void)state;
    start_guest();
    for (unsigned i = 0; i < 31; i++) {
        regs[0].x[i] = i;
    }
    regs[0].pc = 0x200;
    lifecycle_crash(&vm, 0, "a reason", 0x82000006, 0x1200);
    expect_calls("stop0 quiet0 stop1 quiet1 silent0 ");
    assert_int_equal(vm.state, VM_STOPPED);
    assert_non_null(strstr(logged, "crashed: a reason\n"));
    assert_non_null(strstr(logged, "vCPU 0, ESR_EL2 82000006 (instruction abort, translation fault "
                                   "at level 2), guest address 1200\n"));
    assert_non_null(strstr(logged, "pc 0000000000000200"));
    assert_non_null(strstr(logged, "x28 000000000000001c 000000000000001d 000000000000001e\n"));
    const char *line = logged;
    for (const char *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        assert_in_range(end - line, 1, 130);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(starts, setup),
        cmocka_unit_test_setup(waits_for_its_disk, setup),
        cmocka_unit_test_setup(a_new_vmm_stops_what_runs, setup),
        cmocka_unit_test_setup(each_start_has_its_seed, setup),
        cmocka_unit_test_setup(bad_images, setup),
        cmocka_unit_test_setup(second_vcpu, setup),
        cmocka_unit_test_setup(last_vcpu_off, setup),
        cmocka_unit_test_setup(powers_off, setup),
        cmocka_unit_test_setup(reboots, setup),
        cmocka_unit_test_setup(reboot_by_second_vcpu, setup),
        cmocka_unit_test_setup(reboot_waits_for_devices, setup),
        cmocka_unit_test_setup(a_vcpu_waits_for_its_device, setup),
        cmocka_unit_test_setup(a_reboot_ends_the_wait, setup),
        cmocka_unit_test_setup(many_reboots, setup),
        cmocka_unit_test_setup(crashes, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
