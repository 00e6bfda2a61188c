# SPDX-License-Identifier: BSD-2-Clause
"""tests/system/passthrough.yaml: a guest with the board's card and disk to itself, on two vCPUs."""

import hashlib
import re

import qemu

IMAGE = qemu.system_image("tests_system_passthrough")
PIECE = 2 << 20  # of the disk; the guest has room for little more
DISK_INTID = 55  # of slot 7


def md5(guest, skip=0, flags=""):
    """Of a piece of the disk, as the guest reads it."""
    output = guest.run(f"dd if=/dev/vda bs=1M skip={skip} count={PIECE >> 20} {flags} 2>/dev/null"
                       " | md5sum")
    return output.split()[0]


def drop_caches(guest):
    guest.run("sync; echo 3 >/proc/sys/vm/drop_caches")


def interrupts(guest, intid):
    """Linux's number for an interrupt, and how often each vCPU has had it."""
    line = re.search(rf"^ *(\d+): +(\d+) +(\d+) .* {intid} Edge", guest.run("cat /proc/interrupts"),
                     re.M)
    return [int(number) for number in line.groups()]


def test_ram_lies_where_the_board_has_it(machine):
    first, second = machine.guests
    for guest, ends in ((first, "40000000-45ffffff"), (second, "46000000-4dffffff")):
        assert f"{ends} : System RAM" in guest.run("cat /proc/iomem")


def test_an_empty_slot_is_nobody_s_device(machine):
    """Its own are the console and the source of random bytes."""
    assert machine.guests[0].run("ls /sys/bus/virtio/devices").split() == ["virtio0", "virtio1"]


def test_the_disk_is_the_board_s(machine):
    second = machine.guests[1]
    with open(qemu.DISK, "rb") as disk:
        wanted = hashlib.md5(disk.read(PIECE)).hexdigest()
    assert md5(second) == wanted
    second.run(f"head -c {PIECE} /dev/urandom >/tmp/piece && dd if=/tmp/piece of=/dev/vda bs=1M seek=70 "
               "conv=fsync 2>/dev/null")
    drop_caches(second)
    assert md5(second, 70) == second.run("md5sum </tmp/piece").split()[0]
    assert md5(second) == wanted


def test_the_card_is_the_board_s(machine):
    second = machine.guests[1]
    second.run("ifconfig eth0 up")
    assert "lease of 10.0.2." in second.run("udhcpc -i eth0 -q 2>&1")
    assert "3 packets received" in second.run("ping -c 3 10.0.2.2")


def test_interrupts_move_between_vcpus(machine):
    """While the disk is busy; none is lost, or a read would never end."""
    second = machine.guests[1]
    number, *before = interrupts(second, DISK_INTID)
    for vcpu in (1, 0, 1, 0):
        drop_caches(second)
        second.run(f"(sleep 0.1; echo {1 << vcpu} >/proc/irq/{number}/smp_affinity) & "
                   "dd if=/dev/vda of=/dev/null bs=64k count=200 2>/dev/null; wait")
    _, *after = interrupts(second, DISK_INTID)
    assert after[0] > before[0] and after[1] > before[1]


def test_reboots_while_the_disk_is_busy(machine):
    first, second = machine.guests
    for _ in range(3):
        second.run("(while true; do dd if=/dev/vda of=/dev/null bs=64k count=512; done "
                   ">/dev/null 2>&1 &)")
        second.start("sleep 1; reboot -f")
        second.login()
        first.answers()
    with open(qemu.DISK, "rb") as disk:
        assert md5(second) == hashlib.md5(disk.read(PIECE)).hexdigest()
