# SPDX-License-Identifier: BSD-2-Clause
"""`make help` names each verb and each variable."""

import glob
import re

# Set by one make for another one, not by a user.
INTERNAL = set()


def makefiles(tree):
    for path in ("Makefile", *glob.glob("**/*.mk", root_dir=tree.path, recursive=True)):
        if not path.startswith("build/"):
            with open(tree.path_of(path), encoding="utf-8") as file:
                yield file.read()


def test_qemu_and_test_come_first(here):
    verbs = re.findall(r"^  make (\S+)", here.make("help").stdout, re.M)
    assert verbs[:2] == ["qemu", "test"]
    assert len(verbs) == len(set(verbs))
    assert {"disk-clean", "clean", "distclean", "format-check", "build-test"} <= set(verbs)


def test_each_variable_is_listed(here):
    taken = {name for text in makefiles(here) for name in re.findall(r"^(?:export )?(\w+) \?=", text, re.M)}
    listed = set(re.findall(r"\b([A-Z_]+)=", re.sub(r"  +[^A-Z ].*", "", "\n".join(
        re.findall(r"^  (?!make )(.*)", here.make("help").stdout, re.M)))))
    assert taken - INTERNAL == listed
    assert {"V", "BENCH", "ROUNDS", "OLD", "NEW", "PYTEST_ARGS", "NET", "PASSED_NET", "FUZZ_NAMES"} <= listed


def test_choices_are_listed(here):
    said = here.make("help").stdout
    assert "Boards: qemu_virt_aarch64" in said and "Systems: " in said and "simple" in said
