# SPDX-License-Identifier: BSD-2-Clause
"""Values that cannot work are refused before anything is built, with the choices."""

import os

import pytest


def refused(tree, *arguments):
    run = tree.make("-n", "image", *arguments)
    assert run.returncode != 0
    assert len(run.stderr.splitlines()) == 1
    return run.stderr


@pytest.mark.parametrize("name", ["CONFIG", "MICROKIT_CONFIG"])
def test_unknown_config_is_refused(here, name):
    said = refused(here, f"{name}=fast")
    assert f"{name}=fast: there is no such choice; choose one of: benchmark debug release" in said


@pytest.mark.parametrize("name", ["BOARD", "MICROKIT_BOARD"])
def test_unknown_board_is_refused(here, name):
    boards = " ".join(sorted(os.listdir(here.path_of("sdk", "boards"))))
    assert f"{name}=rpi4: there is no such choice; choose one of: {boards}" in refused(here, f"{name}=rpi4")


@pytest.mark.parametrize("config", ["debug", "release", "benchmark"])
def test_known_config_is_accepted(here, config):
    assert here.make("help", f"CONFIG={config}").returncode == 0


def test_choices_come_from_the_sdk(here, tmp_path):
    for board, config in (("rpi4", "fast"), ("odroid", "debug"), ("odroid", "benchmark")):
        os.makedirs(tmp_path / "board" / board / config)
    (tmp_path / "VERSION").touch()
    sdk = f"MICROKIT_SDK={tmp_path}"
    assert "choose one of: odroid rpi4" in refused(here, sdk)
    assert "choose one of: benchmark debug" in refused(here, sdk, "BOARD=odroid", "CONFIG=release")
    assert here.make("help", sdk, "BOARD=rpi4", "CONFIG=fast").returncode == 0


def test_folder_that_is_no_sdk_is_refused(here, tmp_path):
    assert "this is no Microkit SDK, since it has no folder board/ with boards" in refused(here, f"MICROKIT_SDK={tmp_path}")


@pytest.mark.parametrize("name", ["BUILD_DIR", "SYSTEM", "LINUX", "INITRD", "MICROKIT_SDK", "GUEST_CACHE",
                                  "BOARD_DTB", "PROGRAM_DIR"])
def test_path_with_spaces_in_a_variable_is_refused(here, name):
    said = refused(here, f"{name}=/tmp/a b")
    assert f"{name}=/tmp/a b: make cannot handle spaces in this path" in said


@pytest.mark.parametrize("value", [".", "..", "/"])
def test_build_folder_that_holds_the_sources_is_refused(tree, value):
    run = tree.make("distclean", f"BUILD_DIR={value}")
    assert run.returncode != 0
    assert f"BUILD_DIR={value} holds the sources" in run.stderr
    assert os.path.exists(tree.path_of("Makefile"))


def test_empty_build_folder_is_refused(here):
    assert "BUILD_DIR= is empty" in refused(here, "BUILD_DIR=")
