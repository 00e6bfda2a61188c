# SPDX-License-Identifier: BSD-2-Clause
"""systems/driver_vm: guest3 has the disk and serves it to guest1 and guest2. What its seed shows, what
test_block.py shows of the native system, and what becomes of the clients when guest3 or its server
dies. CLOISTER_FIO_OPERATIONS says how many of each fio job (`make soak`: more)."""

import os
import re
import shutil
import signal
import socket

import pytest
import qemu
from disk_tools import SIZE_LINE, check_file_system, check_filled, dmesg, fill_file_systems, \
    new_disk, partition_of, power_off, write_at_random

IMAGE = qemu.system_image("driver_vm")
OPERATIONS = int(os.environ.get("CLOISTER_FIO_OPERATIONS", "200"))
CLIENTS = 2
POSTMARK = """set location /mnt
set number 200
set transactions 500
set size 500 20000
run
quit
"""
RECOVERED = "EXT4-fs (vda): recovery complete"
# Writes without end, and says when that has failed. The marks read otherwise in the echo.
LOAD = ("while dd if=/dev/urandom of=/mnt/load bs=64k count=64 conv=fsync 2>/dev/null; do :; done; "
        "echo FAI''LED")


@pytest.fixture
def disk(tmp_path):
    """A new one, of two partitions of ext4."""
    path = str(tmp_path / "disk.img")
    new_disk("disk-ext4.img", path)
    yield path
    shutil.rmtree(tmp_path)


def boot_on(boot, disk, extra=()):
    machine = boot(IMAGE, guests=3, first=1, colours=("32", "31", "36"), switch="at", disk=disk,
                   extra=extra)
    for guest in machine.guests:
        guest.login()
    return machine


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
    """After a power off the file system is clean; after QEMU was killed it is not, and says so, but
    all that was synced is there."""
    machine = boot_on(boot, disk)
    clients = machine.guests[:CLIENTS]
    for guest in clients:
        assert re.search(SIZE_LINE, dmesg(guest))
        assert " on /mnt type ext4 (rw," in guest.run("mount")
    sums = [write_and_sync(guest, "file") for guest in clients]
    power_off(machine)
    assert partition_of(disk, 0) != partition_of(disk, 1)
    check_file_systems(disk, tmp_path)

    machine = boot_on(boot, disk)
    for guest, expected in zip(machine.guests, sums):
        assert RECOVERED not in dmesg(guest)
        assert guest.run("sha256sum </mnt/file") == expected
        guest.run("cp /mnt/file /mnt/second; sync")
        guest.start(LOAD)
    os.kill(machine.qemu_pid(), signal.SIGKILL)
    machine.stop()

    machine = boot_on(boot, disk)
    for guest, expected in zip(machine.guests, sums):
        assert RECOVERED in dmesg(guest)
        for name in ("file", "second"):
            assert guest.run(f"sha256sum </mnt/{name}") == expected
    power_off(machine)
    check_file_systems(disk, tmp_path)


def test_random_writes_of_two_guests_at_once(boot, disk):
    machine = boot_on(boot, disk)
    write_at_random(machine, machine.guests[:CLIENTS], disk, OPERATIONS)


def test_the_hosts_checkers_find_nothing(boot, disk, tmp_path):
    machine = boot_on(boot, disk)
    fill_file_systems(machine.guests[:CLIENTS])
    power_off(machine)
    check_filled(disk, tmp_path)


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


def slow_down_writes(path, bytes_a_second):
    """Of the disk that guest3 has. QEMU's monitor is at `path`."""
    with socket.socket(socket.AF_UNIX) as monitor:
        monitor.settimeout(qemu.HANG_S)
        monitor.connect(path)
        monitor.send(f"block_set_io_throttle disk15 0 0 {bytes_a_second} 0 0 0\n".encode())
        said = b""
        while said.count(b"(qemu) ") < 2:  # before the command, and after it
            said += monitor.recv(4096)


def test_what_a_killed_server_has_begun(boot, disk, tmp_path):
    """It outlives the server, but not until another one serves: what that one writes comes later."""
    path = str(tmp_path / "monitor")
    machine = boot_on(boot, disk, ("-chardev", f"socket,id=monitor,path={path},server=on,wait=off",
                                   "-mon", "monitor"))
    client, server = machine.guests[0], machine.guests[2]
    for guest in machine.guests[:CLIENTS]:
        guest.run("umount /mnt")  # nobody else writes
    client.run("yes written | head -c 4096 >/tmp/block")
    slow_down_writes(path, 2048)
    writes = ("$(($(awk '{print $5}' /sys/class/block/vda1/stat) + "
              "$(awk '{print $2}' /sys/class/block/vda1/inflight)))")
    before = server.run(f"echo {writes}").strip()
    client.run("for i in 0 1000 2000 3000; do "
               "dd if=/tmp/block of=/dev/vda bs=4k seek=$i oflag=direct 2>/dev/null & done")
    server.run(f"while [ {writes} -lt $(({before} + 4)) ]; do usleep 10000; done")
    server.run("kill -9 $(pidof uio_blk)")
    server.expect("uio_blk: guest1 has 16384 blocks")
    partition = partition_of(disk, 0)
    for block in (0, 1000, 2000, 3000):
        assert partition[block * 4096:(block + 1) * 4096] == b"written\n" * 512, block


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
