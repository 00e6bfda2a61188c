# SPDX-License-Identifier: BSD-2-Clause
"""The benchmark's conditions, ratios and files, without QEMU (tests/bench)."""

import copy
import json
import os
import subprocess
import sys

import pytest

BENCH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "bench")
sys.path.insert(0, BENCH)
import compare  # noqa: E402
import conditions  # noqa: E402
import report  # noqa: E402
import result  # noqa: E402

SAID = """kernel: 6.1.0-57-arm64\r
cmdline: earlycon=pl011,0x09000000 console=hvc0 hostname=guest0\r
vcpus: 1\r
memory: 262144K\r
isolation: \r
seeded: yes\r
cpu_features: fp asimd evtstrm\r
"""
DIRECT = ["qemu-system-aarch64", "-machine", "virt,gic-version=2,dtb-randomness=off", "-cpu", "cortex-a76",
          "-m", "256M", "-drive", "if=none,id=disk,format=raw,file=direct.img,offset=1048576,size=67108864"]
OURS = ["qemu-system-aarch64", "-machine", "virt,virtualization=on,gic-version=2", "-cpu", "cortex-a76",
        "-m", "1G", "-drive", "if=none,id=disk31,format=raw,file=ours.img"]


def side(command, said=SAID):
    return {"guest": conditions.of_guest(said), "qemu": conditions.of_qemu(command)}


def test_equal_sides_are_taken():
    assert conditions.difference(side(OURS), side(DIRECT)) is None


@pytest.mark.parametrize("old, new, named", [
    ("isolation: ", "isolation: CPU features: detected: Kernel page table isolation (KPTI)", "isolation"),
    ("console=hvc0", "console=ttyAMA0", "command line"),
    ("262144K", "524288K", "memory"),
    ("vcpus: 1", "vcpus: 2", "vCPUs"),
    ("6.1.0-57", "6.12.0-1", "kernel"),
    ("asimd", "", "features"),
    ("seeded: yes", "seeded: no", "random"),
])
def test_an_unequal_guest_is_refused_by_name(old, new, named):
    found = conditions.difference(side(OURS), side(DIRECT, SAID.replace(old, new)))
    assert named in found and "make them equal" in found


@pytest.mark.parametrize("old, new, named", [
    ("cortex-a76", "max", "-cpu"),
    ("format=raw", "format=raw,cache=none", "-drive"),
    ("format=raw", "format=raw,snapshot=on", "-drive"),
])
def test_an_unequal_qemu_is_refused_by_name(old, new, named):
    other = [word.replace(old, new) for word in DIRECT]
    assert named in conditions.difference(side(OURS), side(other))
    with pytest.raises(conditions.Unequal, match=named):
        conditions.require_equal(side(OURS), side(other))


def test_a_guest_with_a_seed_is_refused():
    """QEMU's kaslr-seed turns page table isolation on."""
    seeded = [word.replace(",dtb-randomness=off", "") for word in DIRECT]
    assert "dtb-randomness=off" in conditions.difference(side(OURS), side(seeded))


def test_other_options_of_one_side_are_refused():
    assert "-smp" in conditions.difference(side(OURS), side([*DIRECT, "-smp", "2"]))
    assert "-icount" in conditions.difference(side([*OURS, "-icount", "shift=0"]), side(DIRECT))


def test_one_side_s_disk_alone_is_no_difference():
    """Of three guests in one QEMU, beside three QEMUs, one has the disk."""
    assert conditions.difference(side(OURS), side(DIRECT[:-2])) is None


def test_the_direct_side_s_command_has_no_seed():
    with open(os.path.join(BENCH, "direct.py"), encoding="utf-8") as source:
        assert "conditions.SEEDLESS" in source.read()


def figure(ours, direct=(), again=(), unit="MiB/s", **rest):
    return result.Figure("block", "fio", unit, list(ours), list(direct), list(again), **rest)


