# SPDX-License-Identifier: BSD-2-Clause
"""A script of the build that fails ends with a sentence: what failed, and what to do."""

import hashlib
import os

import pytest


def last_line(run):
    assert run.returncode != 0
    return run.stderr.splitlines()[-1]


def cached(cache, package, content):
    """A package as guest/fetch.sh keeps it."""
    os.makedirs(cache / package)
    (cache / package / "a_1_arm64.deb").write_bytes(content)
    (cache / package / "SHA256").write_text(f"{hashlib.sha256(content).hexdigest()}  a_1_arm64.deb\n")


def test_fetch_without_a_network(here, tmp_path):
    (tmp_path / "sources").write_text(
        "".join(f"deb file:/nonexistent {suite} main\n" for suite in ("bookworm", "trixie", "stable")))
    run = here.run("guest/fetch.sh", tmp_path / "cache", tmp_path / "tree", "busybox-static",
                   APT_SOURCE_LIST=str(tmp_path / "sources"), APT_SOURCE_PARTS="/nonexistent")
    assert "no package index came; check the network" in last_line(run)
    assert [name for name in os.listdir(tmp_path / "cache") if name != ".lock"] == []


def test_fetch_without_a_source(here, tmp_path):
    run = here.run("guest/fetch.sh", tmp_path / "cache", tmp_path / "tree", "busybox-static",
                   APT_SOURCE_LIST="/nonexistent", APT_SOURCE_PARTS="/nonexistent")
    assert "add one to" in last_line(run)


def test_fetch_of_a_damaged_package(here, tmp_path):
    cached(tmp_path / "cache", "busybox-static", b"!<arch>\nno package")
    run = here.run("guest/fetch.sh", tmp_path / "cache", tmp_path / "tree", "busybox-static")
    assert f"remove {tmp_path}/cache/busybox-static, so that it is downloaded again" in last_line(run)


@pytest.fixture
def unpacked(tmp_path):
    """A tree as guest/fetch.sh unpacks it."""
    modules = tmp_path / "tree" / "lib" / "modules" / "6.1.0-1-arm64"
    os.makedirs(modules / "kernel")
    os.makedirs(tmp_path / "tree" / "bin")
    (tmp_path / "tree" / "bin" / "busybox").touch()
    for name in ("modules.order", "modules.builtin", "modules.builtin.modinfo"):
        (modules / name).touch()
    (tmp_path / "list").write_text("virtio_net # none\n")
    return tmp_path


def rootfs(here, folder):
    return here.run("guest/rootfs.sh", folder / "tree", folder / "out.gz", folder / "list",
                    here.path_of("guest", "rootfs"))


def test_rootfs_without_a_module(here, unpacked):
    assert "kernel 6.1.0-1-arm64 has no module virtio_net; take it out of" in last_line(rootfs(here, unpacked))
    assert sorted(os.listdir(unpacked)) == ["list", "tree"]


@pytest.mark.parametrize("lost, sentence", [
    ("tree/bin/busybox", "this failed: cp \"$tree/bin/busybox\""),
    ("tree/lib/modules/6.1.0-1-arm64/modules.builtin", "so that it is unpacked again"),
    ("tree/lib/modules/6.1.0-1-arm64/modules.order", "so that it is unpacked again"),
    ("list", "the list of the guests' kernel modules, is missing"),
])
def test_rootfs_of_an_incomplete_tree(here, unpacked, lost, sentence):
    (unpacked / "list").write_text("# none\n")
    os.remove(unpacked / lost)
    assert sentence in last_line(rootfs(here, unpacked))


def test_rootfs_of_two_kernels(here, unpacked):
    os.makedirs(unpacked / "tree" / "lib" / "modules" / "6.12.0-1-arm64")
    assert "the modules of more than one kernel; remove" in last_line(rootfs(here, unpacked))


def test_module_without_a_tree(here, tmp_path):
    run = here.run("guest/driver/module.sh", tmp_path / "none", tmp_path, tmp_path / "x.ko")
    assert "module.sh: this failed: " in last_line(run) and "so that it is unpacked again" in last_line(run)


@pytest.mark.parametrize("arguments, sentence", [
    (("/nonexistent/disk.img",), "disk.sh: this failed: truncate"),
    (("{}/disk.img", "129"), "a disk has 128 partitions at most"),
    (("{}/disk.img", "2", "ntfs"), "choose fat or ext4"),
])
def test_disk(here, tmp_path, arguments, sentence):
    run = here.run("systems/disk.sh", *(argument.format(tmp_path) for argument in arguments))
    assert sentence in last_line(run)


def test_every_script_of_the_build_has_the_last_word(here):
    listed = here.run("git", "ls-files", "-co", "--exclude-standard", "guest/*.sh", "systems/disk.sh", ".ci/need")
    for path in listed.stdout.split():
        with open(here.path_of(path), encoding="utf-8") as script:
            assert ".ci/script.sh\"" in script.read() or path == ".ci/need", path


def test_archive_behind_another_fails_where_cpio_fails(here, tmp_path):
    """$(call with_files) is a pipe, whose first parts may fail too."""
    (tmp_path / "x.mk").write_text(
        "include Makefile\nx:\n\t@mkdir -p $(GUEST_DIR) && touch $(GUEST_DIR)/initrd.cpio.gz\n"
        "\t$(call with_files,$(BUILD_DIR)/nonexistent) >$(BUILD_DIR)/out\n")
    run = here.make("-f", str(tmp_path / "x.mk"), "x", f"BUILD_DIR={tmp_path}/build")
    assert run.returncode != 0
