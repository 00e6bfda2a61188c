# SPDX-License-Identifier: BSD-2-Clause
"""The block device beside QEMU's own: the same guest with the same programs, once as a guest of ours
and once directly on QEMU. Both are there all the while and measure in turns, so that a busy host
slows both; a figure is the median of the rounds, a ratio that of the rounds' ratios."""

import os
import re
import statistics
import subprocess

import pexpect
import qemu

BUILD_DIR = os.environ.get("CLOISTER_BUILD_DIR", "build")
ROUNDS = int(os.environ.get("ROUNDS", "5"))
SIZES = {"4 KiB": 4, "64 KiB": 64, "1 MiB": 1024}  # in KiB
DEPTHS = (1, 16)
KINDS = ("read", "write")
AREA_KIB = 48 << 10  # what is read and written, from the beginning of the guest's disk
DD_KIB = {4: AREA_KIB // 2, 64: 4 * AREA_KIB, 1024: 12 * AREA_KIB}  # so that each takes a while
FIO_SECONDS = 1


class Direct:
    """A guest on QEMU's own devices, with a `run` as qemu.Guest has it."""

    def __init__(self, disk):
        self.child = pexpect.spawn("timeout", [
            "-k", "5", str(qemu.LIFE_S), "qemu-system-aarch64", "-nic", "none",
            "-machine", "virt,gic-version=2", "-cpu", qemu.CPU, "-m", "256M", "-display", "none",
            "-monitor", "none", "-serial", "stdio", "-global", "virtio-mmio.force-legacy=false",
            "-kernel", f"{BUILD_DIR}/guest/Image",
            "-initrd", f"{BUILD_DIR}/guest/initrd-test.cpio.gz",
            "-append", "console=ttyAMA0 hostname=guest0",
            "-drive", f"if=none,id=disk,format=raw,file={disk}",
            "-device", "virtio-blk-device,drive=disk"],
            encoding="utf-8", codec_errors="replace", timeout=qemu.HANG_S, echo=False)
        self.child.delaybeforesend = None
        self.child.expect("guest0 login: ")
        self.child.send("root\r")
        self.child.expect("root@guest0:")

    def run(self, command):
        self.child.send(f"echo BEG''IN; {command}; echo EN''D $?\r")
        self.child.expect(r"BEGIN\r+\n")
        self.child.expect(r"END (\d+)")
        output = self.child.before
        assert self.child.match[1] == "0", output
        self.child.expect("root@guest0:")
        return output


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


def one_row(measure, ours, direct, *what):
    rounds = [(measure(direct, *what), measure(ours, *what)) for _ in range(ROUNDS)]
    medians = [statistics.median(column) for column in zip(*rounds)]
    return [f"{medians[1]:.1f}", f"{medians[0]:.1f}",
            f"{statistics.median(theirs / mine for theirs, mine in rounds):.2f}"]


def disk_of(name):
    """A disk without holes: the host's file system makes no room for it while it is measured."""
    path = os.path.join(qemu.TARGET_DIR, "tests", f"bench_{name}.img")
    subprocess.run(["cp", "--sparse=never", qemu.DISK, path], check=True)
    return path


def measure(progress):
    """Rows of [what, MiB/s of ours, MiB/s of QEMU's, QEMU's by ours], and of interrupts a request."""
    disks = [disk_of(name) for name in ("ours", "direct")]
    machine = qemu.Machine(qemu.system_image("tests_bench_block"), guests=1, disk=disks[0])
    ours, direct = machine.guests[0].login(), Direct(disks[1])
    ours.run("umount /mnt")  # where QEMU's own has the whole disk, nothing is mounted
    rows = []
    for kind in KINDS:
        for size, kib in SIZES.items():
            for name, program, depth in [("`dd`", dd, 1)] + [("`fio`", fio, d) for d in DEPTHS]:
                rows.append([f"{name} {kind}, {size}, depth {depth}",
                             *one_row(program, ours, direct, kind, kib, depth)])
                progress(" ".join(rows[-1]))
    shares = [[f"interrupts a request, read, 4 KiB, depth {depth}",
               f"{interrupts_a_request(ours, depth):.2f}",
               f"{interrupts_a_request(direct, depth):.2f}", ""] for depth in DEPTHS]
    machine.stop()
    direct.child.close(force=True)
    for disk in disks:
        os.remove(disk)
    return rows + shares
