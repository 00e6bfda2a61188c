# SPDX-License-Identifier: BSD-2-Clause
"""Measures what docs/figures.md tells, and prints it as Markdown. Nothing here passes or fails.

Wall times are of a shared machine: each is taken in turns with the same guest directly on QEMU, so
that the ratio says something where the seconds do not.
"""

import os
import re
import statistics
import subprocess
import sys
import time

import pexpect

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "system"))
import block  # noqa: E402
import net  # noqa: E402
import qemu  # noqa: E402
import vsock  # noqa: E402

BUILD_DIR = os.environ.get("CLOISTER_BUILD_DIR", "build")
ROUNDS = int(os.environ.get("ROUNDS", "5"))
COUNTER_NS = 16  # a tick of QEMU's 62.5 MHz counter; as many instructions under -icount shift=0


def progress(text):
    print(text, file=sys.stderr, flush=True)


def image(name):
    return os.path.join(qemu.TARGET_DIR, "systems", name, "loader.img")


def boot_directly():
    """Seconds to the prompt of one guest on QEMU's own devices."""
    child = pexpect.spawn("timeout", [
        "120", "qemu-system-aarch64", "-nic", "none", "-machine", "virt,gic-version=2",
        "-cpu", qemu.CPU, "-m", "256M", "-display", "none", "-monitor", "none",
        "-serial", "stdio", "-kernel", f"{BUILD_DIR}/guest/Image",
        "-initrd", f"{BUILD_DIR}/guest/initrd.cpio.gz",
        "-append", "console=ttyAMA0 hostname=guest0"], encoding="utf-8", codec_errors="replace")
    started = time.monotonic()
    child.expect("guest0 login: ", timeout=110)
    seconds = time.monotonic() - started
    child.close(force=True)
    return seconds


def boot_system(name, guests):
    """Seconds to the last prompt of a system of ours."""
    machine = qemu.Machine(image(name))
    for _ in range(guests):
        machine.expect(r"guest\d login: ")
    seconds = time.monotonic() - machine.started
    machine.stop()
    return seconds


def boots():
    rows = []
    for number in range(ROUNDS):
        rows.append((boot_directly(), boot_system("simple", 1), boot_system("virtio", 2)))
        progress("boot %d of %d: directly %.2f s, simple %.2f s, virtio %.2f s"
                 % (number + 1, ROUNDS, *rows[-1]))
    return [statistics.median(column) for column in zip(*rows)]


def trap_ticks(*extra):
    """Counter ticks of 1,000 trapped reads, the median of the guest's rounds."""
    machine = qemu.Machine(image("tests_bench_trap"), extra=extra)
    machine.expect("done")
    ticks = [int(t) for t in re.findall(r"ticks for 1000 reads: (\d+)", machine.plain_log())]
    machine.stop()
    return statistics.median(ticks)


def idle_share():
    """Share of a host core that QEMU uses while both guests of `virtio` idle, in percent."""
    machine = qemu.Machine(image("virtio"))
    machine.expect(r"guest\d login: ")
    machine.expect(r"guest\d login: ")
    machine.settle(5)
    before = machine.cpu_seconds()
    machine.settle(30)
    share = (machine.cpu_seconds() - before) / 30 * 100
    machine.stop()
    return share


def lines(*folders):
    files = subprocess.run(["git", "ls-files", *folders], capture_output=True, text=True,
                           check=True).stdout.split()
    files = [f for f in files if re.search(r"\.(c|h|S|ld)$", f)]
    return sum(len(open(f, encoding="utf-8").readlines()) for f in files)


def print_table(title, head, rows):
    print(f"\n## {title}\n")
    for row in [head, ["---"] * len(head), *rows]:
        print("| " + " | ".join(str(cell) for cell in row) + " |")


def main():
    progress("measuring traps")
    wall = trap_ticks() * COUNTER_NS / 1e6
    instructions = trap_ticks("-icount", "shift=0,sleep=off") * COUNTER_NS / 1000
    direct, simple, virtio = boots()
    progress("measuring the idle share for 30 s")
    idle = idle_share()
    print_table("Time", ["what", "figure"], [
        ["boot to the prompt, one guest directly on QEMU", f"{direct:.2f} s"],
        ["boot to the prompt, `simple`", f"{simple:.2f} s ({simple / direct:.2f} of that)"],
        ["boot to both prompts, `virtio`", f"{virtio:.2f} s ({virtio / direct / 2:.2f} of two)"],
        ["one trapped MMIO read, wall", f"{wall:.2f} µs"],
        ["one trapped MMIO read, instructions", f"{instructions:.0f}"],
        ["QEMU's share of a host core, both guests idle, 30 s", f"{idle:.1f} %"]])
    print_table("Block", ["what", "ours, MiB/s", "QEMU's, MiB/s", "QEMU's by ours"],
                block.measure(progress))
    print_table("Network", ["what", "figure"], net.measure(progress))
    print_table("Sockets", ["what", "sockets", "TCP", "sockets by TCP"], vsock.measure(progress))
    budgets = [("kernel and board", 4000, ["sdk/kernel", "sdk/boards"]),
               ("libmicrokit", 600, ["sdk/libmicrokit"]),
               ("`bin/microkit`", 2500, ["sdk/tool"]), ("`vmm`", 6000, ["vmm"]),
               ("`io`", 5000, ["io"]), ("`compose`", 3000, ["compose"]),
               ("C library functions", "–", ["sdk/libc"])]
    print_table("Lines (code, headers, comments)", ["part", "lines", "budget"],
                [[name, lines(*folders), budget] for name, budget, folders in budgets])
    print_table("Size", ["what", "bytes"], [
        [f"image of `{name}`", os.path.getsize(image(name))] for name in ("simple", "virtio")])


main()