def test_ratio_above_one_is_qemu_faster():
    assert figure([10], [20], [20]).ratio == 2  # more MiB/s are better
    assert figure([10], [20], [20], "ms").ratio == 0.5  # fewer milliseconds are
    assert figure([10], [20], [20]).verdict == "QEMU"
    assert figure([10], [20], [20], "ms").verdict == "ours"


def test_ratio_within_the_noise_says_nothing():
    noisy = figure([10, 10], [11, 15], [12, 10])
    assert noisy.noise == 1.5 and 1 < noisy.ratio < 1.5 and noisy.verdict == "within the noise"
    assert figure([10, 10], [20, 30], [22, 20]).verdict == "QEMU"


def test_without_another_side_there_is_no_ratio():
    assert figure([10]).ratio is None and figure([10]).verdict == ""
    assert figure([10], [0]).ratio is None


def test_qemu_is_measured_before_and_after_ours():
    calls = []

    def measure(name):
        calls.append(name)
        return len(calls)
    assert result.in_turns(lambda: measure("ours"), lambda: measure("direct"), rounds=2) == [[2, 5], [1, 4],
                                                                                             [3, 6]]
    assert calls == ["direct", "ours", "direct"] * 2


@pytest.fixture
def run_file(tmp_path):
    path = tmp_path / "bench.json"
    sides = [{"what": "block", "ours": side(OURS), "direct": side(DIRECT)}]
    result.write_json([figure([10], [20], [21]), figure([1], unit="bytes")], path, {"commit": "x"}, sides,
                      ["net: not measured whole"])
    return path


def test_json_has_ratio_noise_and_conditions(run_file):
    data = json.loads(run_file.read_text())
    assert data["figures"][0]["ratio"] == 2.05 and data["figures"][0]["noise"] == 1.05
    assert data["figures"][0]["faster"] == "QEMU" and "above 1" in data["ratio"]
    assert data["sides"][0]["direct"]["guest"]["isolation"] == ""
    assert data["failures"] == ["net: not measured whole"]


def test_json_is_read_again(run_file):
    found, figures = result.read_json(run_file)
    assert found == {"commit": "x"} and figures[0] == figure([10], [20], [21])


def bench_compare(*paths):
    return subprocess.run([sys.executable, os.path.join(BENCH, "compare.py"), *map(str, paths)], text=True,
                          capture_output=True)


def test_compare_of_a_run_with_itself(run_file):
    done = bench_compare(run_file, run_file)
    assert done.returncode == 0 and "Nothing has changed" in done.stdout


@pytest.mark.parametrize("contents", [
    '{"conditions": {"commit": "old"}, "figures": [{"part": "size", "name": "x", "unit": "bytes", "ours": [1]}]}',
    "[]", "no JSON"])
def test_compare_refuses_an_old_file_with_a_sentence(run_file, tmp_path, contents):
    old = tmp_path / "old.json"
    old.write_text(contents)
    done = bench_compare(old, run_file)
    assert done.returncode == 1 and str(old) in done.stderr and "make bench" in done.stderr
    assert "Traceback" not in done.stderr


def test_compare_names_what_has_changed():
    before, after = figure([10, 10], [20, 20], [20, 20]), figure([2, 2], [20, 20], [20, 20])
    assert list(compare.lines([before], [before])) == []
    assert "fio" in next(compare.lines([before], [after]))


def test_markdown_is_one_table(tmp_path):
    path = tmp_path / "bench.md"
    both = {"what": "block", "ours": side(OURS), "direct": side(DIRECT)}
    report.write_markdown([figure([10], [20], [21])], path, {"commit": "x"},
                          [both, {**copy.deepcopy(both), "what": "console"}], ["net: not measured whole"])
    text = path.read_text()
    assert "| fio, MiB/s | 10.0 | 20.5 | 2.05 | 1.05 | QEMU |  |" in text
    assert "- block, console: kernel" in text and "- net: not measured whole" in text
