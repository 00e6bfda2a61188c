# SPDX-License-Identifier: BSD-2-Clause
"""The disk that another guest serves, beside the native system and the guest directly on QEMU: one
client with the same programs on each, in turns; medians of the rounds."""

import os
import re
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "system"))
import block  # noqa: E402
import direct  # noqa: E402
import qemu  # noqa: E402

ROUNDS = int(os.environ.get("ROUNDS", "3"))
EMPTY = qemu.DISK.replace("disk.img", "disk-ext4.img")
FIO = [(kind, kib, depth) for kind in block.KINDS for kib, depth in ((4, 1), (4, 16), (1024, 16))]
POSTMARK = ("set location /tmp/disk", "set number 500", "set transactions 5000",
            "set size 500 10000", "set buffering false", "run", "quit")


def disk_of(name):
    path = os.path.join(qemu.TARGET_DIR, "tests", f"bench_{name}.img")
    subprocess.run(["cp", "--sparse=never", EMPTY, path], check=True)
    return path


def postmark(guest):
    """Seconds, by the clock, of a run with its data on the disk at the end."""
    script = "; ".join(f"echo {line}" for line in POSTMARK)
    said = guest.run(f"({script}) >/tmp/script; mount -t ext4 $(cat /tmp/name) /tmp/disk; "
                     "time sh -c '/root/postmark /tmp/script >/dev/null; sync'; umount /tmp/disk")
    real = re.search(r"real\s+(\d+)m\s*([\d.]+)s", said)
    return int(real[1]) * 60 + float(real[2])


def prepare(guest, partition):
    guest.run(f"umount /mnt 2>/dev/null; mkdir -p /tmp/disk; echo {partition} >/tmp/name")
    return guest


def rows(guests, progress):
    jobs = [("postmark, s", postmark, ())]
    jobs += [(f"`fio` {kind}, {kib} KiB, depth {depth}, MiB/s", block.fio, (kind, kib, depth))
             for kind, kib, depth in FIO]
    for name, measure, what in jobs:
        rounds = [[measure(guest, *what) for guest in guests] for _ in range(ROUNDS)]
        yield [name, *(f"{statistics.median(column):.1f}" for column in zip(*rounds))]


def main():
    disks = [disk_of(name) for name in ("served", "native", "direct")]
    served = qemu.Machine(qemu.system_image("driver_vm"), guests=3, first=1, switch="at",
                          colours=("32", "31", "36"), disk=disks[0])
    for guest in served.guests:
        guest.login()
    native = qemu.Machine(qemu.system_image("tests_bench_block"), guests=1, disk=disks[1])
    guests = [served.guests[0], native.guests[0].login(),
              direct.Direct(name="guest1", memory="192M", disk=direct.disk_options(disks[2])).login()]
    direct.compared("the disk that a guest serves", guests[0], guests[2])
    guests = [prepare(guest, "/dev/vda") for guest in guests]
    print("| what | served by a guest | native | directly on QEMU |\n|---|---|---|---|")
    for row in rows(guests, print):
        print("| " + " | ".join(row) + " |", flush=True)
    for path in disks:
        os.remove(path)


if __name__ == "__main__":
    main()
