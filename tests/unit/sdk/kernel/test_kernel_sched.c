/* SPDX-License-Identifier: BSD-2-Clause */
/* Priorities, turns, budgets, and whose budget a thread runs on. */
#include "tests/unit/sdk/kernel/kernel_rig.h"

#include "sdk/kernel/core/fault.h"

#define T(index) thread_at(index)

static void the_highest_priority_runs(void **state)
{
    static const uint8_t priorities[] = { 10, 254, 100, 0, 64, 63 };
    static const unsigned order[] = { 1, 2, 4, 5, 0, 3 };
    (void)state;
    for (unsigned i = 0; i < 6; i++) {
        rig_pd(i, "pd", priorities[i]);
    }
    struct thread *next = rig_boot(6, 0);
    for (unsigned i = 0; i < 6; i++) {
        assert_ptr_equal(next, T(order[i]));
        next = rig_call(next, SYSCALL_RECV, 0);
    }
    assert_null(next);
}

static void equals_take_turns(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        rig_pd(i, "pd", 100);
    }
    assert_ptr_equal(rig_boot(3, 0), T(0));
    for (unsigned turn = 1; turn < 10; turn++) {
        assert_ptr_equal(rig_run(999), T((turn - 1) % 3));
        assert_ptr_equal(rig_run(1), T(turn % 3));
    }
}

static void one_alone_needs_no_timer(void **state)
{
    (void)state;
    rig_pd(0, "pd", 100);
    assert_ptr_equal(rig_boot(1, 0), T(0));
    assert_int_equal(hardware.timer_at, UINT64_MAX);
    assert_ptr_equal(rig_run(1000000), T(0));
}

/* 100 of each 400 ticks, above one that has all the rest. */
static void a_budget_is_kept(void **state)
{
    (void)state;
    rig_pd(0, "pd", 200)->budget_us = 100;
    rig_images[0].period_us = 400;
    rig_pd(1, "pd", 100);
    assert_ptr_equal(rig_boot(2, 0), T(0));
    for (unsigned period = 1; period < 5; period++) {
        assert_ptr_equal(rig_run(100), T(1));
        assert_int_equal(hardware.timer_at, period * 400);
        assert_ptr_equal(rig_run(hardware.timer_at - hardware.now), T(0));
        assert_int_equal(hardware.now, period * 400);
    }
}

/* What is left of a budget outlasts a wait, and is full again after the period. */
static void a_budget_outlasts_a_wait(void **state)
{
    (void)state;
    rig_pd(0, "server", 200)->budget_us = 100;
    rig_images[0].period_us = 1000;
    rig_pd(1, "client", 100);
    rig_channel(0, 1, IMAGE_MAY_NOTIFY, 1, 2, IMAGE_MAY_NOTIFY);
    rig_boot(2, 0);
    rig_run(60);
    assert_ptr_equal(rig_call(T(0), SYSCALL_RECV, 0), T(1));
    rig_run(100);
    assert_ptr_equal(rig_call(T(1), SYSCALL_NOTIFY, 2), T(0)); /* preempts */
    assert_ptr_equal(rig_run(39), T(0));
    assert_ptr_equal(rig_run(1), T(1)); /* 100 used, at 200 */
    assert_int_equal(hardware.timer_at, 1000);
    assert_ptr_equal(rig_run(800), T(0));
    assert_ptr_equal(rig_run(99), T(0));
    assert_ptr_equal(rig_run(1), T(1));
}

static void boot_vm(void)
{
    rig_pd(0, "vmm", 150);
    rig_vcpu(1, "a", 100, 0, 0);
    rig_vcpu(2, "b", 100, 0, 1);
    assert_ptr_equal(rig_boot(3, 0), T(0));
    rig_call(T(0), SYSCALL_VCPU_RESTART, 0, 0x80000);
    rig_call(T(0), SYSCALL_VCPU_RESTART, 1, 0x80000);
    assert_ptr_equal(rig_call(T(0), SYSCALL_RECV, 0), T(1));
}

