# SPDX-License-Identifier: BSD-2-Clause
"""Tells what Eva has shown: table.py FOLDER ALARMS SUBJECT..., with FOLDER/SUBJECT.csv and .log.

Fails where an alarm is not in ALARMS, where one that is there does not come any more, and where Eva
has not got through nearly all of the code: behind a certain error it goes no further.
"""
import csv
import pathlib
import re
import sys

REACHED = 0.9  # virtqueue has no indirect tables
PROVED = {"Valid", "Considered valid"}


def alarms_of(path):
    """What Eva could not show, (function, property) of each, and all that it looked at."""
    with open(path, newline="") as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
                if not row["directory"].startswith("FRAMAC_SHARE")]
    return {(row["function"], row["property"]) for row in rows if row["status"] not in PROVED}, rows


def justified(path):
    """The lines `subject | function | property` of the list."""
    lines = (line.strip() for line in path.read_text().splitlines())
    fields = [tuple(part.strip() for part in line.split("|", 2)) for line in lines
              if line and not line.startswith("#")]
    return {subject: {f[1:] for f in fields if f[0] == subject} for subject in {f[0] for f in fields}}


def reached(log):
    """Statements that were reached, and all of those functions."""
    match = re.search(r"(\d+) statements reached \(out of (\d+)\)", log)
    return (int(match[1]), int(match[2])) if match else (0, 1)


def main(folder, alarms, subjects):
    known, good = justified(pathlib.Path(alarms)), True
    print(f"{'subject':<20}{'properties':>11}{'alarms':>8}{'justified':>11}{'reached':>9}")
    for subject in subjects:
        found, rows = alarms_of(pathlib.Path(folder, subject + ".csv"))
        listed = known.get(subject, set())
        done, all_of = reached(pathlib.Path(folder, subject + ".log").read_text(errors="replace"))
        print(f"{subject:<20}{len(rows):>11}{len(found):>8}{len(found & listed):>11}"
              f"{100 * done / all_of:>8.1f}%")
        for what, which in (("not justified", found - listed), ("gone", listed - found)):
            for function, text in sorted(which):
                print(f"  {what}: {subject} | {function} | {text}")
        good = good and found == listed and done >= REACHED * all_of
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
