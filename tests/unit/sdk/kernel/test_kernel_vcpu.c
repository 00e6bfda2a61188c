/* SPDX-License-Identifier: BSD-2-Clause */
/* Virtual interrupts, the virtual timer, WFI, and the exchange of vCPUs in the core. */
#include "tests/unit/sdk/kernel/kernel_rig.h"

#include "sdk/kernel/core/arch.h"
#include "sdk/kernel/core/fault.h"
#include "sdk/kernel/core/vcpu.h"

#define T(index)      thread_at(index)
#define LR_PENDING    (1u << 28)
#define LR_ACTIVE     (1u << 29)
#define REG_CNTV_CTL  20
#define REG_CNTV_CVAL 21
#define REG_CNTVOFF   22
#define REG_VMPIDR    16

enum { VMM, A, B };

/* Both vCPUs run, A is in the core and the VMM waits. */
static int boot(void **state)
{
    rig_setup(state);
    rig_pd(VMM, "vmm", 150);
    rig_vcpu(A, "a", 100, VMM, 0);
    rig_vcpu(B, "b", 100, VMM, 1);
    rig_boot(3, 0);
    rig_call(T(VMM), SYSCALL_VCPU_RESTART, 0, 0x80000);
    rig_call(T(VMM), SYSCALL_VCPU_RESTART, 1, 0x80000);
    assert_ptr_equal(rig_call(T(VMM), SYSCALL_RECV, 0), T(A));
    return 0;
}

/* The vCPU in the core executes WFI. */
static struct thread *wait_for_interrupt(struct thread *vcpu)
{
    vcpu_wait(this_cpu(), vcpu);
    return rig_next();
}

/* To the VMM, by a trap of the vCPU that runs. */
static void enter_vmm(struct thread *vcpu)
{
    assert_ptr_equal(rig_fault(vcpu, FAULT_VCPU, 0), T(VMM));
}

static void a_vcpu_has_its_own_state(void **state)
{
    (void)state;
    assert_int_equal(hardware.el1[REG_VMPIDR], 0);
    assert_int_equal(this_cpu()->vttbr, 0x2000 + VMM);
    hardware.el1[3] = 0xa;
    assert_ptr_equal(rig_run(1000), T(B));
    assert_int_equal(hardware.el1[REG_VMPIDR], 1);
    assert_int_equal(hardware.el1[3], 0);
    assert_int_equal(T(A)->vcpu.regs[3], 0xa);
    assert_int_equal(hardware.num_flushes, 1); /* two vCPUs of one VM share their VMID */
    hardware.el1[3] = 0xb;
    assert_ptr_equal(rig_run(1000), T(A));
    assert_int_equal(hardware.el1[3], 0xa);
    assert_int_equal(hardware.num_flushes, 2);
}

/* The state stays in the core while the VMM runs, and is read and written there. */
static void the_vmm_sees_registers_wherever_they_are(void **state)
{
    (void)state;
    hardware.el1[5] = 77;
    enter_vmm(T(A));
    assert_ptr_equal(hardware.vcpu, &T(A)->vcpu);
    rig_call(T(VMM), SYSCALL_VCPU_READ_REG, 0, 5);
    assert_int_equal(T(VMM)->frame->x[1], 77);
    rig_call(T(VMM), SYSCALL_VCPU_WRITE_REG, 0, 5, 78);
    assert_int_equal(hardware.el1[5], 78);
    rig_call(T(VMM), SYSCALL_VCPU_WRITE_REG, 1, 5, 79);
    assert_int_equal(hardware.el1[5], 78);
    rig_call(T(VMM), SYSCALL_VCPU_READ_REG, 1, 5);
    assert_int_equal(T(VMM)->frame->x[1], 79);
}

static void an_interrupt_is_injected(void **state)
{
    (void)state;
    enter_vmm(T(A));
    rig_call(T(VMM), SYSCALL_VCPU_INJECT, 0, 40, 3, 1, 2);
    assert_int_equal(T(VMM)->frame->x[0], SYS_OK);
    assert_int_equal(hardware.lr[2], LR_PENDING | 1u << 30 | 3u << 23 | 40);
    hardware.lr[2] = LR_ACTIVE | 40; /* the guest has taken it */
    rig_call(T(VMM), SYSCALL_VCPU_INJECT, 0, 41, 0, 0, 2);
    assert_int_equal(T(VMM)->frame->x[0], SYS_BUSY);
    rig_call(T(VMM), SYSCALL_VCPU_INJECT, 0, 41, 0, 0, 1);
    assert_int_equal(hardware.lr[1], LR_PENDING | 41);
    /* Of a vCPU that is not in the core, into memory. */
    rig_call(T(VMM), SYSCALL_VCPU_INJECT, 1, 42, 0, 0, 0);
    assert_int_equal(hardware.lr[0], 0);
    assert_int_equal(T(B)->vcpu.lr[0], LR_PENDING | 42);
    rig_call(T(VMM), SYSCALL_REPLY_RECV, 0, 0);
    assert_ptr_equal(rig_run(1000), T(B));
    assert_int_equal(hardware.lr[0], LR_PENDING | 42);
    assert_int_equal(hardware.lr[1], 0);
    assert_int_equal(T(A)->vcpu.lr[1], LR_PENDING | 41);
    assert_int_equal(T(A)->vcpu.lr[2], LR_ACTIVE | 40);
}

