#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Who may include what: systems -> compose -> (vmm, io, services) -> lib -> sdk, never upwards, and no private
header of another folder. A folder's headers are its own, and those below it may use them; all else
is a row."""
import fnmatch
import os
import re
import subprocess
import sys

# From a folder (a pattern), to a header (a pattern), why. The system's headers are in <>.
ARROWS = (
    ("compose", "io/include/*", "writes the records that drivers and virtualisers read"),
    ("compose", "vmm/core/vmm_config.h", "writes the record that a VMM reads"),
    ("compose", "sdk/tool/arena.h", "the memory of a tool that ends soon"),
    ("compose", "<*>", "runs on the host"),

    ("vmm/*", "vmm/core/*", "the guest, its RAM and record, the bus, log and counts"),
    ("vmm/core", "vmm/devices/devices.h", "the guest's devices, all together"),
    ("vmm/core", "vmm/arch/aarch64/*", "starts and stops vCPUs, passes faults on"),
    ("vmm/devices*", "vmm/virtio/*", "queues and transport"),
    ("vmm/devices", "vmm/devices/*/*.h", "the list of devices"),
    ("vmm/devices", "vmm/arch/aarch64/vgic.h", "a device's interrupt line"),
    ("io/drivers/*", "io/drivers/virtio_mmio/*", "transport and rings that virtIO's drivers share"),
    ("vmm*", "io/include/*", "where vmm and io meet"),
    ("io*", "io/include/*", "where vmm and io meet"),
    ("services/*", "io/include/*", "calls and records that PDs share"),
    ("lib/pd", "io/include/*", "the record of a restart"),
    ("io*", "lib/pd/*", "the shell of a PD"),
    ("services/*", "lib/pd/*", "the shell of a PD"),

    ("vmm*", "sdk/libc/*", "the target's C library"),
    ("io*", "sdk/libc/*", "the target's C library"),
    ("services/*", "sdk/libc/*", "the target's C library"),
    ("lib/pd", "sdk/libc/*", "the target's C library"),
    ("sdk/kernel/*", "sdk/libc/*", "the target's C library"),
    ("sdk/libmicrokit", "sdk/libc/include/*", "the target's C library"),
    ("sdk/libc", "sdk/libc/include/*", "what it declares"),
    ("vmm*", "sdk/libmicrokit/include/*", "the Microkit's interface"),
    ("io*", "sdk/libmicrokit/include/*", "the Microkit's interface"),
    ("services/*", "sdk/libmicrokit/include/*", "the Microkit's interface"),
    ("lib/pd", "sdk/libmicrokit/include/*", "the Microkit's interface"),
    ("sdk/libmicrokit*", "sdk/libmicrokit/include/*", "the Microkit's interface"),
    ("sdk/libmicrokit", "sdk/kernel/include/*", "the numbers of the system calls"),
    ("sdk/tool", "sdk/kernel/include/*", "writes the image that the kernel reads"),
    ("sdk/kernel/*", "sdk/kernel/include/*", "reads that image, answers those calls"),
    ("sdk/kernel/*", "sdk/kernel/core/*", "what an architecture, a GIC and a UART implement"),
    ("sdk/kernel/*", "sdk/kernel/gic/gic.h", "what a GIC implements"),
    ("sdk/kernel/core", "sdk/boards/*/board_addresses.h", "what a board defines for start.S"),
    ("sdk/boards/*", "sdk/kernel/*", "a board is a part of the kernel"),
    ("sdk/tool", "<*>", "runs on the host"),

    ("vmm/virtio", "<linux/virtio_*.h>", "virtIO's constants"),
    ("vmm/devices*", "<linux/virtio_*.h>", "virtIO's constants"),
    ("vmm/devices/net", "<linux/if_ether.h>", "Ethernet's constants"),
    ("io/drivers/*", "<linux/virtio_*.h>", "virtIO's constants"),
    ("io/virt/switch", "<linux/virtio_*.h>", "virtIO's constants"),
    ("guest/programs", "io/include/cloister/*", "what a program in a guest and its VMM agree on"),
    ("guest/programs", "<*>", "runs on Linux"),
    ("tests/*", "*", "a test looks at what it likes; nothing includes a test"),
)
# A freestanding compiler has these; <string.h> is in sdk/libc/include.
FREESTANDING = ("<stdarg.h>", "<stdbool.h>", "<stddef.h>", "<stdint.h>")
LIBC = "sdk/libc/include"
SEARCHED = (".", "io/include", "sdk/kernel/include", "sdk/libmicrokit/include", LIBC,
            "sdk/boards/qemu_virt_aarch64")
ON_HOST = ("compose", "sdk/tool", "guest/programs", "tests/*")
INCLUDE = re.compile(r'\s*#\s*include\s*[<"]([^>"]+)[>"]')


def matches(path, patterns):
    return any(fnmatch.fnmatchcase(path, pattern) for pattern in patterns)


def header(folder, name):
    """The header's path in the repository, or <name> of one that is the system's."""
    for place in SEARCHED:
        path = os.path.normpath(os.path.join(place, name))
        if os.path.exists(path) and not (place == LIBC and matches(folder, ON_HOST)):
            return path
    return f"<{name}>"


def is_above(folder, target):
    return target[0] != "<" and (folder + "/").startswith(os.path.dirname(target) + "/")


def allowed(folder, target):
    return (is_above(folder, target) or target in FREESTANDING or
            any(matches(folder, (source,)) and matches(target, (to,)) for source, to, _ in ARROWS))


def findings(path):
    folder = os.path.dirname(path)
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            found = INCLUDE.match(line)
            if not found:
                continue
            target = header(folder, found[1])
            if not allowed(folder, target):
                yield (f"{path}:{number}: no arrow goes from {folder} to {target}: move what both"
                       " need down, or add the arrow with its reason to tests/static/includes.py")


def main():
    listed = subprocess.run(["git", "ls-files", "*.c", "*.h", "*.S"], check=True,
                            capture_output=True, text=True)
    paths = listed.stdout.split()
    found = [finding for path in paths for finding in findings(path)]
    print("\n".join(found) or f"  includes of {len(paths)} files")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
