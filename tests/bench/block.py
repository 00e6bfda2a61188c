# SPDX-License-Identifier: BSD-2-Clause
"""The block device beside QEMU's own: the same guest with the same programs, once as a guest of ours
and once directly on QEMU. Both are there all the while and measure in turns, so that a busy host
slows both."""

import contextlib
import os
import re
import subprocess

import qemu
from direct import Machines, compared, disk_options
from result import Figure, in_turns

SIZES = {"4 KiB": 4, "64 KiB": 64, "1 MiB": 1024}  # in KiB
DEPTHS = (1, 16)
KINDS = ("read", "write")
AREA_KIB = 48 << 10  # what is read and written, from the beginning of the guest's disk
DD_KIB = {4: AREA_KIB // 2, 64: 4 * AREA_KIB, 1024: 12 * AREA_KIB}  # so that each takes a while
FIO_SECONDS = 1


def fio(guest, kind, kib, depth):
    """MiB a second."""
    fields = guest.run(f"fio --minimal --name=x --filename=/dev/vda --direct=1 --ioengine=io_uring "
                       f"--rw={kind} --bs={kib}k --iodepth={depth} --size={AREA_KIB}k --time_based "
                       f"--runtime={FIO_SECONDS} --thread").split(";")
    return int(fields[6 if kind == "read" else 47]) / 1024


def dd(guest, kind, kib, _):
    """MiB a second. busybox's dd tells no time."""
    ends = ("if=/dev/vda of=/dev/null iflag=direct" if kind == "read"
            else "if=/dev/zero of=/dev/vda oflag=direct")
    times = -(-DD_KIB[kib] // AREA_KIB)
    count = DD_KIB[kib] // times // kib
    said = guest.run(f"time sh -c 'for i in $(seq {times}); do "
                     f"dd {ends} bs={kib}k count={count} 2>/dev/null; done'")
    real = re.search(r"real\s+(\d+)m\s*([\d.]+)s", said)
    return count * times * kib / 1024 / (int(real[1]) * 60 + float(real[2]))


def interrupts(guest):
    """Of the disk, since the guest's start."""
    said = guest.run("grep $(basename $(readlink /sys/block/vda/device)) /proc/interrupts")
    return int(said.split()[1])


def requests(guest):
    fields = guest.run("cat /sys/block/vda/stat").split()
    return int(fields[0]) + int(fields[4])


def interrupts_a_request(guest, depth):
    before = interrupts(guest), requests(guest)
    fio(guest, "read", 4, depth)
    return (interrupts(guest) - before[0]) / (requests(guest) - before[1])


def disk_of(name):
    """A disk without holes: the host's file system makes no room for it while it is measured."""
    path = os.path.join(qemu.TARGET_DIR, "tests", f"bench_{name}.img")
    subprocess.run(["cp", "--sparse=never", qemu.DISK, path], check=True)
    return path


# dd, by kind and KiB: the reference's.
REFERENCE = {("write", 4): 2.1, ("read", 4): 2.7, ("write", 64): 38, ("read", 64): 16,
             ("write", 1024): 116, ("read", 1024): 59}


@contextlib.contextmanager
def disks():
    """One for each side."""
    paths = [disk_of(name) for name in ("ours", "direct")]
    try:
        yield paths
    finally:
        for path in paths:
            os.remove(path)


def measure():
    """Figures, each as soon as it is there."""
    with disks() as (our_disk, other_disk), Machines() as machines:
        ours = machines.ours(qemu.system_image("tests_bench_block"), guests=1, disk=our_disk).guests[0].login()
        direct = machines.direct(disk=disk_options(other_disk)).login()
        yield compared("block", ours, direct)
        for guest in (ours, direct):
            guest.run("umount /mnt")
        for kind in KINDS:
            for size, kib in SIZES.items():
                for name, program, depth in [("dd", dd, 1)] + [("fio", fio, d) for d in DEPTHS]:
                    yield Figure("block", f"{name} {kind}, {size}, depth {depth}", "MiB/s",
                                 *in_turns(lambda: program(ours, kind, kib, depth),
                                           lambda: program(direct, kind, kib, depth)),
                                 reference=REFERENCE.get((kind, kib)) if name == "dd" else None)
        for depth in DEPTHS:
            yield Figure("block", f"interrupts a request, read, 4 KiB, depth {depth}", "",
                         *in_turns(lambda: interrupts_a_request(ours, depth),
                                   lambda: interrupts_a_request(direct, depth)))
