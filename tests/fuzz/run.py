# SPDX-License-Identifier: BSD-2-Clause
"""Runs fuzz targets side by side, tells how far they are, and ends with a table.

    run.py DIR JOBS SECONDS TARGET...     DIR: where fuzz_TARGET is, and what it finds is kept
    run.py DIR JOBS check TARGET...       for `make test`: the repository's seeds and the same few
                                          thousand mutations of them every time
"""

import glob
import os
import re
import subprocess
import sys
import time

HERE = os.path.relpath(os.path.dirname(os.path.abspath(__file__)))
PROGRESS_SECONDS = 10
CHECK_RUNS = 8000
LIMITS = ["-timeout=20", "-rss_limit_mb=1024", "-print_final_stats=1", "-len_control=20"]


class Run:
    """One target at work."""

    def __init__(self, folder, name, length):
        self.name = name
        self.program = f"{folder}/fuzz_{name}"
        self.artifacts = f"{folder}/crash/{name}-"
        self.log = f"{folder}/{name}.log"
        if length == "check":
            # Hints from comparisons are left out: they hold addresses, which differ every time.
            seeds = ",".join(sorted(glob.glob(f"{HERE}/corpus/{name}/*")))
            work = ["-seed=1", f"-runs={CHECK_RUNS}", "-use_cmp=0", "-use_memmem=0",
                    f"-seed_inputs={seeds}"]
        else:
            found = f"{folder}/corpus/{name}"
            os.makedirs(found, exist_ok=True)
            work = [f"-max_total_time={length}", found, f"{HERE}/corpus/{name}"]
        words = f"{HERE}/{name}.dict"
        self.known = set(glob.glob(self.artifacts + "*"))
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(
                [self.program, *LIMITS, f"-artifact_prefix={self.artifacts}",
                 *([f"-dict={words}"] if os.path.exists(words) else []), *work],
                stdout=log, stderr=log)

    def text(self):
        with open(self.log, errors="replace") as log:
            return log.read()

    def status(self):
        """libFuzzer's last line: executions, coverage edges."""
        lines = re.findall(r"^#(\d+)\s.*cov: (\d+)", self.text(), re.M)
        return tuple(map(int, lines[-1])) if lines else (0, 0)

    def row(self):
        executions, edges = self.status()
        rate = re.search(r"average_exec_per_sec:\s+(\d+)", self.text())
        crashes = sorted(set(glob.glob(self.artifacts + "*")) - self.known)
        failed = self.process.returncode != 0
        return (self.name, executions, int(rate[1]) if rate else 0, edges, crashes, failed)


def run_all(folder, jobs, length, names):
    waiting, running, done = list(names), [], []
    told = time.monotonic()
    while waiting or running:
        while waiting and len(running) < jobs:
            running.append(Run(folder, waiting.pop(0), length))
        time.sleep(0.2)
        for run in [run for run in running if run.process.poll() is not None]:
            running.remove(run)
            done.append(run)
            if run.process.returncode != 0:
                print("\n".join(run.text().splitlines()[-40:]), flush=True)
        if time.monotonic() - told >= PROGRESS_SECONDS:
            told = time.monotonic()
            now = ", ".join("%s: %d runs, %d edges" % (r.name, *r.status()) for r in running)
            print(f"  {len(done)} of {len(names)} done; {now}", flush=True)
    return [run.row() for run in sorted(done, key=lambda run: names.index(run.name))]


def main():
    folder, jobs, length, names = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4:]
    os.makedirs(f"{folder}/crash", exist_ok=True)
    rows = run_all(folder, jobs, length, names)
    print("| target | executions | each second | edges | crashes |\n|---|--:|--:|--:|--:|")
    for name, executions, rate, edges, crashes, _ in rows:
        print(f"| {name} | {executions:,} | {rate:,} | {edges:,} | {len(crashes)} |")
    print(f"| all | {sum(row[1] for row in rows):,} | | | {sum(len(row[4]) for row in rows)} |")
    for name, *_, crashes, failed in rows:
        for crash in crashes:
            print(f"CRASH: {folder}/fuzz_{name} {crash}")
        if failed and not crashes:
            print(f"FAILED: {folder}/fuzz_{name}, see {folder}/{name}.log")
    sys.exit(any(failed for *_, failed in rows))


main()
