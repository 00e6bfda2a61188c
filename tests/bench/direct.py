# SPDX-License-Identifier: BSD-2-Clause
"""A guest on QEMU's own devices: what figures of ours stand beside."""

import os
import time

import pexpect
import qemu

BUILD_DIR = os.environ.get("CLOISTER_BUILD_DIR", "build")


def command(*options, initrd="initrd.cpio.gz"):
    return ["-k", "5", str(qemu.LIFE_S), "qemu-system-aarch64", "-machine", "virt,gic-version=2",
            "-cpu", qemu.CPU, "-m", "256M", "-display", "none", "-monitor", "none",
            "-serial", "stdio", "-global", "virtio-mmio.force-legacy=false",
            "-kernel", f"{BUILD_DIR}/guest/Image", "-initrd", f"{BUILD_DIR}/guest/{initrd}",
            "-append", "console=ttyAMA0 hostname=guest0", *options]


def spawn(arguments):
    child = pexpect.spawn("timeout", arguments, encoding="utf-8", codec_errors="replace",
                          timeout=qemu.HANG_S, echo=False)
    child.delaybeforesend = None
    return child


class Direct:
    """With a `run` as qemu.Guest has it."""

    def __init__(self, disk=None, options=("-nic", "none")):
        drive = () if disk is None else ("-drive", f"if=none,id=disk,format=raw,file={disk}",
                                         "-device", "virtio-blk-device,drive=disk")
        self.child = spawn(command(*options, *drive, initrd="initrd-test.cpio.gz"))
        self.index = 0
        self.child.expect("guest0 login: ")
        self.child.send("root\r")
        self.child.expect("root@guest0:")

    def run(self, command_line):
        self.child.send(f"echo BEG''IN; {command_line}; echo EN''D $?\r".replace("\n", "; "))
        self.child.expect(r"BEGIN\r+\n")
        self.child.expect(r"END (\d+)")
        output = self.child.before
        assert self.child.match[1] == "0", output
        self.child.expect("root@guest0:")
        return output

    def cpu_seconds(self):
        return qemu.cpu_seconds(self.child)

    def stop(self):
        self.child.close(force=True)


def boot_seconds():
    """To the prompt."""
    child = spawn(command("-nic", "none"))
    started = time.monotonic()
    child.expect("guest0 login: ")
    seconds = time.monotonic() - started
    child.close(force=True)
    return seconds
