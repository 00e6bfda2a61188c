# SPDX-License-Identifier: BSD-2-Clause
"""Guests on partitions of one disk: its layout, as systems/disk.sh makes it, what a host's program
finds in the image, and the loads of test_block.py and test_driver_vm.py."""

import os
import subprocess

import qemu

MIB = 1 << 20
PARTITION_BYTES = 64 * MIB
SIZE_LINE = r"\[vda\] 131072 512-byte logical blocks"
FILES = 200


def new_disk(name, path):
    """A copy of tests/system/NAME, as images.mk made it."""
    empty = os.path.join(os.path.dirname(qemu.DISK), name)
    subprocess.run(["cp", "--sparse=always", empty, path], check=True)


def start_of(partition):
    return MIB + partition * PARTITION_BYTES


def partition_of(disk, number):
    with open(disk, "rb") as image:
        image.seek(start_of(number))
        return image.read(PARTITION_BYTES)


def power_off(machine):
    for guest in machine.guests:
        guest.send("poweroff\r")
        guest.expect(f"{guest.name}: powered off")
    machine.stop()


def dmesg(guest):
    return guest.run("dmesg | grep -E 'vda|init:'; true")


def check_file_system(disk, number, path, *checker):
    """A checker of the host's on the partition, extracted; what it says."""
    with open(path, "wb") as out:
        out.write(partition_of(disk, number))
    environment = dict(os.environ, PATH=os.environ["PATH"] + ":/usr/sbin:/sbin")
    checked = subprocess.run([*checker, str(path)], env=environment, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    return checked.stdout


# ---- File systems -------------------------------------------------------------------------------

def fill_file_systems(guests):
    """ext4 at the first guest, FAT at the second; many files, which outlive an unmount."""
    for guest, make, kind in zip(guests, ("mkfs.ext4 -F -q", "mkfs.fat"), ("ext4", "vfat")):
        guest.run(f"umount /mnt; {make} /dev/vda >/dev/null && mount -t {kind} /dev/vda /mnt")
        guest.run(f"for i in $(seq {FILES}); do head -c $((i * 97)) /dev/urandom >/mnt/file$i; done")
        guest.run("cd /mnt; sha256sum * >/tmp/sums; cd; umount /mnt")
        guest.run(f"mount -t {kind} /dev/vda /mnt; cd /mnt; sha256sum -cs /tmp/sums; cd; umount /mnt")


def check_filled(disk, path):
    """What the host's checkers say of them after the guests' end."""
    said = check_file_system(disk, 0, path / "ext4", "e2fsck", "-f", "-n")
    # ext4's own eleven, and the orphan file that Debian 13's mkfs.ext4 makes
    assert f" {FILES + 11}/" in said or f" {FILES + 12}/" in said, said
    said = check_file_system(disk, 1, path / "fat", "fsck.fat", "-n")
    assert f"{FILES} files" in said, said


# ---- Random writes ------------------------------------------------------------------------------

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


def write_at_random(machine, guests, disk, operations):
    """All of them at once, each job's data verified by fio. Then everything in the image but where
    a guest's jobs write is as it was, and nothing of one guest's is in the other's part. Ends the
    machine."""
    for guest in guests:
        guest.run("umount /mnt")
        guest.write_file("/tmp/job", FIO.format(operations=operations,
                                                pattern="0x" + pattern_of(guest).hex()))
    with open(disk, "rb") as image:
        before = image.read()
    for guest in guests:
        guest.start("fio /tmp/job >/tmp/out 2>&1; echo fio ends with $?")
    for guest in guests:
        assert guest.expect(r"fio ends with (\d+)", timeout=5 * qemu.HANG_S)[1] == "0", \
            guest.run("cat /tmp/out")
        guest.expect(guest.prompt)
        assert "error" not in dmesg(guest)
    machine.stop()
    with open(disk, "rb") as image:
        check_written(before, image.read(), guests)


def check_written(before, after, guests):
    """The guests have the partitions of their numbers."""
    where = 0
    for number, guest in enumerate(guests):
        first, end = start_of(number) + FIO_FIRST, start_of(number) + FIO_END
        assert after[where:first] == before[where:first]
        for other in guests:
            assert (pattern_of(other) in after[first:end]) == (other is guest)
        where = end
    assert after[where:] == before[where:]
