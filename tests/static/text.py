#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Each file says its licence in its first lines and is not longer than one reads at a sitting; a
fuzz target's seeds are few: what a run finds belongs into the build folder."""
import collections
import fnmatch
import os
import subprocess
import sys

SPDX = "SPDX-License-Identifier: BSD-2-Clause"
SPDX_WITHIN = 3   # lines: a script has its #! first
LONGEST = 500     # lines, of a file of the product; tests are tables of cases and may be longer
MOST_SEEDS = 32   # of a fuzz target
# What has no place for a comment, or is data to the byte.
DATA = ("LICENSE", "guest/rootfs/etc/*", "tests/fuzz/corpus/*", "tests/static/wrong.txt",
        "*.json")


def findings(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        lines = file.read().splitlines()
    if not any(SPDX in line for line in lines[:SPDX_WITHIN]):
        yield 1, f"no '{SPDX}' in its first {SPDX_WITHIN} lines: add it"
    if len(lines) > LONGEST and not path.startswith("tests/"):
        yield LONGEST, f"{len(lines)} lines, more than {LONGEST}: a file has one job, split it"


def too_many_seeds(paths):
    folders = collections.Counter(os.path.dirname(p) for p in paths if "/corpus/" in p)
    for folder, count in folders.items():
        if count > MOST_SEEDS:
            yield f"{folder}: {count} seeds, more than {MOST_SEEDS}: keep those that teach it most"


def main():
    listed = subprocess.run(["git", "ls-files"], check=True, capture_output=True, text=True)
    everything = listed.stdout.split()
    paths = [p for p in everything if not any(fnmatch.fnmatchcase(p, d) for d in DATA)]
    found = [f"{path}:{line}: {what}" for path in paths for line, what in findings(path)]
    found += too_many_seeds(everything)
    print("\n".join(found) or f"  licence and length of {len(paths)} files")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
