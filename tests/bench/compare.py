# SPDX-License-Identifier: BSD-2-Clause
"""Two runs of the benchmark: what has changed beyond the noise, which is what the rounds of either run
differ by, and at least a tenth; the same for the ratios to QEMU, which a busy host changes less."""

import sys

import result

LEAST = 0.1


def noise(figure):
    return (max(figure.ours) - min(figure.ours)) / figure.median if figure.median else 0


def change(old, new):
    return new / old - 1 if old else 0


def lines(old_figures, new_figures):
    old_by_name = {(f.part, f.name, f.unit): f for f in old_figures}
    for new in new_figures:
        old = old_by_name.get((new.part, new.name, new.unit))
        if old is None:
            yield f"{new.part}: {new.name}: new, {result.number(new.median)} {new.unit}"
            continue
        bound = max(LEAST, noise(old), noise(new))
        values = [("", old.median, new.median)]
        if old.ratio and new.ratio:
            values = [("by QEMU's own, ", old.ratio, new.ratio)]  # says more than seconds do
        for what, before, after in values:
            if abs(change(before, after)) > bound:
                yield (f"{new.part}: {new.name}: {what}{result.number(before)} -> "
                       f"{result.number(after)} {'' if what else new.unit} ({change(before, after):+.0%})")


def main():
    old, new = (result.read_json(path) for path in sys.argv[1:])
    for name, (conditions, _) in (("old", old), ("new", new)):
        print(f"{name}: " + ", ".join(f"{key} {value}" for key, value in conditions.items()))
    changed = list(lines(old[1], new[1]))
    print("\n".join(changed) if changed else "Nothing has changed beyond the noise.")


if len(sys.argv) != 3:
    sys.exit("make bench-compare OLD=before.json NEW=after.json")
main()
