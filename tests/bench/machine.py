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
from result import Figure

ROUNDS = int(os.environ.get("ROUNDS", "3"))
BUILD_DIR = direct.BUILD_DIR
COUNTER_NS = 16  # a tick of QEMU's 62.5 MHz counter; as many instructions under -icount shift=0
CONSOLE_BYTES = 200_000
IDLE_SECONDS = 15
MIB = 1 << 20
RAM_PADDR = 0x40000000  # below it are devices
BOOTS = {"simple": 1, "virtio": 2, "tests_system_four": 4}
REFERENCE_BOOTS = {1: 4.1, 2: 11.5}


def boot_seconds(name, guests):
    """To the last prompt."""
    machine = qemu.Machine(qemu.system_image(name))
    for _ in range(guests):
        machine.expect(r"guest\d login: ")
    seconds = time.monotonic() - machine.started
    machine.stop()
    return seconds


def boot():
    """Of n guests, beside as many boots of one directly on QEMU."""
    for name, guests in BOOTS.items():
        rounds = [(boot_seconds(name, guests), guests * direct.boot_seconds()) for _ in range(ROUNDS)]
        yield Figure("boot", f"{guests} guest{'s' * (guests > 1)} to the prompt, beside as many boots",
                     "s", *map(list, zip(*rounds)), REFERENCE_BOOTS.get(guests))


def ticks(*options):
    """Of 1,000 reads of GICD_TYPER by a bare guest, whose distributor its VMM emulates."""
    machine = qemu.Machine(qemu.system_image("tests_bench_trap"), extra=options, guests=0)
    machine.expect("done")
    machine.stop()
    return statistics.median(int(t) for t in re.findall(r"ticks for 1000 reads: (\d+)", machine.log))


def trap():
    yield Figure("trap", "a read of GICD_TYPER", "µs",
                 [ticks() * COUNTER_NS / 1e6 for _ in range(ROUNDS)], [], 87)
    yield Figure("trap", "a read of GICD_TYPER, under icount", "instructions",
                 [ticks(*work.ICOUNT) * COUNTER_NS / 1000], [], 4122)


def console_rate(guest):
    """KB a second that a guest prints, by its own clock."""
    said = guest.run(f"time sh -c 'yes 0123456789012345678901234567890123456789012345678901234567890 | "
                     f"head -c {CONSOLE_BYTES}'")
    real = re.search(r"real\s+(\d+)m\s*([\d.]+)s", said)
    return CONSOLE_BYTES / 1000 / (int(real[1]) * 60 + float(real[2]))


def console():
    machine = qemu.Machine(qemu.system_image("tests_bench_block"), guests=1)
    guests = machine.guests[0].login(), direct.Direct()
    rounds = [[console_rate(guest) for guest in guests] for _ in range(ROUNDS)]
    yield Figure("console", "output (QEMU's: its PL011)", "kB/s", *map(list, zip(*rounds)))
    machine.stop()
    guests[1].stop()


def share(machine, wait):
    before = machine.cpu_seconds()
    wait(IDLE_SECONDS)
    return (machine.cpu_seconds() - before) / IDLE_SECONDS * 100


def idle():
    machine = qemu.Machine(qemu.system_image("virtio"))
    one = direct.Direct()
    for _ in range(2):
        machine.expect(r"guest\d login: ")
    machine.settle(5)
    yield Figure("idle", "share of a host core: two guests, beside twice one", "%",
                 [share(machine, machine.settle)], [2 * share(one, time.sleep)], 101)
    machine.stop()
    one.stop()


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
                     [text_bytes(os.path.join(qemu.TARGET_DIR, f"{name}.elf"))], [], reference)


def counts():
    """Of a unit of work between the guests of systems/virtio, under icount."""
    machine = qemu.Machine(qemu.system_image("virtio_tools"), extra=work.ICOUNT)
    work.set_up(machine)
    for name in work.UNITS:
        for what, count in work.counts(machine, name).items():
            yield Figure(f"counts: {name}", what, "", [count])
    machine.stop()
