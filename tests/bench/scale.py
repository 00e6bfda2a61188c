# SPDX-License-Identifier: BSD-2-Clause
"""What each further guest costs: 2, 4 and 8 equal guests with console and network on one core.
Prints a table, and draws build/scale.svg: each figure by that of two guests, against the count."""

import os
import re
import sys
import time
import xml.etree.ElementTree as ElementTree

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "system"))
import net_tools  # noqa: E402
import qemu  # noqa: E402

COUNTS = (2, 4, 8)
IDLE_SECONDS = 20
MIB = 1 << 20
RAM_PADDR = 0x40000000  # below it are devices
BUILD_DIR = os.environ.get("CLOISTER_BUILD_DIR", "build")


def folder(count):
    return os.path.join(qemu.TARGET_DIR, "systems", f"scale{count}")


def overhead_bytes(count):
    """Memory of the system beside the guests' RAM and the files that they boot from."""
    regions = ElementTree.parse(os.path.join(folder(count), "system.xml")).findall("memory_region")
    own = files = 0
    for region in regions:
        size, place = int(region.get("size"), 0), int(region.get("phys_addr", "0"), 0)
        if region.get("prefill_path"):
            files += size
        elif not region.get("name").endswith("_ram") and not 0 < place < RAM_PADDR:
            own += size
    image = os.path.getsize(os.path.join(folder(count), "loader.img"))
    return own + image - files


def measure(count):
    machine = qemu.Machine(os.path.join(folder(count), "loader.img"), guests=2, names="g")
    for _ in range(count):
        machine.expect(r"g\d login: ")
    boot = time.monotonic() - machine.started
    machine.settle(5)
    before = machine.cpu_seconds()
    machine.settle(IDLE_SECONDS)
    idle = (machine.cpu_seconds() - before) / IDLE_SECONDS * 100
    for guest in machine.guests:
        guest.login()
        net_tools.set_up(guest)
    _, times = net_tools.ping(machine.guests[0], net_tools.address(machine.guests[1]), "-A -c 500")
    machine.stop()
    rtt = float(re.search(r"= [\d.]+/([\d.]+)/", times)[1])
    return boot, overhead_bytes(count) / MIB, idle, rtt


NAMES = ("boot to all prompts, s", "memory beside guest RAM and images, MiB",
         "idle share of a host core, %", "ping RTT of two, average, ms")
COLOURS = ("#c33", "#37a", "#393", "#a60")


def draw(rows, path):
    """Lines of count against figure by that of two guests; linear growth is the grey one."""
    def point(count, value):
        return f"{60 + (count - 2) * 60:.0f},{330 - value * 60:.0f}"
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" width="640" height="380" '
             'font-family="sans-serif" font-size="12">',
             f'<polyline fill="none" stroke="#bbb" stroke-width="6" points="{point(2, 1)} '
             f'{point(8, 4)}"/>']
    for index, (name, colour) in enumerate(zip(NAMES, COLOURS)):
        points = " ".join(point(count, row[index] / rows[0][1][index]) for count, row in rows)
        lines.append(f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{points}"/>'
                     f'<text x="70" y="{30 + 16 * index}" fill="{colour}">{name}</text>')
    lines += [f'<text x="{60 + (count - 2) * 60}" y="350">{count}</text>' for count in COUNTS]
    lines += [f'<text x="20" y="{334 - 60 * times}">{times}x</text>' for times in range(1, 6)]
    with open(path, "w", encoding="utf-8") as out:
        out.write("\n".join([*lines, '<text x="250" y="370">guests</text></svg>', ""]))


def main():
    rows = []
    for count in COUNTS:
        print(f"measuring {count} guests", file=sys.stderr, flush=True)
        rows.append((count, measure(count)))
    print("| guests | " + " | ".join(NAMES) + " |\n|" + "---|" * (len(NAMES) + 1))
    for count, row in rows:
        print(f"| {count} | " + " | ".join(f"{value:.2f}" for value in row) + " |")
    path = os.path.join(BUILD_DIR, "scale.svg")
    draw(rows, path)
    print(f"drawn: {path}", file=sys.stderr)


main()
