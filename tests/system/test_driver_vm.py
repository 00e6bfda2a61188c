# SPDX-License-Identifier: BSD-2-Clause
"""systems/driver_vm: guest3 has the disk and serves it to guest1 and guest2. What its seed shows, and
what becomes of the clients when guest3 or its server dies."""

import os
import re
import shutil
import signal

import pytest
import qemu
from test_block import FIO, FIO_END, FIO_FIRST, OPERATIONS, check_file_system, partition_of, \
    pattern_of, start_of

IMAGE = qemu.system_image("driver_vm")
EMPTY = qemu.DISK.replace("disk.img", "disk-ext4.img")
CLIENTS = 2
POSTMARK = """set location /mnt
set number 200
set transactions 500
set size 500 20000
run
quit
"""
# Writes without end, and says when that has failed. The marks read otherwise in the echo.
LOAD = ("while dd if=/dev/urandom of=/mnt/load bs=64k count=64 conv=fsync 2>/dev/null; do :; done; "
        "echo FAI''LED")


@pytest.fixture
def disk(tmp_path):
    """A new one, of two partitions of ext4."""
    path = str(tmp_path / "disk.img")
    shutil.copy(EMPTY, path)
    yield path
    shutil.rmtree(tmp_path)


def boot_on(boot, disk):
    machine = boot(IMAGE, guests=3, first=1, colours=("32", "31", "36"), switch="at", disk=disk)
    for guest in machine.guests:
        guest.login()
    return machine


def power_off(machine):
    for guest in machine.guests:
        guest.send("poweroff\r")
        guest.expect(f"{guest.name}: powered off")
    machine.stop()


def check_file_systems(disk, tmp_path):
    for number in range(CLIENTS):
        check_file_system(disk, number, tmp_path / f"part{number}", "e2fsck", "-f", "-n")


def write_and_sync(guest, name, count=32):
    """Returns the sum of what is then on the disk."""
    guest.run(f"dd if=/dev/urandom of=/mnt/{name} bs=64k count={count} 2>/dev/null; sync")
    return guest.run(f"sha256sum </mnt/{name}")


def test_the_seed(boot, disk, tmp_path):
    """guest3 first, then the clients; both mount; postmark in both at once; clean afterwards."""
    machine = boot_on(boot, disk)
    assert machine.input == 2
    log = machine.plain_log()
    served = log.index("guest3: disk of guest1: served, 16384 blocks")
    assert served < log.index("Linux version", log.index("Linux version") + 1)
    clients = machine.guests[:CLIENTS]
    for guest in clients:
        assert "EXT4-fs (vda): mounted filesystem" in guest.run("dmesg | grep EXT4")
        guest.write_file("/root/script", POSTMARK)
        guest.start("/root/postmark /root/script")
    for guest in clients:
        guest.expect(r"Time:\s+\d+ seconds total")
        guest.expect(r"Data:\s[^#]*megabytes written")
        guest.expect(guest.prompt)
    power_off(machine)
    check_file_systems(disk, tmp_path)


def test_files_outlive_a_run(boot, disk, tmp_path):
    machine = boot_on(boot, disk)
    sums = [write_and_sync(guest, "file") for guest in machine.guests[:CLIENTS]]
    power_off(machine)
    assert partition_of(disk, 0) != partition_of(disk, 1)
    check_file_systems(disk, tmp_path)
    machine = boot_on(boot, disk)
    for guest, expected in zip(machine.guests, sums):
        assert guest.run("sha256sum </mnt/file") == expected
        guest.run("cp /mnt/file /mnt/second; sync")
        guest.start(LOAD)
    os.kill(machine.qemu_pid(), signal.SIGKILL)
    machine.stop()
    machine = boot_on(boot, disk)
    for guest, expected in zip(machine.guests, sums):
        assert "recovery complete" in guest.run("dmesg | grep EXT4")
        assert guest.run("sha256sum </mnt/second") == expected


def test_random_writes_of_two_guests_at_once(boot, disk):
    """Whole blocks and parts of blocks, verified; nothing of it in the other's partition."""
    machine = boot_on(boot, disk)
    clients = machine.guests[:CLIENTS]
    for guest in clients:
        guest.run("umount /mnt")
        guest.write_file("/tmp/job", FIO.format(operations=OPERATIONS,
                                                pattern="0x" + pattern_of(guest).hex()))
    with open(disk, "rb") as image:
        before = image.read()
    for guest in clients:
        guest.start("fio /tmp/job >/tmp/out 2>&1; echo fio ends with $?")
    for guest in clients:
        assert guest.expect(r"fio ends with (\d+)", timeout=5 * qemu.HANG_S)[1] == "0", \
            guest.run("cat /tmp/out")
        guest.expect(guest.prompt)
    machine.stop()
    with open(disk, "rb") as image:
        after = image.read()
    where = 0  # everything but where the jobs write is as it was
    for number, guest in enumerate(clients):
        first, end = start_of(number) + FIO_FIRST, start_of(number) + FIO_END
        assert after[where:first] == before[where:first]
        assert pattern_of(guest) in after[first:end]
        assert pattern_of(clients[1 - number]) not in after[first:end]
        where = end
    assert after[where:] == before[where:]


def mount_again(guest):
    """After an error the file system is read-only: anew from the disk, as it is now."""
    guest.run("umount /mnt; mount -t ext4 /dev/vda /mnt")


def expect_failure(guest):
    guest.expect("FAILED\r")
    guest.expect(guest.prompt)
    guest.answers()


def test_a_server_that_hangs(boot, disk):
    """No request waits for ever; a new server is one."""
    machine = boot_on(boot, disk)
    clients, server = machine.guests[:CLIENTS], machine.guests[2]
    for guest in clients:
        guest.start(LOAD)
    server.run("kill -STOP $(pidof uio_blk)")
    for guest in clients:
        expect_failure(guest)
    server.expect("it has not answered in time")
    server.run("kill -9 $(pidof uio_blk)")
    server.expect("uio_blk: guest2 has 16384 blocks")
    for guest in clients:
        mount_again(guest)
        write_and_sync(guest, "after")


@pytest.mark.parametrize("death", ["kill -9 $(pidof uio_blk)", "echo c >/proc/sysrq-trigger"],
                         ids=["server killed", "guest panics"])
def test_death(boot, disk, tmp_path, death):
    """Under load the clients get errors and live on; what was flushed is there when the disk is back,
    and that is so without anybody's help."""
    machine = boot_on(boot, disk)
    clients, server = machine.guests[:CLIENTS], machine.guests[2]
    sums = [write_and_sync(guest, "file") for guest in clients]
    for guest in clients:
        guest.start(LOAD)
    server.start(death)
    if "sysrq" in death:
        server.login()
    for guest in clients:
        expect_failure(guest)
        assert re.search("I/O error", guest.run("dmesg"))
    for guest, expected in zip(clients, sums):
        mount_again(guest)
        assert guest.run("sha256sum </mnt/file") == expected
        write_and_sync(guest, "after")
    machine.guests[2].answers()
    power_off(machine)
    check_file_systems(disk, tmp_path)
