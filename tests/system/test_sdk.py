# SPDX-License-Identifier: BSD-2-Clause
"""What the embedded SDK promises to a PD: tests/system/sdk holds the PDs and their systems."""

import os

import pytest
import qemu


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
