# SPDX-License-Identifier: BSD-2-Clause
"""tests/system/block.yaml: three guests on one disk. What they see of it, and what the image holds
afterwards. CLOISTER_FIO_OPERATIONS says how many of each fio job (`make soak`: more)."""

import os
import re
import shutil
import signal
import struct

import pytest
import qemu
from disk_tools import PARTITION_BYTES, SIZE_LINE, check_filled, dmesg, fill_file_systems, new_disk, \
    partition_of, power_off, start_of, write_at_random

IMAGE = qemu.system_image("tests_system_block")
OPERATIONS = int(os.environ.get("CLOISTER_FIO_OPERATIONS", "1000"))
DIRTY = "not properly unmounted"

ENTRY, ENTRY_BYTES, FIRST, SIGNATURE = 446, 16, 8, 510  # in the master boot record


@pytest.fixture
def disk(tmp_path):
    """A new one, of three partitions."""
    path = str(tmp_path / "disk.img")
    new_disk("disk3.img", path)
    yield path
    shutil.rmtree(tmp_path)


def boot_on(boot, disk):
    machine = boot(IMAGE, guests=3, disk=disk)
    for guest in machine.guests:
        guest.login()
    return machine


def test_files_outlive_a_run(boot, disk):
    """After a power off the file system is clean; after QEMU was killed it is not, and says so, but
    all that was synced is there."""
    writers = 2
    machine = boot_on(boot, disk)
    sums = []
    for guest in machine.guests:
        assert re.search(SIZE_LINE, dmesg(guest))
        assert " on /mnt type vfat " in guest.run("mount")
    for guest in machine.guests[:writers]:
        guest.run("dd if=/dev/urandom of=/mnt/first bs=64k count=50 2>/dev/null; sync")
        sums.append(guest.run("sha256sum /mnt/first"))
        guest.run("cd /mnt; exec 9>left-open; echo something >&9")
    power_off(machine)

    machine = boot_on(boot, disk)
    for guest, expected in zip(machine.guests, sums):
        assert DIRTY not in dmesg(guest)
        assert guest.run("sha256sum /mnt/first") == expected
        assert guest.run("cat /mnt/left-open").strip() == "something"
        guest.run("cp /mnt/first /mnt/second; sync")
        guest.start("while :; do cp /mnt/first /mnt/third; done")
    os.kill(machine.qemu_pid(), signal.SIGKILL)
    machine.stop()

    machine = boot_on(boot, disk)
    for guest, expected in zip(machine.guests, sums):
        assert DIRTY in dmesg(guest)
        assert guest.run("sha256sum </mnt/second").split()[0] == expected.split()[0]


def test_read_only(boot, disk):
    """guest2 of the other tests' system reads, and no way of writing leads anywhere."""
    machine = boot_on(boot, disk)
    before = partition_of(disk, 2)
    guest = machine.guests[2]
    assert " on /mnt type vfat (ro," in guest.run("mount")
    assert guest.run("cat /sys/block/vda/ro").strip() == "1"
    guest.run("dd if=/dev/vda of=/dev/null bs=1M count=4 iflag=direct")
    for command in ("touch /mnt/x", "mount -o remount,rw /mnt",
                    "blockdev --setrw /dev/vda && dd if=/dev/zero of=/dev/vda bs=4k count=1 oflag=direct",
                    "blkdiscard /dev/vda"):
        assert "WRITTEN" not in guest.run(f"{command} 2>/dev/null && echo WRITTEN; true"), command
    assert partition_of(disk, 2) == before
    machine.guests[0].answers()


def test_random_writes_of_two_guests_at_once(boot, disk):
    machine = boot_on(boot, disk)
    write_at_random(machine, machine.guests[:2], disk, OPERATIONS)


def test_the_hosts_checkers_find_nothing(boot, disk, tmp_path):
    machine = boot_on(boot, disk)
    fill_file_systems(machine.guests)
    power_off(machine)
    check_filled(disk, tmp_path)


def spoil(disk, offset, data):
    with open(disk, "r+b") as image:
        image.seek(offset)
        image.write(data)


def test_a_partition_that_is_not_aligned(boot, disk):
    """Its guest has an empty disk and boots; the others have theirs."""
    sector, sectors = start_of(1) // 512 + 1, PARTITION_BYTES // 512 - 1
    spoil(disk, ENTRY + ENTRY_BYTES + FIRST, struct.pack("<II", sector, sectors))
    machine = boot_on(boot, disk)
    machine.seen = 0
    machine.expect(r"block: guest1 has no disk: partition 1 \(from 0\): [^\r]*4096")
    for guest in (machine.guests[0], machine.guests[2]):
        assert " on /mnt type vfat " in guest.run("mount")
    assert "/mnt" not in machine.guests[1].run("mount")
    assert machine.log.count("has no disk") == 1


def test_a_disk_without_a_table(boot, disk):
    spoil(disk, SIGNATURE, b"\0\0")
    machine = boot_on(boot, disk)
    for guest in machine.guests:
        assert re.search(rf"block: {guest.name} has no disk: partition \d \(from 0\): [^\r]*table",
                         machine.plain_log())
        assert "/mnt" not in guest.run("mount")
        said = dmesg(guest)
        assert "init: /dev/vda is a disk of no size" in said and "FAT-fs" not in said
        guest.run("dd if=/dev/vda of=/dev/null bs=512 count=1 2>&1; true")
        guest.answers()
