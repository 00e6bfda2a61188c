# SPDX-License-Identifier: BSD-2-Clause
"""Measures this machine: our systems, and beside them the same guest directly on QEMU, in turns. One
table, bench.json and bench.svg. BENCH=net,block picks parts, ROUNDS= how often each is measured.
Nothing here passes or fails."""

import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "system"))
import block  # noqa: E402
import machine  # noqa: E402
import net  # noqa: E402
import result  # noqa: E402
import vsock  # noqa: E402

PARTS = {"boot": machine.boot, "trap": machine.trap, "console": machine.console,
         "block": block.measure, "net": net.measure, "vsock": vsock.measure, "idle": machine.idle,
         "memory": machine.memory, "size": machine.size, "counts": machine.counts}


def chosen():
    names = [name for name in os.environ.get("BENCH", "").replace(",", " ").split()] or list(PARTS)
    for name in names:
        if name not in PARTS:
            sys.exit(f"BENCH={name}: there is no such part; there are {', '.join(PARTS)}")
    return names


def main():
    figures, started = [], time.monotonic()
    for name in chosen():
        for figure in PARTS[name]():
            figures.append(figure)
            print(f"[{time.monotonic() - started:4.0f} s] {figure.part}: {figure.name}: "
                  f"{result.number(figure.median)} {figure.unit}", file=sys.stderr, flush=True)
    folder = os.environ.get("CLOISTER_BUILD_DIR", "build")
    result.write_json(figures, os.path.join(folder, "bench.json"))
    result.write_svg(figures, os.path.join(folder, "bench.svg"))
    print(", ".join(f"{key} {value}" for key, value in result.conditions().items()))
    result.print_table(figures)
    print(f"\nAs data: {folder}/bench.json; as a picture: {folder}/bench.svg")


main()
