# SPDX-License-Identifier: BSD-2-Clause
"""Two runs of the benchmark: what has changed beyond the noise. Of a figure with rounds, which is one
of the host's clock, the rounds of one run must all lie beyond those of the other, and the medians
differ by more than those of two runs of one tree do; its ratios to QEMU are compared where there are
some, for a busy host changes them less. Sizes hardly vary; counts do as packets fall together."""

import statistics
import sys

import result

CLOCK = COUNT = 0.4  # the noise between two runs,
SIZE = 0.1           # of what has but one value too
LEAST = 0.3          # of one


def compared(figure):
    return figure.ratios or figure.ours


def has_changed(old, new, unit):
    before, after = statistics.median(old), statistics.median(new)
    if len(old) == len(new) == 1:
        return abs(after - before) > max((SIZE if unit else COUNT) * before, LEAST)
    apart = min(new) > max(old) or max(new) < min(old)
    return apart and abs(after - before) > CLOCK * min(before, after)


def lines(old_figures, new_figures):
    old_by_name = {(f.part, f.name, f.unit): f for f in old_figures}
    for new in new_figures:
        old = old_by_name.get((new.part, new.name, new.unit))
        if old is None:
            yield f"{new.part}: {new.name}: new, {result.number(new.median)} {new.unit}"
        elif has_changed(compared(old), compared(new), new.unit):
            before, after = (statistics.median(compared(figure)) for figure in (old, new))
            what = "by QEMU's own, " if new.ratios else ""
            change = f" ({after / before - 1:+.0%})" if before else ""
            yield (f"{new.part}: {new.name}: {what}{result.number(before)} -> {result.number(after)} "
                   f"{'' if what else new.unit}{change}")


def main():
    try:
        old, new = (result.read_json(path) for path in sys.argv[1:])
    except result.Unreadable as unreadable:
        sys.exit(str(unreadable))
    for name, (conditions, _) in (("old", old), ("new", new)):
        print(f"{name}: " + ", ".join(f"{key} {value}" for key, value in conditions.items()))
    changed = list(lines(old[1], new[1]))
    print("\n".join(changed) if changed else "Nothing has changed beyond the noise.")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("make bench-compare OLD=before.json NEW=after.json")
    main()
