# SPDX-License-Identifier: BSD-2-Clause
"""What the embedded SDK promises to a PD: tests/system/sdk holds the PDs and their systems."""

import os

import pytest
import qemu


# Time is counted in instructions, so that parts of it do not depend on what else the machine does.
VIRTUAL_CLOCK = ("-icount", "shift=0,sleep=off")


def image(name):
    return os.path.join(qemu.TARGET_DIR, "tests", "sdk", f"{name}.img")


@pytest.mark.parametrize("cpu", ["cortex-a76", "neoverse-n1"])
def test_hello(boot, cpu):
    boot(image("hello"), cpu=cpu).expect("hello from greeter")


def test_a_core_without_vhe_is_refused(boot):
    boot(image("hello"), cpu="cortex-a53").expect("this core has no VHE")


def test_notifications_go_back_and_forth(boot):
    boot(image("pingpong")).expect("round trips: 1000")


def test_protected_calls_carry_64_words(boot):
    machine = boot(image("call"))
    machine.expect("caller_of_active: 100 calls with 64 words answered")
    machine.expect("caller_of_passive: 100 calls with 64 words answered")


def test_interrupts_are_masked_until_acknowledged(boot):
    machine = boot(image("irq"))
    machine.expect("timer interrupt 1\r\n")
    machine.expect("timer interrupt 3\r\n")
    machine.expect("clock interrupt 2")
    machine.expect("timer interrupts at the end: 3\r\n")


def test_a_crashing_pd_is_reported_and_the_rest_runs_on(boot):
    machine = boot(image("crash"))
    for name, reason in [
            ("writes_null", "write of 0x0: translation fault"),
            ("writes_text", "write of 0x20[0-9a-f]+: permission fault"),
            ("jumps_to_stack", "instruction fetch of 0x7fffdff[0-9a-f]+: permission fault"),
            ("reads_kernel", "read of 0xffffff8070000000: permission fault"),
            ("bad_syscall", "unknown system call -1"),
            ("undefined", "exception class 0x0 "),
            ("hypervises", "exception class 0x0 ")]:
        machine.expect(f"kernel: PD {name} has stopped: {reason}")
    machine.expect("hello from survivor")
    assert "got away" not in machine.log


def test_a_child_is_restarted_and_stopped_by_its_parent(boot):
    machine = boot(image("restart"))
    for address in (16, 32, 48):
        machine.expect(rf"parent: fault of child 7 \(VM fault\) at {address}\r\n")
    machine.expect("parent: notified by the child")
    machine.expect("parent: child's registers read")
    machine.expect("parent: child stopped")
    assert "still alive" not in machine.settle(1)


def test_a_pd_stays_within_its_memory(boot):
    machine = boot(image("memory"))
    machine.expect("owner: wrote its own")
    for name, reason in [
            ("reads_behind", "read of 0x3002000: translation fault"),
            ("writes_behind", "write of 0x3002000: translation fault"),
            ("writes_across", "write of 0x3002000: translation fault"),
            ("jumps_behind", "instruction fetch of 0x3002000: translation fault"),
            ("runs_data", "instruction fetch of 0x3000000: permission fault"),
            ("writes_readonly", "write of 0x4000000: permission fault"),
            ("reads_others", "read of 0x5000000: translation fault"),
            ("overflows_stack", "write of 0x7fffdfd[0-9a-f]+: translation fault"),  # the guard page
            ("reads_far", "read of 0x800000000000: translation fault"),
            ("masks", "exception class 0x18 "),
            ("invalidates", "exception class 0x0 "),
            ("calls_firmware", "exception class 0x0 "),
            ("breaks", "exception class 0x3c ")]:
        machine.expect(f"kernel: PD {name} has stopped: {reason}")
    machine.expect("hello from survivor")
    assert "got away" not in machine.log


def test_wrong_system_calls_are_refused(boot):
    machine = boot(image("wrong_calls"))
    machine.expect("wrong: wrong calls not refused: 0\r\n")
    machine.expect("wrong: garbage in a msginfo is cut")
    machine.expect("wrong: reply to nobody")
    machine.expect("wrong: unknown calls of the child: 12\r\n")
    machine.expect("wrong: all steps done")
    machine.expect("hello from survivor")
    assert "bad step" not in machine.log and "got away" not in machine.log


def test_every_call_with_every_kind_of_argument(boot):
    machine = boot(image("sweep"))
    assert int(machine.expect(r"sweeper: calls: (\d+)\r\n").group(1)) > 75000
    machine.expect(r"sweeper: wrong answers: 0\r\n")
    machine.expect(r"sweeper: unknown calls that its parent has not seen: 0\r\n")
    machine.expect("hello from survivor")
    assert "keeper: the sweeper has faulted" not in machine.log


