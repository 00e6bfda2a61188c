# SPDX-License-Identifier: BSD-2-Clause
"""Figures of a benchmark, and how they are shown: as a table, as JSON, as a picture of ratios."""

import json
import os
import statistics
import subprocess
from dataclasses import dataclass, field

LESS_IS_BETTER = ("s", "ms", "µs", "%", "instructions", "MiB", "bytes", "")


@dataclass
class Figure:
    """One figure of ours with all its rounds, in turns with `direct`: the same guest directly on QEMU.
    `reference` is what contracts/guests.md has of another system on a machine of this kind."""
    part: str
    name: str
    unit: str
    ours: list
    direct: list = field(default_factory=list)
    reference: float = None

    @property
    def median(self):
        return statistics.median(self.ours)

    def by(self, theirs):
        """How many times as good theirs is: above 1, ours is the slower."""
        if theirs == 0 or self.median == 0:
            return None
        return self.median / theirs if self.unit in LESS_IS_BETTER else theirs / self.median

    @property
    def ratios(self):
        """Of each round, for both ran in turns."""
        less = self.unit in LESS_IS_BETTER
        return [a / b if less else b / a for a, b in zip(self.ours, self.direct) if a and b]

    @property
    def ratio(self):
        """The median of the rounds' ratios."""
        return statistics.median(self.ratios) if self.ratios else None

    @property
    def to_reference(self):
        return None if self.reference is None else self.by(self.reference)


def number(value):
    if value is None:
        return ""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"


def spread(values):
    return f"{number(min(values))}–{number(max(values))}" if len(values) > 1 else ""


def print_table(figures):
    print(f"{'':60} {'ours':>9} {'range':>15} {'on QEMU':>9} {'ratio':>6} {'reference':>9}")
    part = None
    for figure in figures:
        if figure.part != part:
            part = figure.part
            print(f"\n{part}")
        direct = number(statistics.median(figure.direct)) if figure.direct else ""
        name = f"  {figure.name}" + (f", {figure.unit}" if figure.unit else "")
        print(f"{name:60} {number(figure.median):>9} {spread(figure.ours):>15} {direct:>9} "
              f"{number(figure.ratio):>6} {number(figure.reference):>9}")


def conditions():
    """What else a figure depends on."""
    def said(*command):
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    return {"commit": said("git", "describe", "--always", "--dirty"),
            "qemu": said("qemu-system-aarch64", "--version").splitlines()[0],
            "cores": os.cpu_count(), "load": os.getloadavg()[0]}


def write_json(figures, path):
    with open(path, "w", encoding="utf-8") as out:
        json.dump({"conditions": conditions(), "figures": [vars(figure) for figure in figures]}, out,
                  ensure_ascii=False, indent=1)


def read_json(path):
    with open(path, encoding="utf-8") as source:
        contents = json.load(source)
    return contents["conditions"], [Figure(**figure) for figure in contents["figures"]]


BAR = 16  # pixels
WIDEST = 4.0  # a ratio beyond it is cut


def bar(x, y, ratio, colour):
    width = min(ratio, WIDEST) * 100
    return (f'<rect x="{x}" y="{y}" width="{width:.0f}" height="{BAR // 2 - 1}" fill="{colour}"/>'
            f'<text x="{x + width + 4:.0f}" y="{y + 7}" font-size="8">{ratio:.2f}</text>')


def write_svg(figures, path):
    """A bar for each ratio; the line is 1, where ours is as good."""
    shown = [f for f in figures if f.ratio or f.to_reference]
    height = (len(shown) + 4) * BAR
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" width="900" height="{height}" '
             'font-family="sans-serif" font-size="11">',
             f'<text x="10" y="{BAR}">Ours by the same guest directly on QEMU (blue) and by the '
             'reference (grey): shorter is better, the line is 1</text>']
    for row, figure in enumerate(shown, 2):
        y = row * BAR
        lines.append(f'<text x="10" y="{y + 10}">{figure.part}: {figure.name}</text>')
        if figure.ratio:
            lines.append(bar(430, y, figure.ratio, "#37a"))
        if figure.to_reference:
            lines.append(bar(430, y + BAR // 2, figure.to_reference, "#999"))
    lines.append(f'<line x1="530" y1="{2 * BAR}" x2="530" y2="{height - BAR}" stroke="#c33"/></svg>')
    with open(path, "w", encoding="utf-8") as out:
        out.write("\n".join([*lines, ""]))
