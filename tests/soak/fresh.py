# SPDX-License-Identifier: BSD-2-Clause
"""fresh.py [SUITE | GROUP]...: every verb of `make help` on a bare Debian 12 (bookworm), and the
README's two commands on a bare Debian 13 (trixie); by default both.

A verb that a former one has installed packages for shows no missing install step. So the verbs come
in groups of related ones, the least demanding first, and each group begins on a bare system.
"""

import os
import re
import subprocess
import sys
import tempfile
import time

import pexpect

REFERENCE, NEXT = "bookworm", "trixie"
QEMU = "make -j4 qemu"
# A few tests of QEMU in place of all: `.ci/run` is for those.
FEW_TESTS = "PYTEST_ARGS='-k test_switch_keys'"
# Parts of `make test`: the others are verbs of other groups.
FEW_PARTS = "TEST_PARTS='format-check system-test'"
BENCH = "build/bench.json"
GROUPS = {
    "qemu": (REFERENCE, [QEMU]),
    "image": (REFERENCE, ["make help", "make -j4 image", "make picture", "make disk-clean",
                          "make clean", "make distclean"]),
    "check": (REFERENCE, ["make format-check", "make format", "make lint", "make check"]),
    "unit": (REFERENCE, ["make unit", "make coverage"]),
    "fuzz": (REFERENCE, ["make fuzz FUZZ_SECONDS=5"]),
    "model": (REFERENCE, ["make switch-bench", "make model", "make proof"]),
    "bench": (REFERENCE, ["make bench BENCH=trap", f"make bench-compare OLD={BENCH} NEW={BENCH}",
                          "make scale", "make driver-vm-figures ROUNDS=1"]),
    "tests": (REFERENCE, ["make build-test", f"make system-test {FEW_TESTS}", f"make test {FEW_PARTS} {FEW_TESTS}"]),
    "next-qemu": (NEXT, [QEMU]),
    "next-test": (NEXT, ["make test"]),
}
NOT_HERE = {"soak"}
BUILD_S = 1200  # for what comes before a guest's first line


def verbs_of_help():
    said = subprocess.run(["make", "help"], capture_output=True, text=True, check=True).stdout
    return set(re.findall(r"^ +make ([a-z-]+)", said, re.M))


def check_all_verbs_are_tried():
    tried = {re.match(r"make (?:-\S+ )?([a-z-]+)", step)[1]
             for suite, steps in GROUPS.values() if suite == REFERENCE for step in steps}
    missing = verbs_of_help() - tried - NOT_HERE
    if missing:
        sys.exit(f"fresh: no group of tests/soak/fresh.py tries {', '.join(sorted(missing))}")


def bare(suite, command):
    """A command line for the steps on a bare system, and a terminal that shows what it prints."""
    child = pexpect.spawn(".ci/bare", [suite, "bash", "-c", command], encoding="utf-8",
                          codec_errors="replace", timeout=None)
    child.delaybeforesend = None
    child.logfile_read = sys.stdout
    return child


def ended(child):
    """Waits for the end; the exit status."""
    child.expect(pexpect.EOF)
    child.close()
    return child.exitstatus if child.signalstatus is None else 128 + child.signalstatus


def run_steps(suite, steps):
    command = " && ".join(f"echo '== {step.replace(chr(39), '')}' && {step}" for step in steps)
    return ended(bare(suite, command))


def run_qemu(suite):
    """To both shells as a user gets there, and out again."""
    child = bare(suite, QEMU)
    for prompt in ("guest[01] login: ", "guest[01] login: "):
        child.expect(prompt, timeout=BUILD_S)
    for index in (0, 1):
        child.send(f"\x1c{index}\r")
        child.expect(f"input: guest{index}", timeout=BUILD_S)
        child.send("root\r")
        child.expect(f"root@guest{index}:", timeout=BUILD_S)
    child.send("\x01x")
    return ended(child)


def run_group(name):
    suite, steps = GROUPS[name]
    begin = time.monotonic()
    print(f"\nfresh: {name} on a bare Debian {suite}", flush=True)
    try:
        status = run_qemu(suite) if steps == [QEMU] else run_steps(suite, steps)
        result = "passed" if status == 0 else f"FAILED: exit status {status}"
    except pexpect.ExceptionPexpect as error:
        result = f"FAILED: {type(error).__name__} while waiting for a guest"
    return f"fresh: {name}: {result} in {time.monotonic() - begin:.0f} s"


def chosen_groups(words):
    chosen = [name for name, (suite, _) in GROUPS.items() if not words or name in words or suite in words]
    known = set(GROUPS) | {suite for suite, _ in GROUPS.values()}
    if set(words) - known:
        sys.exit(f"fresh: there is no {', '.join(set(words) - known)}; choose among {', '.join(sorted(known))}")
    return chosen


def main():
    check_all_verbs_are_tried()
    chosen = chosen_groups(sys.argv[1:])
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="cloister-base.") as base:
        os.environ["BARE_BASE"] = base
        results = []
        for name in chosen:
            results.append(run_group(name))
            print(results[-1], flush=True)
    print("\n" + "\n".join(results))
    sys.exit(any("FAILED" in result for result in results))


main()
