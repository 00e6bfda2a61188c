# SPDX-License-Identifier: BSD-2-Clause
"""The tree may lie in a folder with spaces in its name."""

TARGETS = (
    "build/host/sdk/tool/arena.o",                        # for this machine
    "build/unit/sdk/tool/arena.o",                        # for the host tests
    "build/qemu_virt_aarch64/debug/sdk/kernel/aarch64/vhe/start.o",   # assembler
    "build/qemu_virt_aarch64/debug/sdk/libc/string.o",    # for the board
    "build/guest/own/bin/vsock_recv",                     # for a guest
    "build/check/vmm/core/mmio_bus.h.alone",                       # static checks
    "build/disk.img",
)


def test_each_kind_of_file_is_built(tree):
    run = tree.make(*TARGETS)
    assert run.returncode == 0, run.stderr


def test_host_object_does_not_hold_the_path(tree):
    assert tree.make(TARGETS[0]).returncode == 0
    with open(tree.path_of(TARGETS[0]), "rb") as made:
        assert tree.path.encode() not in made.read()
