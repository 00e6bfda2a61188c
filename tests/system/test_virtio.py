# SPDX-License-Identifier: BSD-2-Clause
"""systems/virtio: two guests of 256 MB, one terminal, in the 1 GB of `-m 1G` (the default)."""

import re

import pytest
import qemu

IMAGE = qemu.system_image("virtio")
OPTIONS = {"memory": "1G"}


def test_two_prompts_in_red_and_green(machine):
    """As a person sees them: the last colour before the words."""
    for name, colour in (("guest0", "31"), ("guest1", "32")):
        before = machine.log[:machine.log.index(f"{name} login: ")]
        assert qemu.COLOUR.findall(before)[-1] == f"\x1b[{colour}m"


def test_two_guests_of_256_mb_in_1_gb(machine):
    for guest in machine.guests:
        total = int(re.search(r"MemTotal: +(\d+) kB", guest.run("cat /proc/meminfo"))[1])
        assert 200 * 1024 < total <= 256 * 1024


def test_the_input_moves_to_and_fro(machine):
    for guest in machine.guests * 2:
        guest.send("\r")
        assert guest.run("hostname").strip() == guest.name


def test_a_wrong_index_leaves_the_input_where_it_is(machine):
    guest = machine.guests[1]
    guest.answers()
    for index in ("2", "9", "63", "1000000", "4294967297"):
        machine.send(f"{qemu.CTRL_BACKSLASH}{index}\r")
        machine.console.expect("input: no such guest, stays with guest1\r+\n")
    guest.answers()


def test_a_command_that_is_none_explains_itself(machine):
    guest = machine.guests[0]
    guest.answers()
    machine.send(f"{qemu.CTRL_BACKSLASH}x")
    machine.console.expect(r"input: guest0 \(Ctrl-\\ then index, Enter: move it; Ctrl-\\ then \?: counters, or !: start a stopped guest\)\r+\n")
    guest.answers()


def test_ctrl_backslash_twice_is_one_for_the_guest(machine):
    guest = machine.guests[0]
    guest.start("stty raw -echo; echo READY; head -c 3 | xxd -p; stty sane")
    guest.expect("READY")
    guest.send("a" + qemu.CTRL_BACKSLASH * 2 + "b")
    guest.expect("611c62")
    guest.expect(guest.prompt)
    # As a key it is SIGQUIT, which ends a program (but no shell, so wait for what is no echo).
    guest.start("cat")
    guest.send("here\r")
    guest.expect(r"here\s+here")
    guest.send(qemu.CTRL_BACKSLASH * 2)
    guest.expect(guest.prompt)
    guest.answers()


def test_counters_on_a_key(machine):
    guest = machine.guests[0]
    machine.counters()
    guest.run("for i in 1 2 3 4 5; do dd if=/dev/vda of=/dev/null bs=4096 count=1 skip=$((i * 7 + 1000)) "
              "iflag=direct 2>/dev/null; done")
    since = machine.counters()
    assert since["blk_virt: guest0: reads"] == since["blk_virt: guest0: blocks of 4096 bytes"] == 5
    assert "blk_virt: guest1: reads" not in since
    assert since["guest0: queue kicks"] >= 5
    assert since["guest0: exits: block"] >= 5
    assert since["guest0: interrupts injected"] >= 5


def test_what_a_guest_prints_switches_nothing(machine):
    """Each convention's keys, and escape sequences that ask or restyle a terminal."""
    first, second = machine.guests
    first.answers()
    said = len(machine.console.text)
    second_said = len(second.output.text)
    first.run(r"printf '\0341\r@2\r@1\n\0341\n@2\n\034x\034\034'")
    first.run(r"printf '\033]0;title\007\033[c\033[5n\033[21t\033P1;2q\033\\\033(0\017\016\017'")
    first.run(r"printf '\000\001\002\003\004\005\006\007\021\023\177\200\233\377'")
    first.answers()  # without a switch: the input has not moved
    assert "input" not in machine.console.text[said:]
    assert second.output.text[second_said:] == ""
    second.answers()


def test_an_unmapped_address_is_a_bus_error(machine):
    """Where the board has its slots a guest has nothing: an abort, which Linux makes a signal."""
    first, second = machine.guests
    for access in ("", "32 1", "8", "64 0xffffffffffffffff"):
        # 128 + SIGBUS
        assert "Bus error" in first.run(f"devmem 0x0a000000 {access}", status=135)
    first.answers()
    second.answers()


def test_idle_guests_leave_the_host_core_alone(machine, say):
    """The goal is under 5 %. A machine that is busy elsewhere must not fail this."""
    for guest in machine.guests:
        guest.answers()
    before = machine.cpu_seconds()
    machine.settle(30)
    share = 100 * (machine.cpu_seconds() - before) / 30
    say(f"two idle guests: {share:.1f} % of a host core")
    assert share < 50


@pytest.mark.parametrize("image", [
    pytest.param(qemu.system_image("virtio", "release"), id="release"),
    pytest.param(qemu.system_image("virtio_contract"), id="vmm_contract")])
def test_the_other_builds_of_the_same_system(boot, image):
    """The release config, where nothing speaks past the guests' consoles; and a VMM that reaches its
    vCPU's registers by seL4's calls alone."""
    machine = boot(image)
    for guest in machine.guests:
        guest.login()
    machine.select(0)
    machine.select(1)
    for guest in machine.guests:
        assert guest.run("hostname").strip() == guest.name
    machine.guests[0].send("poweroff\r")
    machine.expect("guest0: powered off")
    machine.guests[1].answers()


def test_the_kernel_counts_in_a_benchmark(boot):
    """Where the core's time goes: most of a busy guest's is its own."""
    machine = boot(qemu.system_image("simple", "benchmark"), guests=1)
    name = machine.guests[0].login().name
    machine.guests[0].run("i=0; while [ $i -lt 20000 ]; do i=$((i + 1)); done")
    machine.counters()
    rows = {what: int(count) for count, what in
            re.findall(r"^ *(\d+) +(\w+: (?:kernel entries|switches to it|cycles))\r*$",
                       qemu.COLOUR.sub("", machine.log), re.MULTILINE)}
    assert rows[f"{name}: kernel entries"] >= rows[f"{name}: switches to it"] > 1000
    assert rows[f"{name}: cycles"] > rows[f"{name}_vmm: cycles"] > 0
    assert rows["idle: cycles"] > 0
