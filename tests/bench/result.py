# SPDX-License-Identifier: BSD-2-Clause
"""Figures of a benchmark, how they are measured in turns, and as JSON."""

import json
import os
import statistics
import subprocess
from dataclasses import asdict, dataclass, field

FORMAT = 2  # of bench.json: 1 had other conditions on QEMU's side
ROUNDS = int(os.environ.get("ROUNDS", "3"))
LESS_IS_BETTER = ("s", "ms", "µs", "%", "instructions", "MiB", "bytes", "")
DIRECTION = "1 = equal, above 1 = the guest directly on QEMU is faster"
NOISE = ("the most that the two measurements of the guest directly on QEMU, one before and one after ours "
         "in each round, differ by; a ratio between 1/noise and noise says nothing")


@dataclass
class Figure:
    """One figure of ours with all its rounds; `direct` and `again` are the same guest directly on QEMU,
    measured before ours and after it. `reference` is what contracts/guests.md has of another system
    on a machine of this kind."""
    part: str
    name: str
    unit: str
    ours: list
    direct: list = field(default_factory=list)
    again: list = field(default_factory=list)
    reference: float = None

    @property
    def median(self):
        return statistics.median(self.ours)

    @property
    def beside(self):
        """Of each round, what the guest directly on QEMU has around ours."""
        return [(a + b) / 2 for a, b in zip(self.direct, self.again)] or self.direct

    def by(self, theirs):
        """How many times as good theirs is: above 1, ours is the slower."""
        if theirs == 0 or self.median == 0:
            return None
        return self.median / theirs if self.unit in LESS_IS_BETTER else theirs / self.median

    @property
    def ratios(self):
        """Of each round, for both ran in turns."""
        less = self.unit in LESS_IS_BETTER
        return [a / b if less else b / a for a, b in zip(self.ours, self.beside) if a and b]

    @property
    def ratio(self):
        """The median of the rounds' ratios."""
        return statistics.median(self.ratios) if self.ratios else None

    @property
    def noise(self):
        """Of two equal measurements, the worse by the better, in the worst round."""
        pairs = [(a, b) for a, b in zip(self.direct, self.again) if a and b]
        return max(max(a / b, b / a) for a, b in pairs) if pairs else None

    @property
    def verdict(self):
        if self.ratio is None:
            return ""
        if self.noise is not None and 1 / self.noise <= self.ratio <= self.noise:
            return "within the noise"
        return "QEMU" if self.ratio > 1 else "ours" if self.ratio < 1 else "equal"

    @property
    def to_reference(self):
        return None if self.reference is None else self.by(self.reference)


def in_turns(ours, direct, rounds=ROUNDS):
    """What both measure, a list of each: ours, direct, direct again. Each round has QEMU's own before
    and after ours, so that what grows or shrinks meanwhile favours neither."""
    turns = []
    for _ in range(rounds):
        before, mine = direct(), ours()
        turns.append((mine, before, direct()))
    return [list(column) for column in zip(*turns)]


def number(value):
    if value is None:
        return ""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"


def spread(values):
    return f"{number(min(values))}–{number(max(values))}" if len(values) > 1 else ""


def host():
    """What else a figure depends on."""
    def said(*command):
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    return {"commit": said("git", "describe", "--always", "--dirty"),
            "qemu": said("qemu-system-aarch64", "--version").splitlines()[0],
            "cores": os.cpu_count(), "load": os.getloadavg()[0], "rounds": ROUNDS}


def as_data(figure):
    return {**asdict(figure), "ratio": figure.ratio, "noise": figure.noise, "faster": figure.verdict}


def write_json(figures, path, conditions=None, sides=(), failures=()):
    with open(path, "w", encoding="utf-8") as out:
        json.dump({"format": FORMAT, "ratio": DIRECTION, "noise": NOISE, "conditions": conditions or host(),
                   "failures": list(failures), "sides": list(sides),
                   "figures": [as_data(figure) for figure in figures]}, out, ensure_ascii=False, indent=1)


class Unreadable(Exception):
    """A file that holds no figures that can be compared."""


def read_json(path):
    """The conditions and the figures of a run."""
    try:
        with open(path, encoding="utf-8") as source:
            contents = json.load(source)
    except (OSError, ValueError) as error:
        raise Unreadable(f"{path}: cannot be read ({error}); give a bench.json of `make bench`") from None
    if not isinstance(contents, dict) or contents.get("format") != FORMAT:
        raise Unreadable(f"{path}: written by another version of `make bench`, under other conditions; "
                         "measure again with `make bench`")
    names = Figure.__dataclass_fields__
    return contents["conditions"], [Figure(**{key: value for key, value in figure.items() if key in names})
                                    for figure in contents["figures"]]
