# SPDX-License-Identifier: BSD-2-Clause
"""What the machine itself costs: boots, a trapped read, the console, idling, memory and sizes."""

import os
import re
import statistics
import subprocess
import time
import xml.etree.ElementTree as ElementTree

import direct
import qemu
import work
from result import ROUNDS, Figure, in_turns

COUNTER_NS = 16  # a tick of QEMU's 62.5 MHz counter; as many instructions under -icount shift=0
CONSOLE_BYTES = 400_000
IDLE_SECONDS = 10
MIB = 1 << 20
RAM_PADDR = 0x40000000  # below it are devices
USER_NET = ("-netdev", "user,id=wire", "-device", "virtio-net-device,netdev=wire")
# Of each system that is booted: its guests, their memory, and whether they have disk and network.
BOOTS = {"simple": (1, "256M", False), "virtio": (2, "256M", True), "tests_system_four": (4, "80M", False)}
REFERENCE_BOOTS = {1: 4.1, 2: 11.5}


def boot_ours(name, guests):
    """Seconds to the last prompt."""
    with direct.Machines() as machines:
        machine = machines.ours(qemu.system_image(name))
        for _ in range(guests):
            machine.expect(r"guest\d login: ")
        return time.monotonic() - machine.started


def boot_directly(guests, memory, devices):
    """Seconds of so many boots one behind the other."""
    seconds = 0
    for _ in range(guests):
        with direct.Machines() as machines:
            machine = machines.direct(memory=memory, initrd="initrd.cpio.gz", **devices)
            machine.await_prompt()
            seconds += time.monotonic() - machine.started
    return seconds


def boot_sides(name, memory, devices):
    with direct.Machines() as machines:
        ours = machines.ours(qemu.system_image(name))
        beside = machines.direct(memory=memory, initrd="initrd.cpio.gz", **devices)
        return direct.compared(f"boot of {name}", ours.guests[0].login(), beside.login())


def boot():
    """Of n guests, beside as many boots of one directly on QEMU."""
    for name, (guests, memory, has_devices) in BOOTS.items():
        devices = {"disk": direct.disk_options(qemu.DISK, snapshot=True), "net": USER_NET} if has_devices else {}
        yield boot_sides(name, memory, devices)
        yield Figure("boot", f"{guests} guest{'s' * (guests > 1)} to the prompt, beside as many boots",
                     "s", *in_turns(lambda: boot_ours(name, guests),
                                    lambda: boot_directly(guests, memory, devices)),
                     reference=REFERENCE_BOOTS.get(guests))


def ticks(*options):
    """Of 1,000 reads of GICD_TYPER by a bare guest, whose distributor its VMM emulates."""
    with direct.Machines() as machines:
        machine = machines.ours(qemu.system_image("tests_bench_trap"), extra=options, guests=0)
        machine.expect("done")
        return statistics.median(int(t) for t in re.findall(r"ticks for 1000 reads: (\d+)", machine.log))


def trap():
    yield Figure("trap", "a read of GICD_TYPER", "µs",
                 [ticks() * COUNTER_NS / 1e6 for _ in range(ROUNDS)], reference=87)
    yield Figure("trap", "a read of GICD_TYPER, under icount", "instructions",
                 [ticks(*work.ICOUNT) * COUNTER_NS / 1000], reference=4122)


def console_rate(guest, terminal="/dev/hvc0"):
    """kB a second that arrive on the terminal, by the host's clock: between a guest of ours and the
    UART there are queues of 128 KiB, so the guest itself is done earlier."""
    started = time.monotonic()
    guest.run(f"yes 0123456789012345678901234567890123456789012345678901234567890 | "
              f"head -c {CONSOLE_BYTES} >{terminal}")
    return CONSOLE_BYTES / 1000 / (time.monotonic() - started)


def console():
    """The virtIO console of both; and QEMU's PL011, for the console of all our guests goes there."""
    with direct.Machines() as machines:
        ours = machines.ours(qemu.system_image("tests_bench_block"), guests=1).guests[0].login()
        beside = machines.direct(disk=direct.disk_options(qemu.DISK, snapshot=True)).login()
        yield direct.compared("console", ours, beside)
        for name, terminal in (("virtIO console", "/dev/hvc0"), ("PL011", "/dev/ttyAMA0")):
            yield Figure("console", f"output, beside QEMU's {name}", "kB/s",
                         *in_turns(lambda: console_rate(ours), lambda: console_rate(beside, terminal)))


def share(machines, wait):
    """Of a core of the host, that these QEMUs use together while nothing happens."""
    before = sum(machine.cpu_seconds() for machine in machines)
    wait(IDLE_SECONDS)
    return (sum(machine.cpu_seconds() for machine in machines) - before) / IDLE_SECONDS * 100


def idle():
    _, memory, devices = BOOTS["virtio"]
    with direct.Machines() as machines:
        ours = machines.ours(qemu.system_image("virtio"))
        beside = [machines.direct(name=f"guest{i}", memory=memory, initrd="initrd.cpio.gz", **devices)
                  for i in range(2)]
        for guest in (*ours.guests, *beside):
            guest.login()
        yield direct.compared("idle", ours.guests[0], beside[0])
        ours.settle(5)
        yield Figure("idle", "share of a host core: two guests, beside two QEMUs", "%",
                     *in_turns(lambda: share([ours], ours.settle), lambda: share(beside, time.sleep)),
                     reference=101)


def memory():
    """Beside the guests' RAM and the files that they boot from."""
    folder = os.path.dirname(qemu.system_image("virtio"))
    pd = None
    sizes = {}
    with open(os.path.join(folder, "report.txt"), encoding="utf-8") as report:
        for line in report:
            head = re.match(r"PROTECTION DOMAIN (\S+)", line)
            pd = head[1] if head else pd
            part = re.search(r"([\d.]+) (KiB|MiB)  \S+ +cached +\((program|stack|IPC buffer)\)", line)
            if pd and part:
                sizes[pd] = sizes.get(pd, 0) + float(part[1]) / (1024 if part[2] == "KiB" else 1)
    regions = ElementTree.parse(os.path.join(folder, "system.xml")).findall("memory_region")
    shared = sum(int(r.get("size"), 0) for r in regions
                 if not r.get("prefill_path") and not r.get("name").endswith("_ram")
                 and not 0 < int(r.get("phys_addr", "0"), 0) < RAM_PADDR)
    for name, size in sizes.items():
        yield Figure("memory of systems/virtio", name, "MiB", [size])
    yield Figure("memory of systems/virtio", "queues, rings, bounce areas", "MiB", [shared / MIB])


def text_bytes(path):
    said = subprocess.run(["llvm-size", path], capture_output=True, text=True, check=True).stdout
    return int(said.splitlines()[1].split()[0])


def size():
    for name in ("simple", "virtio"):
        yield Figure("size", f"image of {name}", "bytes", [os.path.getsize(qemu.system_image(name))])
    for name, reference in (("vmm", 82000), ("switch", None), ("blk_virt", None), ("sdk/kernel", None)):
        yield Figure("size", f"text of {name}", "bytes",
                     [text_bytes(os.path.join(qemu.TARGET_DIR, f"{name}.elf"))], reference=reference)


def counts():
    """Of a unit of work between the guests of systems/virtio, under icount."""
    with direct.Machines() as machines:
        machine = machines.ours(qemu.system_image("virtio_tools"), extra=work.ICOUNT)
        work.set_up(machine)
        for name in work.UNITS:
            for what, count in work.counts(machine, name).items():
                yield Figure(f"counts: {name}", what, "", [count])
