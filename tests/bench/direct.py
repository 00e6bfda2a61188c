# SPDX-License-Identifier: BSD-2-Clause
"""A guest on QEMU's own devices, which figures of ours stand beside: the same kernel with the same
command line, so the console is QEMU's virtIO console, and the board's PL011 is there as a second
terminal."""

import contextlib
import os
import signal
import threading
import time

import conditions
import pexpect
import qemu

BUILD_DIR = os.environ.get("CLOISTER_BUILD_DIR", "build")
SECTOR_BYTES = 512
NO_NET = ("-nic", "none")


def partition(path, number=0):
    """Where a partition of an MBR disk begins, and its size: bytes."""
    with open(path, "rb") as disk:
        entry = disk.read(SECTOR_BYTES)[446 + 16 * number:][:16]
    return [int.from_bytes(entry[at:at + 4], "little") * SECTOR_BYTES for at in (8, 12)]


def disk_options(path, snapshot=False):
    """The first partition as the disk, which a guest of ours has too."""
    offset, size = partition(path)
    return ("-drive", f"if=none,id=disk,format=raw,file={path},offset={offset},size={size}"
            + (",snapshot=on" if snapshot else ""), "-device", "virtio-blk-device,drive=disk")


def command(kernel, memory, options):
    """As qemu.Machine has it for ours, without EL2; QEMU's devices in place of ours."""
    return ["-k", "5", str(qemu.LIFE_S), "qemu-system-aarch64",
            "-machine", f"virt,gic-version=2,{conditions.SEEDLESS}",
            "-cpu", qemu.CPU, "-m", memory, "-display", "none", "-monitor", "none",
            "-global", "virtio-mmio.force-legacy=false",
            "-chardev", "stdio,id=console,signal=off,mux=on", "-serial", "chardev:console",
            "-kernel", kernel, *options]


def of_linux(name, initrd):
    """What every guest of ours has: see bootargs in compose/guest_plan.c."""
    return ("-initrd", f"{BUILD_DIR}/guest/{initrd}",
            "-append", f"earlycon=pl011,0x09000000 console=hvc0 hostname={name}",
            "-device", "virtio-serial-device", "-device", "virtconsole,chardev=console",
            "-device", "virtio-rng-device")


def spawn(arguments):
    child = pexpect.spawn("timeout", arguments, encoding="utf-8", codec_errors="replace",
                          timeout=qemu.HANG_S, echo=False)
    child.delaybeforesend = None
    child.maxread = 65536
    return child


class Bare:
    """A guest that is no Linux."""

    def __init__(self, kernel, memory, options=NO_NET):
        self.started = time.monotonic()
        self.child = spawn(command(kernel, memory, options))

    def cpu_seconds(self):
        return qemu.cpu_seconds(self.child)

    def stop(self):
        self.child.close(force=True)


class Direct(Bare):
    """With `login` and `run` as qemu.Guest has them."""

    def __init__(self, name="guest0", memory="256M", disk=(), net=NO_NET, index=0,
                 initrd="initrd-test.cpio.gz"):
        self.name = name
        self.index = index
        super().__init__(f"{BUILD_DIR}/guest/Image", memory, (*of_linux(name, initrd), *disk, *net))

    def await_prompt(self):
        self.child.expect(f"{self.name} login: ")

    def login(self):
        self.await_prompt()
        self.child.send("root\r")
        self.child.expect(f"root@{self.name}:")
        return self

    def run(self, command_line):
        self.child.send(f"echo BEG''IN; {command_line}; echo EN''D $?\r".replace("\n", "; "))
        self.child.expect(r"BEGIN\r+\n")
        self.child.expect(r"END (\d+)")
        output = self.child.before
        assert self.child.match[1] == "0", f"{command_line!r} ends with {self.child.match[1]}: {output}"
        self.child.expect(f"root@{self.name}:")
        return output

    def read_on(self):
        """From here on what it prints is read and forgotten, so that it can print all the while."""
        def read():
            with contextlib.suppress(OSError):
                while os.read(self.child.child_fd, 65536):
                    pass
        threading.Thread(target=read, daemon=True).start()


class Machines(contextlib.ExitStack):
    """QEMUs that all end when this does, whatever happens."""

    def ours(self, image, **options):
        machine = qemu.Machine(image, **options)
        self.callback(machine.stop)
        return machine

    def direct(self, **options):
        machine = Direct(**options)
        self.callback(machine.stop)
        return machine

    def bare(self, kernel, memory, options):
        machine = Bare(kernel, memory, (*NO_NET, *options))
        self.callback(machine.stop)
        return machine


def side(machine):
    """What a guest with a shell, or a machine whose guest has none, says of its conditions."""
    child = machine.machine.child if isinstance(machine, qemu.Guest) else machine.child
    with open(f"/proc/{qemu.qemu_pid(child)}/cmdline", encoding="utf-8") as words:
        argv = words.read().split("\0")[:-1]
    guest = conditions.of_guest(machine.run(conditions.ASK)) if hasattr(machine, "run") else None
    return {"guest": guest, "qemu": conditions.of_qemu(argv), "command": argv}


def compared(what, ours, direct):
    """The record of a comparison's two sides; conditions.Unequal is raised where they are not equal."""
    sides = {"what": what, "ours": side(ours), "direct": side(direct)}
    conditions.require_equal(sides["ours"], sides["direct"])
    return sides


def threads(machines):
    for machine in machines:
        for thread in os.listdir(f"/proc/{qemu.qemu_pid(machine.child)}/task"):
            yield int(thread)


def allow_cores(machines, cores):
    for thread in threads(machines):
        with contextlib.suppress(ProcessLookupError):  # one of QEMU's workers, which end
            os.sched_setaffinity(thread, cores)


@contextlib.contextmanager
def one_host_core(machines):
    """All threads of these QEMUs share a core of the host."""
    cores = os.sched_getaffinity(0)
    allow_cores(machines, {max(cores)})
    try:
        yield
    finally:
        allow_cores(machines, cores)


def pause(machines):
    for machine in machines:
        os.kill(qemu.qemu_pid(machine.child), signal.SIGSTOP)


def go_on(machines):
    for machine in machines:
        os.kill(qemu.qemu_pid(machine.child), signal.SIGCONT)
