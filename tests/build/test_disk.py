# SPDX-License-Identifier: BSD-2-Clause
"""The guests' disk has a partition for each that asks for one; what lies on it is never lost."""

import os
import subprocess

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SECTOR = 512
FIRST = 2048 * SECTOR
PARTITION = 64 << 20
DISK_SH = os.path.join(ROOT, "systems", "disk.sh")


def run(*command):
    environment = {name: value for name, value in os.environ.items()
                   if name not in ("MAKEFLAGS", "MAKELEVEL", "BUILD_DIR", "DISK", "SYSTEM")}
    return subprocess.run(list(map(str, command)), cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120,
                          stdin=subprocess.DEVNULL)


def disk(*arguments):
    return run(DISK_SH, *arguments)


def own_disk(tmp_path, partitions, *arguments):
    """What make does before it starts a system whose guests want so many partitions."""
    (tmp_path / "system").mkdir(exist_ok=True)
    (tmp_path / "system" / "system.partitions").write_text(f"{partitions}\n")
    return run("make", "own-disk", f"BUILD_DIR={tmp_path}", f"SYSTEM_DIR={tmp_path}/system", *arguments)


def write(path, offset, data):
    with open(path, "r+b") as image:
        image.seek(offset)
        image.write(data)


def read(path, offset, length):
    with open(path, "rb") as image:
        image.seek(offset)
        return image.read(length)


def has(path, partitions):
    """Whether the disk has exactly so many."""
    return disk("--check", path, partitions).returncode == 0 and disk("--check", path, partitions + 1).returncode != 0


@pytest.mark.parametrize("wanted, made", [(0, 2), (3, 3), (5, 5)])
def test_disk_has_as_many_as_the_guests_want(tmp_path, wanted, made):
    done = own_disk(tmp_path, wanted)
    assert (done.returncode, done.stderr) == (0, "")
    image = tmp_path / "disk.img"
    assert has(image, made)
    for number in range(made):  # the file systems' boot sectors
        assert read(image, FIRST + number * PARTITION + 510, 2) == b"\x55\xaa"


@pytest.mark.parametrize("kind", ["fat", "ext4"])
def test_third_guest_gets_a_partition_and_the_others_keep_theirs(tmp_path, kind):
    assert own_disk(tmp_path, 2, f"DISK_TYPE={kind}").returncode == 0
    image = tmp_path / ("disk.img" if kind == "fat" else "disk-ext4.img")
    for number in range(2):
        for offset in (2 << 20, PARTITION - SECTOR):
            write(image, FIRST + number * PARTITION + offset, b"guest's own" * 40)
    before = tmp_path / "before"
    run("cp", "--sparse=always", image, before)
    entries = read(image, 446, 32)
    grown = own_disk(tmp_path, 3, f"DISK_TYPE={kind}")
    assert grown.returncode == 0 and "Adding to the disk" in grown.stdout
    assert has(image, 3)
    assert run("cmp", "-i", SECTOR, "-n", FIRST - SECTOR + 2 * PARTITION, before, image).returncode == 0
    assert read(image, 446, 32) == entries
    again = own_disk(tmp_path, 3, f"DISK_TYPE={kind}")
    assert (again.returncode, again.stdout) == (0, "")
    fewer = own_disk(tmp_path, 1, f"DISK_TYPE={kind}")
    assert (fewer.returncode, fewer.stdout) == (0, "") and has(image, 3)


def test_disk_that_grew_is_one_that_was_made_so(tmp_path):
    assert disk(tmp_path / "grown", 1).returncode == 0
    assert disk("--add", tmp_path / "grown", 4).returncode == 0
    assert disk(tmp_path / "made", 4).returncode == 0
    assert run("cmp", tmp_path / "grown", tmp_path / "made").returncode == 0


@pytest.mark.parametrize("partitions, wanted", [(2, 5), (5, 6)])
def test_disk_that_cannot_grow_is_kept(tmp_path, partitions, wanted):
    image = tmp_path / "disk.img"
    assert disk(image, partitions).returncode == 0
    before = image.stat().st_size, image.stat().st_mtime_ns
    refused = own_disk(tmp_path, wanted)
    assert refused.returncode != 0
    assert f"disk.img has {partitions} partitions, the system's guests want {wanted}" in refused.stderr
    assert "make disk-clean" in refused.stderr and "DISK=" in refused.stderr
    assert (image.stat().st_size, image.stat().st_mtime_ns) == before


def test_what_is_no_disk_of_ours_is_kept(tmp_path):
    image = tmp_path / "disk.img"
    image.write_bytes(bytes(FIRST))
    refused = own_disk(tmp_path, 2)
    assert refused.returncode != 0 and "has 0 partitions" in refused.stderr
    assert image.read_bytes() == bytes(FIRST)


def test_users_disk_with_too_few_is_told(tmp_path):
    image = tmp_path / "my disk.img"
    assert disk(image, 2).returncode == 0
    assert disk("--check", image, 2).returncode == 0
    told = disk("--check", image, 3)
    assert told.returncode != 0
    assert told.stderr.startswith(f"disk.sh: DISK={image} has 2 partitions, the system's guests want 3; ")
    assert len(told.stderr.splitlines()) == 1
