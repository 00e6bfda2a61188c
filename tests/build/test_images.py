# SPDX-License-Identifier: BSD-2-Clause
"""A system's image is made anew when something that it is made from has changed, and only then."""

import os
import time

import pytest

TARGET = os.path.join(os.environ.get("CLOISTER_BUILD_DIR", "build"), "qemu_virt_aarch64", "debug")


class Image:
    """The image of one guest, apart from the tree's own."""

    def __init__(self, tree, folder):
        self.tree, self.folder = tree, folder
        archive = os.path.join(os.path.dirname(folder), "initrd")
        with open(archive, "wb") as out:
            out.write(b"\0" * 512)
        self.arguments = ("SYSTEM=simple", f"SYSTEM_DIR={folder}", f"INITRD={archive}",
                          f"LINUX={TARGET}/tests/bench/trap_guest.Image",
                          f"BUILD_DIR={os.path.dirname(os.path.dirname(TARGET))}")
        self.build()

    def build(self):
        run = self.tree.make(f"{self.folder}/loader.img", *self.arguments)
        assert run.returncode == 0, run.stderr
        return {name: os.stat(os.path.join(self.folder, name)).st_mtime_ns for name in os.listdir(self.folder)}

    def touch(self, name):
        time.sleep(0.01)
        os.utime(os.path.join(self.folder, name))


@pytest.fixture
def image(here, tmp_path):
    return Image(here, str(tmp_path / "system"))


def is_made_from_pds(name):
    return name.endswith((".elf", ".start")) or name in ("loader.img", "report.txt")


def test_nothing_is_made_anew_without_a_change(image):
    assert image.build() == image.build()


def test_changed_link_makefile_makes_all_anew(image):
    before = image.build()
    image.touch("link.mk")
    after = image.build()
    assert any(name.endswith(".start") for name in before)
    assert not [name for name in before if is_made_from_pds(name) and after[name] == before[name]]


def test_changed_record_makes_its_pd_and_the_image_anew(image):
    before = image.build()
    image.touch("guest0_vmm.vmm_config.data")
    after = image.build()
    changed = {name for name in before if is_made_from_pds(name) and after[name] != before[name]}
    assert changed == {"guest0_vmm.elf", "guest0_vmm.start", "loader.img", "report.txt"}