/* The VMM works in the turn of the vCPU that trapped, and the vCPU goes on with the same turn. */
static void a_trap_keeps_the_turn(void **state)
{
    (void)state;
    boot_vm();
    rig_run(300);
    assert_ptr_equal(rig_fault(T(1), FAULT_VCPU, 7), T(0));
    assert_int_equal(RIG_BADGE(T(0)), BADGE_FAULT | 0);
    assert_int_equal(RIG_INFO(T(0)), RIG_MSG(FAULT_VCPU, 1));
    assert_int_equal(T(0)->ipc_words[0], 7);
    assert_ptr_equal(T(0)->sc, &T(1)->own);
    rig_run(200);
    assert_ptr_equal(rig_call(T(0), SYSCALL_REPLY_RECV, 0, 0), T(1));
    assert_ptr_equal(T(0)->sc, &T(0)->own);
    assert_ptr_equal(rig_run(499), T(1));
    assert_ptr_equal(rig_run(1), T(2));
    assert_int_equal(T(0)->own.left, 1000); /* none of it was the VMM's own */
    assert_ptr_equal(rig_run(1000), T(1));
}

/* A VMM that uses up its vCPU's turn does not go on into the next one. */
static void a_trap_does_not_outlast_the_turn(void **state)
{
    (void)state;
    boot_vm();
    rig_run(300);
    rig_fault(T(1), FAULT_VCPU, 0);
    assert_ptr_equal(rig_run(700), T(0)); /* still the highest priority */
    assert_ptr_equal(rig_call(T(0), SYSCALL_REPLY_RECV, 0, 0), T(2));
    assert_ptr_equal(rig_run(1000), T(1));
}

/* A passive PD runs on its callers' budgets, and has none of its own in between. */
static void a_passive_pd_runs_on_its_callers(void **state)
{
    (void)state;
    rig_pd(0, "passive", 200)->flags = IMAGE_PASSIVE;
    rig_pd(1, "caller", 100);
    rig_pd(2, "other", 100);
    rig_channel(0, 3, 0, 1, 4, IMAGE_MAY_CALL);
    rig_boot(3, 0);
    rig_call(T(0), SYSCALL_RECV, 0);
    rig_run(400);
    assert_ptr_equal(rig_call(T(1), SYSCALL_CALL, 4, RIG_MSG(1, 0)), T(0));
    assert_ptr_equal(T(0)->sc, &T(1)->own);
    rig_run(100);
    assert_ptr_equal(rig_call(T(0), SYSCALL_REPLY_RECV, 0, RIG_MSG(2, 0)), T(1));
    assert_ptr_equal(T(0)->sc, &T(0)->own);
    assert_ptr_equal(rig_run(499), T(1));
    assert_ptr_equal(rig_run(1), T(2));
}

/* A thread that sleeps for its budget is stopped: it sleeps no more. */
static void a_sleeper_is_stopped(void **state)
{
    (void)state;
    rig_pd(0, "child", 200)->budget_us = 100;
    rig_pd(1, "parent", 100);
    rig_child(1, 5, 0);
    rig_boot(2, 0);
    assert_ptr_equal(rig_run(100), T(1));
    rig_call(T(1), SYSCALL_PD_STOP, 5);
    assert_ptr_equal(rig_run(5000), T(1));
    assert_ptr_equal(rig_call(T(1), SYSCALL_PD_RESTART, 5, 0x300000), T(0));
    assert_int_equal(T(0)->frame->pc, 0x300000);
}

static void idle_time_is_not_charged(void **state)
{
    (void)state;
    rig_pd(0, "driver", 100)->budget_us = 100;
    rig_irqs[0] = (struct image_irq){ .intid = 40, .thread = 0, .channel = 9 };
    rig_boot(1, 1);
    rig_run(30);
    assert_null(rig_call(T(0), SYSCALL_RECV, 0));
    hardware.now += 500;
    assert_ptr_equal(rig_interrupt(40), T(0));
    assert_int_equal(T(0)->own.left, 70);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_highest_priority_runs, rig_setup),
        cmocka_unit_test_setup(equals_take_turns, rig_setup),
        cmocka_unit_test_setup(one_alone_needs_no_timer, rig_setup),
        cmocka_unit_test_setup(a_budget_is_kept, rig_setup),
        cmocka_unit_test_setup(a_budget_outlasts_a_wait, rig_setup),
        cmocka_unit_test_setup(a_trap_keeps_the_turn, rig_setup),
        cmocka_unit_test_setup(a_trap_does_not_outlast_the_turn, rig_setup),
        cmocka_unit_test_setup(a_passive_pd_runs_on_its_callers, rig_setup),
        cmocka_unit_test_setup(a_sleeper_is_stopped, rig_setup),
        cmocka_unit_test_setup(idle_time_is_not_charged, rig_setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
