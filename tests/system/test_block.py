# SPDX-License-Identifier: BSD-2-Clause
"""tests/system/block.yaml: three guests on one disk. What they see of it, and what the image holds
afterwards. CLOISTER_FIO_OPERATIONS says how many of each fio job (soak.mk: more)."""

import os
import re
import shutil
import signal
import struct
import subprocess

import pytest
import qemu

IMAGE = qemu.system_image("tests_system_block")
EMPTY = os.path.join(os.path.dirname(qemu.DISK), "disk3.img")  # as systems/disk.sh made it
OPERATIONS = int(os.environ.get("CLOISTER_FIO_OPERATIONS", "1000"))
MIB = 1 << 20
PARTITION_BYTES = 64 * MIB
SIZE_LINE = r"\[vda\] 131072 512-byte logical blocks"
DIRTY = "not properly unmounted"

ENTRY, ENTRY_BYTES, FIRST, SIGNATURE = 446, 16, 8, 510  # in the master boot record


def start_of(partition):
    return MIB + partition * PARTITION_BYTES


@pytest.fixture
def disk(tmp_path):
    """A new one, of three partitions."""
    path = str(tmp_path / "disk.img")
    subprocess.run(["cp", "--sparse=always", EMPTY, path], check=True)
    yield path
    shutil.rmtree(tmp_path)


def boot_on(boot, disk):
    machine = boot(IMAGE, guests=3, disk=disk)
    for guest in machine.guests:
        guest.login()
    return machine


def power_off(machine):
    for guest in machine.guests:
        guest.send("poweroff\r")
        guest.expect(f"{guest.name}: powered off")
    machine.stop()


def dmesg(guest):
    return guest.run("dmesg | grep -E 'vda|init:'; true")


def partition_of(disk, number):
    with open(disk, "rb") as image:
        image.seek(start_of(number))
        return image.read(PARTITION_BYTES)


def check_file_system(disk, number, path, *checker):
    """A checker of the host's on the partition, extracted; what it says."""
    with open(path, "wb") as out:
        out.write(partition_of(disk, number))
    environment = dict(os.environ, PATH=os.environ["PATH"] + ":/usr/sbin:/sbin")
    checked = subprocess.run([*checker, str(path)], env=environment, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    return checked.stdout


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


# Where the jobs write: 4 KiB anywhere; 512 bytes anywhere; and the even and odd sectors of the same
# blocks at once, of which none may be lost when blocks are read, changed and written.
FIO = """[global]
filename=/dev/vda
direct=1
ioengine=io_uring
iodepth=16
verify=crc32c
verify_fatal=1
verify_pattern={pattern}
number_ios={operations}
thread=1
[big]
rw=randwrite
bs=4k
offset=1M
size=40M
[small]
rw=randwrite
bs=512
offset=41M
size=5M
numjobs=2
offset_increment=5M
[even]
rw=write
bs=512
zonemode=strided
zonesize=512
zonerange=1k
offset=53477376
size=10M
[odd]
rw=write
bs=512
zonemode=strided
zonesize=512
zonerange=1k
offset=53477888
size=10M
"""
FIO_FIRST, FIO_END = 1 * MIB, 62 * MIB  # in a partition; room for 10,000 of each


def pattern_of(guest):
    return f"#{guest.name}-was-here#".encode()


def test_random_writes_of_two_guests_at_once(boot, disk):
    machine = boot_on(boot, disk)
    guests = machine.guests[:2]
    for guest in guests:
        guest.run("umount /mnt")
    before = open(disk, "rb").read()
    for guest in guests:
        guest.write_file("/tmp/job", FIO.format(operations=OPERATIONS,
                                                pattern="0x" + pattern_of(guest).hex()))
    for guest in guests:
        guest.start("fio /tmp/job >/tmp/out 2>&1; echo fio ends with $?")
    for guest in guests:
        assert guest.expect(r"fio ends with (\d+)", timeout=5 * qemu.HANG_S)[1] == "0", \
            guest.run("cat /tmp/out")
        guest.expect(guest.prompt)
        assert "error" not in dmesg(guest)
    machine.stop()

    after = open(disk, "rb").read()
    where = 0  # everything but where the jobs write is as it was
    for number, guest in enumerate(guests):
        first, end = start_of(number) + FIO_FIRST, start_of(number) + FIO_END
        assert after[where:first] == before[where:first]
        assert pattern_of(guest) in after[first:end]
        assert pattern_of(guests[1 - number]) not in after[first:end]
        where = end
    assert after[where:] == before[where:]


def test_the_hosts_checkers_find_nothing(boot, disk, tmp_path):
    machine = boot_on(boot, disk)
    for guest, make, kind in zip(machine.guests, ("mkfs.ext4 -F -q", "mkfs.fat"), ("ext4", "vfat")):
        guest.run(f"umount /mnt; {make} /dev/vda >/dev/null && mount -t {kind} /dev/vda /mnt")
        guest.run("for i in $(seq 200); do head -c $((i * 97)) /dev/urandom >/mnt/file$i; done")
        guest.run("cd /mnt; sha256sum * >/tmp/sums; cd; umount /mnt")
        guest.run(f"mount -t {kind} /dev/vda /mnt; cd /mnt; sha256sum -cs /tmp/sums; cd; umount /mnt")
    power_off(machine)
    said = check_file_system(disk, 0, tmp_path / "ext4", "e2fsck", "-f", "-n")
    assert "211/" in said  # ext4's own eleven
    said = check_file_system(disk, 1, tmp_path / "fat", "fsck.fat", "-n")
    assert "200 files" in said


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
