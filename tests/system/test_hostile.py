# SPDX-License-Identifier: BSD-2-Clause
"""tests/system/hostile.yaml: guest1 is tests/hostile, which plays the bad-input catalogue section by
section, with its verdict on each row; guest0 is Linux and works on its disk all the while.

CLOISTER_HOSTILE_TIMES says how often each section is played (`make soak`: more).
"""

import os
import re

import pytest
import qemu

IMAGE = qemu.system_image("tests_system_hostile")
TIMES = int(os.environ.get("CLOISTER_HOSTILE_TIMES", "1"))
# The catalogue's sections, and how many rows each has.
SECTIONS = {"T": 34, "Q": 12, "D": 28, "B": 19, "N": 14, "C": 8, "V": 19, "R": 4, "S": 9}
# Rows that no section plays, and why.
NOT_HERE = {
    "B6": "this guest may write its disk: test_block.py, test_read_only",
    "B19": "no guest is the back end: tests/unit/vmm/devices/block/test_virtio_block_server.c, test_driver_vm.py",
    "C6": "the console has one port, and a driver that wants more is refused by T22",
    "C7": "likewise",
    "R3": "there is no balloon",
    "R4": "likewise",
    "S6": "test_a_life_after_the_other",
    "S7": "a guest has no sDDF queue: tests/unit/io/virt/test_net_tx.c, test_blk_virt.c, test_serial_tx.c",
    "S8": "this guest serves no disk: test_driver_vm.py, tests/unit/vmm/devices/driver_vm/test_driver_vm_bad.c",
    "S9": "test_the_end_of_one_is_not_the_other_s",
}
# What is typed behind a section's letter: input that the rows of C leave lying for a while.
TYPED = {"C": "." * 20000}
# What is no row of the catalogue but belongs to its section.
MORE = {"S": {"gicc", "sgi", "wait", "mrs", "sys", "debug", "el0", "eret"}}
# Writes a file, drops it from memory and reads it back, from round to round, as long as it is right.
WORK = """dd if=/dev/urandom of=/tmp/work bs=64k count=8 2>/dev/null; i=0; sum=$(md5sum </tmp/work)
while cp /tmp/work /mnt/work; sync; echo 3 >/proc/sys/vm/drop_caches
[ "$(md5sum </mnt/work)" = "$sum" ]; do i=$((i + 1)); echo "round $i"; done; echo "round WRONG\""""
ROUND = r"round (\d+|WRONG)\r"
# The words of a device that a driver has driven out of the protocol.
REFUSED = r"guest1: (\w+): [^\r]*; it waits for its driver's reset \(error (\d+)\)"
# Neither a PD that faults nor a guest that crashes, nor what Linux says when a device fails it.
HARM = r"kernel: (PD|SError|exception)|crashed|I/O error|detected stall|lockup|BUG:|WARNING: CPU|Oops|panic"


@pytest.fixture(scope="module")
def machine(boot_for_module):
    machine = boot_for_module(IMAGE)
    linux, hostile = machine.guests
    linux.login()
    hostile.expect(r"hostile: 5 devices")
    linux.run("ifconfig eth0 192.168.1.1 up")  # whom the rows of N ask
    linux.run("(while :; do vsock_recv 3; done) >/dev/null 2>&1 & true")  # and those of V
    linux.start(WORK.replace("\n", "; "))
    machine.select(hostile.index)
    return machine


def rounds(linux):
    """Waits for the next round of work; returns which it is."""
    linux.output.seen = len(linux.output.text)
    number = linux.expect(ROUND)[1]
    assert number != "WRONG", "the disk of guest0 holds something else than was written"
    return int(number)


@pytest.mark.parametrize("section", SECTIONS)
def test_section(machine, section, say):
    linux, hostile = machine.guests
    wanted = {f"{section}{i + 1}" for i in range(SECTIONS[section])} - set(NOT_HERE)
    wanted |= MORE.get(section, set())
    for _ in range(TIMES):
        before = rounds(linux)
        begin, linux_begin = len(hostile.output.text), len(linux.output.text)
        machine.send(section + TYPED.get(section, ""))
        hostile.expect(rf"\n{section}: \d+ rows|died|crashed", timeout=8 * qemu.HANG_S)
        verdicts = re.findall(r"^(\w+) (ok|absent|FAILED[^\r]*|died[^\r]*)",
                              hostile.output.text[begin:], re.MULTILINE)
        assert [verdict for verdict in verdicts if verdict[1] != "ok"] == []
        assert {row for row, _ in verdicts} == wanted
        meanwhile = len(re.findall(ROUND, linux.output.text[linux_begin:]))
        say(f"section {section}: {len(verdicts)} rows, {meanwhile} rounds of guest0's meanwhile")
        assert rounds(linux) > before
    assert not re.search(HARM, machine.plain_log())
    assert "input: " not in machine.console.text[machine.console.seen:]  # C8 has not moved it


def test_errors_are_told_but_not_often(machine):
    """Oracle O7: powers of two, so a guest can't fill the log."""
    told = {}
    for device, count in re.findall(REFUSED, machine.plain_log()):
        told.setdefault(device, []).append(int(count))
    assert {"console", "block", "net0", "vsock"} <= set(told)
    for counts in told.values():
        assert counts == [1 << i for i in range(len(counts))]


def test_a_life_after_the_other(machine, say):
    """S6: it resets itself while its devices work."""
    linux, hostile = machine.guests
    for _ in range(TIMES):
        before, begin = rounds(linux), len(hostile.output.text)
        machine.send("r")
        hostile.expect("S6 ok|died|crashed", timeout=8 * qemu.HANG_S)
        said = hostile.output.text[begin:]
        assert "died" not in said and 50 < said.count("guest1: rebooting") == said.count("hostile: ")
        assert rounds(linux) > before


def test_the_end_of_one_is_not_the_other_s(machine):
    """S9: it powers itself off while its devices work."""
    linux, hostile = machine.guests
    machine.send("o")
    hostile.expect("guest1: powered off")
    rounds(linux)
    linux.send("\x03")
    linux.expect(linux.prompt)
    linux.answers()
    # Its card works, though nobody is there any more.
    assert "3 packets transmitted, 0 packets" in linux.run("ping -c 3 -W 1 192.168.1.2", status=1)
    assert not re.search(HARM, linux.run("dmesg"))