static void wfi_waits_for_an_injection(void **state)
{
    (void)state;
    assert_ptr_equal(wait_for_interrupt(T(A)), T(B));
    assert_int_equal(T(A)->state, THREAD_WFI);
    enter_vmm(T(B));
    rig_call(T(VMM), SYSCALL_VCPU_INJECT, 0, 40, 0, 0, 0);
    assert_int_equal(T(A)->state, THREAD_READY);
}

static void wfi_does_not_wait_with_an_interrupt_pending(void **state)
{
    (void)state;
    enter_vmm(T(A));
    rig_call(T(VMM), SYSCALL_VCPU_INJECT, 0, 40, 0, 0, 0);
    rig_call(T(VMM), SYSCALL_REPLY_RECV, 0, 0);
    assert_ptr_equal(wait_for_interrupt(T(A)), T(A));
    hardware.lr[0] = LR_ACTIVE | 40;
    assert_ptr_equal(wait_for_interrupt(T(A)), T(B));
}

/* The guest ends an interrupt: its VMM gets a fault with the list register's number. */
static void an_ended_interrupt_faults_to_the_vmm(void **state)
{
    (void)state;
    enter_vmm(T(A));
    rig_call(T(VMM), SYSCALL_VCPU_INJECT, 0, 40, 0, 0, 3);
    rig_call(T(VMM), SYSCALL_REPLY_RECV, 0, 0);
    hardware.ended = 1u << 3;
    assert_ptr_equal(rig_interrupt(INTID_MAINTENANCE), T(VMM));
    assert_int_equal(RIG_BADGE(T(VMM)), BADGE_FAULT | 0);
    assert_int_equal(RIG_INFO(T(VMM)), RIG_MSG(FAULT_VGIC_MAINTENANCE, 1));
    assert_int_equal(T(VMM)->ipc_words[0], 3);
    assert_int_equal(T(A)->vcpu.lrs_used, 0);
    assert_ptr_equal(rig_call(T(VMM), SYSCALL_REPLY_RECV, 0, 0), T(A));
}

/* An end that was not handled before the vCPU leaves the core is not lost. */
static void an_end_is_seen_at_the_exchange(void **state)
{
    (void)state;
    enter_vmm(T(A));
    rig_call(T(VMM), SYSCALL_VCPU_INJECT, 0, 40, 0, 0, 1);
    rig_call(T(VMM), SYSCALL_REPLY_RECV, 0, 0);
    hardware.ended = 1u << 1;
    rig_run(1000);
    assert_int_equal(T(A)->vcpu.events, VCPU_EVENT_LR(1));
    assert_int_equal(T(A)->vcpu.lrs_used, 0);
    assert_ptr_equal(rig_run(1000), T(VMM));
    assert_int_equal(RIG_INFO(T(VMM)), RIG_MSG(FAULT_VGIC_MAINTENANCE, 1));
}

/* The virtual timer fires in the core: masked until the VMM acknowledges it. */
static void the_timer_of_the_vcpu_in_the_core(void **state)
{
    (void)state;
    assert_true(hardware.enabled[INTID_VTIMER]);
    assert_ptr_equal(rig_interrupt(INTID_VTIMER), T(VMM));
    assert_int_equal(RIG_INFO(T(VMM)), RIG_MSG(FAULT_VPPI_EVENT, 1));
    assert_int_equal(T(VMM)->ipc_words[0], INTID_VTIMER);
    assert_false(hardware.enabled[INTID_VTIMER]);
    rig_call(T(VMM), SYSCALL_VCPU_ACK_VPPI, 0, INTID_VTIMER);
    assert_true(hardware.enabled[INTID_VTIMER]);
}

