# SPDX-License-Identifier: BSD-2-Clause
"""Each verb asks for the Debian packages of a tool before it uses the tool: what a dry run in an
empty build folder prints is looked at in its order."""

import re

import pytest

VERBS = ("format-check", "format", "check", "lint", "unit", "model", "fuzz", "coverage", "build-test", "image",
         "picture", "qemu", "switch-bench", "bench", "bench-compare", "scale", "driver-vm-figures", "proof",
         "system-test", "soak", "test")
# What stands in a command, and the groups of .ci/packages that it needs.
WORD = r"(?<![\w./-]){}(?![\w.-])"
TOOLS = (
    (WORD.format("(clang|ld.lld|llvm-[a-z]+)"), "compiler"),
    (WORD.format("clang.*(tests/(unit|fuzz)/|-lcmocka)"), "unit"),
    (WORD.format("clang --target=aarch64-linux-gnu .*"), "cross"),
    (WORD.format("(clang-tidy|cppcheck)"), "check"),
    (WORD.format("clang-format"), "format"),
    (WORD.format("(spin|gcc)"), "model"),
    (WORD.format("frama-c"), "proof"),
    (WORD.format("dot -"), "picture"),
    (WORD.format("cpio"), "archive"),
    (WORD.format("qemu-system-aarch64"), "qemu"),
    (r"/usr/bin/python3", "python"),
    (r"python3 -m pytest", "pytest"),
    (r"tests/bench/(bench|scale|driver_vm)\.py|-m pytest .*tests/system", "console"),
    (r"tests/bench/bench.py", "iperf"),
    (r"^guest/fetch.sh", "download"),
    (r"^guest/rootfs.sh", "archive"),
    (r"^guest/driver/module.sh", "download"),
    (r"^systems/disk.sh", "disk"),
    (r"aarch64-linux-gnu-(gcc|strip)", "cross-gcc"),
    (r"(tests/static/(text|includes|budgets)|tests/coverage/coverage).py|git ls-files", "git"),
)
# pytest brings Python; cross-gcc is what binaries of Debian's kernel are built with too.
IMPLIED = {"pytest": {"python"}, "console": {"python"}}


def uses_before_asking(printed):
    asked = set()
    for line in printed.replace("\\\n", " ").splitlines():
        need = re.match(r"\.ci/need (.*)", line)
        if need:
            for group in need[1].split():
                asked |= {group} | IMPLIED.get(group, set())
        elif not line.startswith("echo "):
            for tool, group in TOOLS:
                if re.search(tool, line) and group not in asked:
                    yield f"{group} is not asked for before: {line[:120]}"


@pytest.mark.parametrize("verb", VERBS)
def test_verb_asks_before_it_uses(here, tmp_path, verb):
    run = here.make("-n", "-k", verb, f"BUILD_DIR={tmp_path}/build", "BENCH=trap", "OLD=a", "NEW=b")
    assert run.stdout.strip(), run.stderr
    assert not list(uses_before_asking(run.stdout))


def test_every_group_is_in_the_list_and_is_asked_for(here):
    with open(here.path_of(".ci", "packages"), encoding="utf-8") as file:
        rows = [line.split() for line in file if line[:1].isalpha()]
    groups = {row[0] for row in rows}
    assert len(groups) == len(rows) and all(len(row) > 1 for row in rows)
    files = here.run("git", "ls-files", "-co", "--exclude-standard", "Makefile", "*.mk").stdout.split()
    text = ""
    for path in files:
        with open(here.path_of(path), encoding="utf-8") as file:
            text += re.sub(r"^#.*", "", file.read(), flags=re.M)
    called = {group for words in re.findall(r"\$\(call need,([^)$]+)\)", text) for group in words.split()}
    called |= set(re.findall(r"\bneed-([a-z][a-z-]*)", text))
    assert called == groups
