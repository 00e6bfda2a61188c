# SPDX-License-Identifier: BSD-2-Clause
"""Copies of the tree for tests of its makefiles and scripts."""

import os
import shutil
import subprocess

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# What an outer make and the user's shell must not bring in.
FOREIGN = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "MAKEOVERRIDES", "BUILD_DIR", "BOARD", "CONFIG", "GUEST_CACHE",
           "DISK", "BENCH", "SYSTEM", "STEP_FOLDERS")


class Tree:
    """A tree of sources, and how make and its scripts are called there."""

    def __init__(self, path):
        self.path = str(path)

    def run(self, *command, **variables):
        environment = {name: value for name, value in os.environ.items() if name not in FOREIGN}
        environment.update(variables, LC_ALL="C", GIT_CEILING_DIRECTORIES=os.path.dirname(self.path))
        return subprocess.run(command, cwd=self.path, env=environment, capture_output=True, text=True,
                              timeout=120, stdin=subprocess.DEVNULL)

    def make(self, *arguments, **variables):
        return self.run("make", *arguments, **variables)

    def path_of(self, *names):
        return os.path.join(self.path, *names)


@pytest.fixture
def here():
    return Tree(ROOT)


def copy_sources(path):
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                            cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, listed.split("\0")):
        source, copy = os.path.join(ROOT, name), os.path.join(path, name)
        if os.path.exists(source):
            os.makedirs(os.path.dirname(copy), exist_ok=True)
            shutil.copy2(source, copy)
    return Tree(path)


@pytest.fixture
def tree(tmp_path):
    """A tree without git, in a folder with spaces in its name."""
    return copy_sources(os.path.join(tmp_path, "a b  c"))
