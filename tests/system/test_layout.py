# SPDX-License-Identifier: BSD-2-Clause
"""What compose reckons the image to take is what bin/microkit makes it, to a large page: so a system
that compose accepts is laid out, and one that it refuses could not be."""

import glob
import os
import re

import qemu

UNITS = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20}
LARGE_PAGE = 2 << 20


def limits():
    with open("compose/limits.h", encoding="utf-8") as header:
        return {name: int(value) << 10 for name, value in
                re.findall(r"#define (IMAGE_\w+) +\((\d+)ul << 10\)", header.read())}


def test_image_is_as_large_as_compose_reckons(say):
    reports = glob.glob(os.path.join(os.path.dirname(qemu.TARGET_DIR), "*", "systems", "*", "report.txt"))
    limit, spare = limits(), []
    assert reports and len(limit) == 4
    for path in reports:
        with open(path, encoding="utf-8") as file:
            report = file.read()
        pds, vms = map(int, re.search(r"protection domains +(\d+)\n +virtual machines +(\d+)", report).groups())
        parts = re.search(r"\nIMAGE\n.*\n((?: +[\d.]+ \w+  .*\n)+)", report)[1]
        taken = sum(float(size) * UNITS[unit] for size, unit, what in
                    re.findall(r"([\d.]+) (\w+)  (.*)", parts) if what != "region")
        reckoned = (limit["IMAGE_KERNEL_BYTES"] + vms * limit["IMAGE_VMM_BYTES"] +
                    (pds - vms) * limit["IMAGE_PD_BYTES"] + limit["IMAGE_BYTES_PER_GIB"])
        spare.append(reckoned - taken)
        assert 0 <= spare[-1] <= LARGE_PAGE, f"{path}: {taken:.0f} bytes, reckoned {reckoned}; correct compose/limits.h"
    say(f"{len(reports)} images, {min(spare) / 1024:.0f} to {max(spare) / 1024:.0f} KiB smaller than reckoned")