def test_floods_faults_and_loops_take_their_budgets_and_no_more(boot):
    machine = boot(image("denial"), extra=VIRTUAL_CLOCK)
    part = machine.expect(r"steady: its part of the steps in percent: (\d+)\r\n")
    gap = machine.expect(r"steady: longest time without a step in us: (\d+)\r\n")
    assert 45 <= int(part.group(1)) <= 80  # five others have a tenth each
    assert int(gap.group(1)) <= 10000


def test_a_loop_of_high_priority_gets_its_budget_and_no_more(boot):
    part = boot(image("budget"), extra=VIRTUAL_CLOCK).expect(r"low: its part of the counts in percent: (\d+)\r\n")
    assert int(part.group(1)) >= 70


def test_a_budget_comes_again_on_an_idle_core(boot):
    periods = boot(image("budget_alone"), extra=VIRTUAL_CLOCK).expect(r"alone: times that its budget ended: (\d+)\r\n", 10)
    assert 20 <= int(periods.group(1)) <= 60


def test_loops_of_one_priority_take_turns(boot):
    part = boot(image("round_robin"), extra=VIRTUAL_CLOCK).expect(r"right: its part of the counts in percent: (\d+)\r\n")
    assert 35 <= int(part.group(1)) <= 65


@pytest.mark.parametrize("system", ["nested", "nested_passive"])
def test_nested_calls_and_a_server_that_crashes(boot, system):
    machine = boot(image(system))
    machine.expect("front: nested answers: 300\r\n")
    machine.expect("boss: stops its child 9")
    machine.expect("front: the call was cancelled")
    machine.expect("front: the server is back")
    machine.expect("kernel: PD orphan has stopped")
    machine.expect("victim: the orphan's call was cancelled")
    machine.expect("hello from survivor")


def test_notifications_come_in_order_and_deferred_ones_behind(boot):
    machine = boot(image("signals"))
    for channel in (0, 3, 40, 61):
        machine.expect(f"receiver: channel {channel}\r\n")
    machine.expect("sender: told behind the handler")
    assert "too many" not in machine.settle(0.3)


def test_no_notification_is_lost_in_a_flood(boot):
    machine = boot(image("flood"))
    found = {"ping: the ball has come to rest at 20000", "pong: the ball has come to rest at 20000",
             "ping: has seen the last flood", "pong: has seen the last flood"}
    while found:
        found.remove(machine.expect("|".join(found)).group())


def test_a_pd_is_restarted_while_it_calls(boot):
    machine = boot(image("again"))
    machine.expect("keeper: reads the registers")
    machine.expect("server: answers to nobody")
    machine.expect("worker: has kept its registers")
    machine.expect("worker: answered after its restart")
    assert "the first call has returned" not in machine.log


def test_fp_registers_are_a_pds_own(boot):
    machine = boot(image("fp"))
    for _ in range(2):
        machine.expect(r"fp[01]: wrong FP registers: 0\r\n")


def test_the_firmware_is_for_those_who_may(boot):
    machine = boot(image("smc"))
    machine.expect(r"may: PSCI version 1\r\n")
    machine.expect("may: no such function")
    machine.expect("may_not: refused")


def test_a_guest_gets_neither_debug_registers_nor_el2(boot):
    machine = boot(image("guest_state"))
    machine.expect(r"debug: trapped accesses: 7\r\n")
    machine.expect(r"level: guest at a wrong level: 0\r\n")
    machine.expect("hello from survivor")
    assert "has stopped" not in machine.log


def test_guests_keep_their_registers(boot):
    machine = boot(image("guest_registers"))
    for _ in range(2):
        machine.expect(r"registers_[ab]: wrong rounds of the guest: 0\r\n")
        machine.expect(r"registers_[ab]: wrong: 0\r\n")


def test_guests_keep_their_disr(boot):
    machine = boot(image("guest_disr"))
    for _ in range(2):
        machine.expect(r"disr_[ab]: wrong rounds of the guest: 0\r\n", 10)


def test_a_guest_waits_is_woken_stopped_and_started(boot):
    machine = boot(image("guest_wfi"))
    machine.expect("wfi: the guest waits")
    machine.expect(r"wfi: woken by interrupt 40\r\n")
    machine.expect(r"wfi: ended interrupts: 1\r\n")
    machine.expect("wfi: the guest is stopped")
    machine.expect("wfi: started again")
    machine.expect("wfi: the guest has no answer")
    machine.expect("wfi: resumed")
    assert "wrong registers" not in machine.log
    assert "not been stopped" not in machine.log


def test_a_guests_timer_is_masked_until_acknowledged(boot):
    machine = boot(image("guest_timer"), extra=VIRTUAL_CLOCK)
    for _ in range(2):
        machine.expect(r"timer_[ab]: ticks: 32\r\n")
        machine.expect(r"timer_[ab]: wrong: 0\r\n")
