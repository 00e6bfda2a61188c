# SPDX-License-Identifier: BSD-2-Clause
"""`make bench BENCH=PART` builds what the part needs and nothing else."""

import re
import subprocess
import sys


def needs(tree, tmp_path, parts):
    run = tree.make("-n", "-k", "bench-images", f"BENCH={parts}", f"BUILD_DIR={tmp_path}")
    return set(re.search(r"for target in (.*?);", run.stdout)[1].split()), run.stdout


def test_trap_needs_one_image(here, tmp_path):
    targets, printed = needs(here, tmp_path, "trap")
    assert targets == {"trap-image"}
    assert set(re.findall(r"echo 'Composing (\S+)'", printed)) == {"tests/bench/trap.yaml"}


def test_parts_are_joined(here, tmp_path):
    assert needs(here, tmp_path, "size,trap")[0] == {"trap-image", "bench-simple", "bench-virtio"}


def test_without_parts_all_is_built(here, tmp_path):
    assert {"trap-image", "work-image", "bench-vsock"} <= needs(here, tmp_path, "")[0]


def test_each_part_has_a_row(here):
    with open(here.path_of("tests", "bench", "bench.py"), encoding="utf-8") as file:
        parts = set(re.findall(r'"(\w+)": \w+\.\w+', re.search(r"PARTS = \{(.*?)\}", file.read(), re.S)[1]))
    with open(here.path_of("tests", "bench", "rules.mk"), encoding="utf-8") as file:
        rules = file.read()
    assert parts == set(re.findall(r"^(\w+)_BENCH_NEEDS :=", rules, re.M))
    assert parts == set(re.search(r"^BENCH_PARTS := (.*)", rules, re.M)[1].split())


def test_no_part_reads_what_another_part_builds(here, tmp_path):
    """bench.py imports the modules of all parts: that opens no disk and no image."""
    with open(here.path_of("tests", "bench", "bench.py"), encoding="utf-8") as file:
        modules = re.findall(r"^import (\w+)", file.read(), re.M)
    assert {"block", "latency", "machine", "net"} <= set(modules)
    folders = ":".join(here.path_of("tests", folder) for folder in ("bench", "system"))
    environment = {"PYTHONPATH": folders, "PATH": "/usr/bin:/bin", "CLOISTER_TARGET_DIR": str(tmp_path),
                   "CLOISTER_BUILD_DIR": str(tmp_path), "CLOISTER_QEMU_CPU": "cortex-a76"}
    run = subprocess.run([sys.executable, "-c", f"import {', '.join(modules)}"], env=environment,
                         cwd=here.path_of("."), capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
