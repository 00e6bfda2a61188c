#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Prints how many lines each part of the product has, and fails where one has more than its budget in
budgets.txt, or a folder with C is in no part."""
import subprocess
import sys

BUDGETS = "tests/static/budgets.txt"
COUNTED = (".c", ".h", ".S", ".ld", ".def")
# Not of the product: facts of boards, programs in guests, tests.
OUTSIDE = ("boards", "sdk/boards", "guest", "tests")


def budgets():
    with open(BUDGETS, encoding="utf-8") as table:
        for line in table:
            words = line.split()
            if words and not line.startswith("#"):
                yield words[0], int(words[1]), words[2:]


def is_in(path, folders):
    return any(path.startswith(folder + "/") for folder in folders)


def lines_of(path):
    with open(path, "rb") as file:
        return sum(1 for _ in file)


def main():
    listed = subprocess.run(["git", "ls-files"], check=True, capture_output=True, text=True)
    left = [path for path in listed.stdout.split() if path.endswith(COUNTED) and not is_in(path, OUTSIDE)]
    wrong = []
    for part, budget, folders in budgets():
        paths = [path for path in left if is_in(path, folders)]
        left = [path for path in left if path not in paths]
        lines = sum(map(lines_of, paths))
        print(f"  {part:<12} {lines:6} of {budget:6} lines")
        if lines > budget:
            wrong.append(f"{BUDGETS}: {part} has {lines} lines, more than {budget}: make it smaller, or"
                         " change its budget with the reason")
    wrong += [f"{path}: in no part of {BUDGETS}: add its folder" for path in left]
    sys.exit("\n".join(wrong) or 0)


main()
