# SPDX-License-Identifier: BSD-2-Clause
"""A disk that becomes full while something is built is told in one sentence."""

import os
import subprocess

import pytest

SENTENCE = "The disk is full: "


def messages(run):
    """What was said beside make's own lines."""
    return [line for line in run.stderr.splitlines() if not line.startswith("make")]


def step(here, command, **variables):
    return here.run(".ci/step", "-c", command, STEP_FOLDERS="/tmp", **variables)


def test_step_replaces_the_tools_messages(here):
    run = step(here, "echo first >&2; echo x >/dev/full; echo 'PLEASE submit a bug report' >&2; exit 3")
    assert run.returncode == 3
    assert run.stderr.splitlines()[0] == "first"
    assert len(run.stderr.splitlines()) == 2
    assert run.stderr.splitlines()[1].startswith(SENTENCE) and "BUILD_DIR=" in run.stderr


def test_step_leaves_other_failures_alone(here):
    run = step(here, "echo out; echo 'x.c:1: error: bad' >&2; exit 1")
    assert (run.returncode, run.stdout, run.stderr) == (1, "out\n", "x.c:1: error: bad\n")


def test_sentence_is_said_once_by_steps_within_steps(here):
    run = step(here, ".ci/step -c 'echo x >/dev/full'; exit 2")
    assert run.returncode == 2
    assert run.stderr.count(SENTENCE) == len(run.stderr.splitlines()) == 1


@pytest.fixture
def small(tmp_path):
    """A folder with little space."""
    folder = tmp_path / "small"
    os.mkdir(folder)
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], capture_output=True, text=True)
    if mount.returncode != 0:
        pytest.skip(f"mount is not permitted here: {mount.stderr.strip()}")
    yield folder
    subprocess.run(["umount", folder], check=True)


@pytest.mark.parametrize("target", ["host/sdk/tool/system_xml.o", "qemu_virt_aarch64/debug/sdk/kernel/core/syscall.o", "disk.img"])
def test_build_on_a_full_disk(here, small, target):
    (small / "filler").write_bytes(b"x" * 40960)
    run = here.make(f"{small}/{target}", f"BUILD_DIR={small}")
    assert run.returncode != 0
    assert len(messages(run)) == 1, run.stderr
    assert messages(run)[0].startswith(f"{SENTENCE}{small}") and "Free some space" in run.stderr


def test_full_disk_can_be_cleaned(here, small):
    os.mkdir(small / "build")
    (small / "build" / "big").write_bytes(b"x" * 65536)
    run = here.make("clean", f"BUILD_DIR={small}/build")
    assert (run.returncode, run.stderr) == (0, "")
