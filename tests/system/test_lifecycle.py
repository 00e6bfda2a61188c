# SPDX-License-Identifier: BSD-2-Clause
"""A guest ends, in every way that it can, and the other one goes on."""

import time

import qemu

SIMPLE = qemu.system_image("simple")
VIRTIO = qemu.system_image("virtio")  # no panic= on the command line: a panic is the end
LIFECYCLE = qemu.system_image("tests_system_lifecycle")
BOOTING = "Booting Linux on physical CPU"
STOPPED = r"input: guest0 has powered off; Ctrl-\\ then ! starts it again\r+\n"


def log_in(machine):
    for guest in machine.guests:
        guest.login()
    return machine.guests


class Undisturbed:
    """A guest's clock and shell while something happens beside it."""

    def __init__(self, guest):
        self.guest = guest
        self.guest.run("(while sleep 1; do cat /proc/uptime; done) >/tmp/ticks & true")
        self.uptime = guest.uptime()
        self.time = time.monotonic()

    def check(self):
        """It answers, and its clock has gone as the host's has: no jump, no stop, no new start."""
        before = time.monotonic()
        uptime = self.guest.uptime()
        after = time.monotonic()
        passed = uptime - self.uptime
        assert before - self.time - 1 <= passed <= after - self.time + 1

    def check_ticks(self):
        """Its timers have fired all the while."""
        ticks = [float(line.split()[0]) for line in self.guest.run("cat /tmp/ticks").splitlines()]
        passed = self.guest.uptime() - self.uptime
        assert ticks == sorted(ticks)
        assert len(ticks) >= int(passed / 4)  # a busy host may make a second's sleep longer


def test_power_off(boot):
    first, second = log_in(boot(VIRTIO))
    watch = Undisturbed(second)
    first.run("echo kept >/mnt/kept")
    first.send("poweroff\r")
    first.expect("guest0: powered off")
    watch.check()
    # What is typed for it now goes nowhere, and moves on nevertheless.
    first.send("echo hello\r" * 20000)
    first.machine.console.expect(STOPPED)
    second.answers()
    first.machine.start_again(0)
    first.expect("guest0: started again from the console")
    assert first.login().run("cat /mnt/kept").strip() == "kept"
    watch.check()
    watch.check_ticks()
    second.send("poweroff\r")
    second.expect("guest1: powered off")


def test_the_last_guest(boot):
    """After it the console says how to go on; the operator's keys alone start it again, fresh; without
    that the machine goes off, and QEMU ends."""
    machine = boot(SIMPLE, guests=1)
    guest, = log_in(machine)
    machine.start_again(0)
    guest.expect("guest0: is running")
    guest.run(r"touch /root/left-behind; printf '\034!\033!@!\r@!\n'")  # what a guest prints starts nothing
    guest.send("poweroff\r")
    machine.console.expect(r"all guests are stopped; Ctrl-\\ then ! starts guest0 again; Ctrl-a x leaves QEMU; "
                           "without input the machine goes off in 10 s")
    machine.send("echo hello\r")
    machine.console.expect(STOPPED)
    assert "started again" not in machine.log
    machine.start_again(0)
    guest.expect("guest0: started again from the console")
    assert "left-behind" not in guest.login().run("ls /root")
    guest.send("poweroff\r")
    machine.console.expect("without input the machine goes off in 10 s")
    machine.child.expect(qemu.pexpect.EOF)
    machine.child.wait()
    assert machine.child.exitstatus == 0


def test_kernel_panic(boot):
    """The kernel that has panicked reads nothing any more: its input fills up and is dropped."""
    first, second = log_in(boot(VIRTIO))
    watch = Undisturbed(second)
    first.send("echo c >/proc/sysrq-trigger\r")
    first.expect("Kernel panic - not syncing: sysrq triggered crash")
    first.expect("end Kernel panic")
    watch.check()
    first.send("x" * 200_000)
    first.machine.console.expect("input: guest0 does not read, its input is dropped")
    second.answers()
    watch.check()
    watch.check_ticks()
    first.machine.select(0)
    second.answers()
    assert BOOTING not in second.output.text[second.output.text.index("guest1 login"):]


def test_busy_loop(boot):
    first, second = log_in(boot(VIRTIO))
    watch = Undisturbed(second)
    first.start("while :; do :; done")
    for _ in range(10):
        second.machine.settle(0.3)
        watch.check()
    first.send("\x03")
    first.expect(first.prompt)
    first.answers()
    watch.check_ticks()


def test_ten_reboots(boot, say):
    """Each starts from fresh images; guest1 notices nothing."""
    machine = boot(LIFECYCLE)
    first, second = log_in(machine)
    watch = Undisturbed(second)
    for number in range(1, 11):
        first.run("touch /root/left-behind /tmp/left-behind")
        first.send("reboot\r")
        first.expect("guest0: rebooting")
        first.expect(BOOTING)
        watch.check()
        first.login()
        assert "left-behind" not in first.run("ls /root /tmp")
        say(f"reboot {number} of 10")
    watch.check()
    watch.check_ticks()
    assert second.output.text.count(BOOTING) == 1
    assert first.output.text.count(BOOTING) == 11


def test_reboot_from_a_panic(boot):
    first, second = log_in(boot(LIFECYCLE))
    watch = Undisturbed(second)
    first.send("echo c >/proc/sysrq-trigger\r")
    first.expect("Kernel panic - not syncing: sysrq triggered crash")
    first.expect("guest0: rebooting")
    first.login().answers()
    watch.check()
    watch.check_ticks()


def panic_in_interrupt(guest):
    """softdog panics in its timer's handler: the timer interrupt is active then, and stays it."""
    guest.run("insmod /softdog.ko soft_panic=1 soft_margin=1")
    guest.send("exec 9>/dev/watchdog\r")
    guest.expect("Kernel panic - not syncing: Software Watchdog Timer expired")
    guest.expect("softdog_fire")
    guest.expect("el[01][ht]_64_irq")
    guest.expect(f"{guest.name}: rebooting")
    guest.login()


def test_reboot_from_a_panic_in_an_interrupt(boot):
    first, second = log_in(boot(LIFECYCLE))
    watch = Undisturbed(second)
    for _ in range(2):
        panic_in_interrupt(first)
        first.run("sleep 1")  # it has a timer
        watch.check()
    watch.check_ticks()


def test_reboot_from_a_panic_in_an_interrupt_of_two_vcpus(boot):
    """guest1 has two: the other one is stopped by an interrupt, wherever it is."""
    first, second = log_in(boot(LIFECYCLE))
    watch = Undisturbed(first)
    panic_in_interrupt(second)
    second.run("taskset 1 sleep 1; taskset 2 sleep 1")
    watch.check()
    watch.check_ticks()
