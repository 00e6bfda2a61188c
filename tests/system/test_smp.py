# SPDX-License-Identifier: BSD-2-Clause
"""tests/system/smp.yaml: a guest with two vCPUs (guest0), which share the one core."""

import re

import qemu

IMAGE = qemu.system_image("tests_system_smp")
ONLINE = "cat /sys/devices/system/cpu/online"
COUNT = """trap 'echo $i $(cut -d" " -f39 /proc/$$/stat) >/tmp/$1; exit' TERM
i=0
while :; do i=$((i + 1)); done
"""


def count_pinned(guest, seconds):
    """Two loops, one pinned to each vCPU, count for the same time: (count, count)."""
    guest.write_file("/tmp/count", COUNT)
    guest.run("taskset 1 sh /tmp/count a & taskset 2 sh /tmp/count b & true")
    guest.run(f"sleep {seconds}; kill %1 %2; wait")
    counts = []
    for cpu, name in enumerate("ab"):
        count, ran_on = guest.run(f"cat /tmp/{name}").split()
        assert int(ran_on) == cpu
        counts.append(int(count))
    return counts


def test_both_cpus_are_online(machine):
    guest = machine.guests[0]
    assert guest.run("nproc").strip() == "2"
    assert guest.run(ONLINE).strip() == "0-1"
    assert machine.guests[1].run("nproc").strip() == "1"


def test_two_busy_loops_make_similar_progress(machine, say):
    counts = count_pinned(machine.guests[0], 5)
    say(f"busy loops on two vCPUs: {counts[0]} and {counts[1]} rounds")
    assert min(counts) > 1000
    assert max(counts) < 2 * min(counts)


def test_interprocessor_interrupts_arrive(machine):
    """A pipe between the two: each write wakes a reader on the other vCPU."""
    guest = machine.guests[0]
    ipis = re.compile(r"IPI0: +(\d+) +(\d+)")
    before = sum(map(int, ipis.search(guest.run("cat /proc/interrupts")).groups()))
    guest.run("mkfifo /tmp/there /tmp/back; "
              "taskset 2 sh -c 'while read x; do echo $x; done </tmp/there >/tmp/back' & true")
    assert guest.run("taskset 1 sh -c 'exec >/tmp/there </tmp/back; i=0; "
                     "while [ $i -lt 500 ]; do echo $i; read i; i=$((i + 1)); done; "
                     "echo i=$i >&2'").strip() == "i=500"
    after = sum(map(int, ipis.search(guest.run("cat /proc/interrupts")).groups()))
    assert after > before


def test_a_cpu_goes_offline_and_comes_back(machine):
    """PSCI's CPU_OFF and CPU_ON."""
    guest = machine.guests[0]
    switch = "/sys/devices/system/cpu/cpu1/online"
    for _ in range(3):
        guest.run(f"echo 0 >{switch}")
        assert guest.run(ONLINE).strip() == "0"
        guest.run(f"echo 1 >{switch}")
        assert guest.run(ONLINE).strip() == "0-1"
        assert guest.run("taskset 2 sh -c 'cut -d\" \" -f39 /proc/$$/stat'").strip() == "1"
    machine.guests[1].answers()


def test_the_boot_cpu_goes_offline_and_comes_back(machine):
    """Debian's kernel allows that as well: then vCPU 1 does everything."""
    guest = machine.guests[0]
    switch = "/sys/devices/system/cpu/cpu0/online"
    guest.run(f"echo 0 >{switch}")
    assert guest.run(ONLINE).strip() == "1"
    guest.answers()
    guest.run(f"echo 1 >{switch}")
    assert guest.run(ONLINE).strip() == "0-1"


def test_all_vcpus_busy_leave_the_other_guest_usable(machine):
    busy, other = machine.guests
    busy.run("taskset 1 sh -c 'while :; do :; done' & taskset 2 sh -c 'while :; do :; done' & true")
    for _ in range(5):
        other.answers()
    busy.run("kill %1 %2; wait; true")


def test_a_guest_of_two_vcpus_reboots(machine):
    guest = machine.guests[0]
    for _ in range(2):
        guest.send("reboot\r")
        guest.expect("guest0: rebooting")
        guest.login()
        assert guest.run(ONLINE).strip() == "0-1"
    machine.guests[1].answers()
