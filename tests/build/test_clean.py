# SPDX-License-Identifier: BSD-2-Clause
"""The disks of the guests lie in the build folder, and only who asks for it loses them."""

import os

import pytest


@pytest.fixture
def build(tmp_path):
    folder = tmp_path / "build"
    os.makedirs(folder / "guest" / "tree")
    for name in ("disk.img", "disk-ext4.img", "bench.json", "guest/Image", "disk.img.new"):
        (folder / name).touch()
    return folder


def test_clean_keeps_the_disks_and_says_so(here, build):
    run = here.make("clean", f"BUILD_DIR={build}")
    assert run.returncode == 0
    assert sorted(os.listdir(build)) == ["disk-ext4.img", "disk.img"]
    assert f"Kept the disks of the guests: {build}/disk" in run.stdout and "make disk-clean" in run.stdout


def test_disk_clean_removes_the_disks_and_says_so(here, build):
    run = here.make("disk-clean", f"BUILD_DIR={build}")
    assert run.returncode == 0
    assert not [name for name in os.listdir(build) if name.endswith(".img")]
    assert "Removed the disks of the guests: " in run.stdout and f"{build}/disk-ext4.img" in run.stdout
    assert "There is no disk" in here.make("disk-clean", f"BUILD_DIR={build}").stdout


def test_distclean_removes_everything_and_says_so(here, build):
    run = here.make("distclean", f"BUILD_DIR={build}")
    assert run.returncode == 0
    assert not build.exists()
    assert f"Removed {build}/" in run.stdout and f"the disks of the guests: {build}/disk" in run.stdout


@pytest.mark.parametrize("verb", ["clean", "disk-clean", "distclean"])
def test_nothing_to_remove_is_no_error(here, tmp_path, verb):
    assert here.make(verb, f"BUILD_DIR={tmp_path}/none").returncode == 0