/* A vCPU in WFI that another one has taken the core from is woken when its timer is due. */
static void the_timer_of_a_vcpu_that_waits(void **state)
{
    (void)state;
    hardware.el1[REG_CNTV_CTL] = 1;
    hardware.el1[REG_CNTV_CVAL] = 4000;
    hardware.el1[REG_CNTVOFF] = 500;
    assert_ptr_equal(wait_for_interrupt(T(A)), T(B));
    assert_ptr_equal(rig_run(4499), T(B));
    assert_int_equal(T(A)->state, THREAD_WFI);
    rig_run(1);
    assert_int_equal(hardware.now, 4500);
    assert_int_equal(T(A)->state, THREAD_READY);
}

/* A timer that is off, masked or not acknowledged does not wake its vCPU. */
static void timers_that_do_not_wake(void **state)
{
    static const uint64_t controls[] = { 0, 2, 3 };
    for (unsigned i = 0; i < 3; i++) {
        boot(state);
        hardware.el1[REG_CNTV_CTL] = controls[i];
        hardware.el1[REG_CNTV_CVAL] = 100;
        assert_ptr_equal(wait_for_interrupt(T(A)), T(B));
        assert_ptr_equal(rig_run(5000), T(B));
        assert_int_equal(T(A)->state, THREAD_WFI);
    }
    boot(state);
    hardware.el1[REG_CNTV_CTL] = 1;
    hardware.el1[REG_CNTV_CVAL] = UINT64_MAX;
    hardware.el1[REG_CNTVOFF] = 5000; /* their sum wraps: that is never */
    assert_ptr_equal(wait_for_interrupt(T(A)), T(B));
    assert_ptr_equal(rig_run(10000), T(B));
}

/* The VMM sets the timer of a vCPU that waits: that counts too. */
static void the_vmm_sets_the_timer(void **state)
{
    (void)state;
    assert_ptr_equal(wait_for_interrupt(T(A)), T(B));
    enter_vmm(T(B));
    rig_call(T(VMM), SYSCALL_VCPU_WRITE_REG, 0, REG_CNTV_CVAL, 2000);
    rig_call(T(VMM), SYSCALL_VCPU_WRITE_REG, 0, REG_CNTV_CTL, 1);
    assert_ptr_equal(rig_call(T(VMM), SYSCALL_REPLY_RECV, 0, 0), T(B));
    rig_run(2000);
    assert_int_equal(T(A)->state, THREAD_READY);
}

static void a_restart_forgets_interrupts(void **state)
{
    (void)state;
    enter_vmm(T(A));
    rig_call(T(VMM), SYSCALL_VCPU_INJECT, 0, 40, 0, 0, 0);
    hardware.el1[REG_CNTV_CTL] = 1;
    rig_call(T(VMM), SYSCALL_VCPU_RESTART, 0, 0x90000);
    assert_int_equal(T(A)->frame->pc, 0x90000);
    assert_int_equal(T(A)->vcpu.lrs_used, 0);
    assert_int_equal(T(A)->vcpu.regs[REG_CNTV_CTL], 0);
    assert_int_equal(T(A)->state, THREAD_READY);
    assert_null(hardware.vcpu);
    assert_int_equal(hardware.lr[0], 0);
}

/* All vCPUs wait: the core sleeps until the first timer. */
static void an_idle_core_wakes_for_a_timer(void **state)
{
    (void)state;
    hardware.el1[REG_CNTV_CTL] = 1;
    hardware.el1[REG_CNTV_CVAL] = 7000;
    wait_for_interrupt(T(A));
    assert_ptr_equal(wait_for_interrupt(T(B)), T(A));
    assert_int_equal(hardware.now, 7000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_vcpu_has_its_own_state, boot),
        cmocka_unit_test_setup(the_vmm_sees_registers_wherever_they_are, boot),
        cmocka_unit_test_setup(an_interrupt_is_injected, boot),
        cmocka_unit_test_setup(wfi_waits_for_an_injection, boot),
        cmocka_unit_test_setup(wfi_does_not_wait_with_an_interrupt_pending, boot),
        cmocka_unit_test_setup(an_ended_interrupt_faults_to_the_vmm, boot),
        cmocka_unit_test_setup(an_end_is_seen_at_the_exchange, boot),
        cmocka_unit_test_setup(the_timer_of_the_vcpu_in_the_core, boot),
        cmocka_unit_test_setup(the_timer_of_a_vcpu_that_waits, boot),
        cmocka_unit_test_setup(timers_that_do_not_wake, boot),
        cmocka_unit_test_setup(the_vmm_sets_the_timer, boot),
        cmocka_unit_test_setup(a_restart_forgets_interrupts, boot),
        cmocka_unit_test_setup(an_idle_core_wakes_for_a_timer, boot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
