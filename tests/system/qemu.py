# SPDX-License-Identifier: BSD-2-Clause
"""A system image in QEMU, driven through its console as a person would."""

import os
import re
import time

import pexpect

TARGET_DIR = os.environ.get("CLOISTER_TARGET_DIR", "build/qemu_virt_aarch64/debug")
CPU = os.environ.get("CLOISTER_QEMU_CPU", "cortex-a76")
HANG_S = 120  # a test waits so long before it calls something a hang
LIFE_S = 900  # and no QEMU of ours lives longer

COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class Machine:
    """One QEMU with its serial port on a pty; everything that was printed is in `log`."""

    def __init__(self, image, cpu=CPU, memory="1G", extra=()):
        command = ["-k", "5", str(LIFE_S), "qemu-system-aarch64",
                   "-machine", "virt,virtualization=on,gic-version=2",
                   "-cpu", cpu, "-m", memory, "-nic", "none", "-display", "none", "-monitor", "none",
                   "-global", "virtio-mmio.force-legacy=false",
                   "-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console",
                   "-device", f"loader,file={image},addr=0x70000000,force-raw=on",
                   "-device", "loader,addr=0x70000000,cpu-num=0", *extra]
        self.log = ""
        self.started = time.monotonic()
        self.child = pexpect.spawn("timeout", command, encoding="utf-8", codec_errors="replace",
                                   timeout=HANG_S, echo=False)
        self.child.logfile_read = self
        self.child.delaybeforesend = None

    # pexpect writes all that it reads here
    def write(self, text):
        self.log += text

    def flush(self):
        pass

    def expect(self, pattern, timeout=HANG_S):
        """Waits for a regular expression; returns the match. Says what came instead."""
        try:
            self.child.expect(pattern, timeout=timeout)
        except (pexpect.TIMEOUT, pexpect.EOF) as error:
            raise AssertionError(f"waited for {pattern!r}; the last that came:\n"
                                 + self.plain_log()[-3000:]) from error
        return self.child.match

    def send(self, text):
        self.child.send(text)

    def settle(self, seconds):
        """Reads for some time what comes, and returns it."""
        before = len(self.log)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                self.child.expect(pexpect.TIMEOUT, timeout=end - time.monotonic())
            except pexpect.EOF:
                break
        return self.log[before:]

    def plain_log(self):
        return COLOUR.sub("", self.log)

    def qemu_pid(self):
        """The process of QEMU itself, whose parent is `timeout`."""
        with open(f"/proc/{self.child.pid}/task/{self.child.pid}/children") as children:
            return int(children.read().split()[0])

    def cpu_seconds(self):
        """Processor time that QEMU has used."""
        with open(f"/proc/{self.qemu_pid()}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        self.child.close(force=True)
