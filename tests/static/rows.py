# SPDX-License-Identifier: BSD-2-Clause
"""The table of docs/reliability.md against the tests: each row of the catalogue once, each test that is
named there, each "hostile" played by tests/hostile, and nothing untested without a reason."""

import glob
import re
import sys

TABLE = "docs/reliability.md"
SECTIONS = {"T": 34, "Q": 12, "D": 28, "B": 19, "N": 14, "C": 8, "V": 19, "R": 4, "S": 9}
UNTESTED = ("R3", "R4")  # of a balloon


def text(path):
    try:
        with open(path, encoding="utf-8") as source:
            return source.read()
    except OSError:
        return ""


def is_there(test, row, hostile):
    file, _, function = test.partition(": ")
    if test == "hostile":
        return f'"{row}"' in hostile
    if file.endswith(".py"):
        return f"def {function}(" in text(f"tests/system/{file}")
    return any(f"static void {function}(void **state)" in text(path)
               for path in glob.glob(f"tests/unit/**/test_{file}.c", recursive=True))


def main():
    wrong = []
    hostile = "".join(text(path) for path in glob.glob("tests/hostile/*.c"))
    rows = {}
    for number, line in enumerate(text(TABLE).splitlines(), 1):
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) != 7 or not re.fullmatch(r"[A-Z]\d+", cells[1]):
            continue
        row = cells[1]
        tests = re.findall(r"`([^`]+)`", cells[4] + cells[5]) + (["hostile"] if "hostile" in cells[5].split(", ") else [])
        wrong += [f"{TABLE}:{number}: {row} is there twice"] if row in rows else []
        wrong += [f"{TABLE}:{number}: {row}: there is no test '{test}': name one that there is"
                  for test in tests if not is_there(test, row, hostile)]
        if not tests and row not in UNTESTED:
            wrong.append(f"{TABLE}:{number}: {row} is tested nowhere: write a test")
        rows[row] = tests
    expected = [f"{section}{n}" for section, last in SECTIONS.items() for n in range(1, last + 1)]
    wrong += [f"{TABLE}: {row} is missing: add it" for row in expected if row not in rows]
    print(f"  {len(rows)} rows of the catalogue, {sum(map(len, rows.values()))} tests of them")
    sys.exit("\n".join(wrong) if wrong else 0)


main()
