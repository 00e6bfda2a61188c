# SPDX-License-Identifier: BSD-2-Clause
"""Measures this machine: our systems, and beside them the same guest directly on QEMU, in turns. One
table, bench.json, bench.md and bench.svg. BENCH=net,block picks parts, ROUNDS= how often each is
measured. No figure passes or fails; a part that cannot be measured, or whose two sides have unequal
conditions, is named at the end and gives the exit status 1."""

import os
import sys
import time
import traceback

os.environ.setdefault("CLOISTER_LIFE_S", "1800")  # of a QEMU: a part takes some minutes
os.environ.setdefault("CLOISTER_HANG_S", "300")  # of a wait: 100 MB under icount on a busy host
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "system"))
import block  # noqa: E402
import conditions  # noqa: E402
import latency  # noqa: E402
import machine  # noqa: E402
import net  # noqa: E402
import report  # noqa: E402
import result  # noqa: E402
import vsock  # noqa: E402

# Each a generator of figures and, for each comparison, of the record of its two sides.
PARTS = {"boot": machine.boot, "trap": machine.trap, "console": machine.console,
         "block": block.measure, "net": net.measure, "latency": latency.measure, "vsock": vsock.measure,
         "idle": machine.idle, "memory": machine.memory, "size": machine.size, "counts": machine.counts}
FOLDER = os.environ.get("CLOISTER_BUILD_DIR", "build")
LOG = os.path.join(FOLDER, "bench.log")


def chosen():
    names = [name for name in os.environ.get("BENCH", "").replace(",", " ").split()] or list(PARTS)
    for name in names:
        if name not in PARTS:
            sys.exit(f"BENCH={name}: there is no such part; there are {', '.join(PARTS)}")
    return names


class Run:
    """What has been measured until now; each part leaves it in the files."""

    def __init__(self):
        self.conditions = result.host()
        self.figures, self.sides, self.failures = [], [], []
        self.started = time.monotonic()

    def take(self, found):
        if not isinstance(found, result.Figure):
            self.sides.append(found)
            return
        self.figures.append(found)
        self.say(f"{found.part}: {found.name}: {result.number(found.median)} {found.unit}")

    def say(self, text):
        print(f"[{time.monotonic() - self.started:4.0f} s] {text}", file=sys.stderr, flush=True)

    def fail(self, sentence):
        self.failures.append(sentence)
        self.say(sentence)

    def measure(self, name):
        """One part. Its failure is no other part's."""
        try:
            for found in PARTS[name]():
                self.take(found)
        except conditions.Unequal as unequal:
            self.fail(f"{name}: refused, the conditions are unequal: {unequal}")
        except Exception as error:  # pylint: disable=broad-except
            with open(LOG, "a", encoding="utf-8") as log:
                traceback.print_exc(file=log)
            what = (str(error).strip().splitlines() or [""])[0]
            self.fail(f"{name}: not measured whole: {type(error).__name__}: {what[:200]} (all of it: {LOG})")
        self.write()

    def write(self):
        def path(end):
            return os.path.join(FOLDER, f"bench.{end}")
        result.write_json(self.figures, path("json"), self.conditions, self.sides, self.failures)
        report.write_markdown(self.figures, path("md"), self.conditions, self.sides, self.failures)
        report.write_svg(self.figures, path("svg"))


def main():
    names, run = chosen(), Run()
    open(LOG, "w", encoding="utf-8").close()
    for name in names:
        run.measure(name)
    print(", ".join(f"{key} {value}" for key, value in run.conditions.items()))
    report.print_table(run.figures)
    print(f"\nAs data: {FOLDER}/bench.json; as a table in Markdown: {FOLDER}/bench.md; "
          f"as a picture: {FOLDER}/bench.svg")
    if run.failures:
        sys.exit("\n".join(run.failures))


main()
