# SPDX-License-Identifier: BSD-2-Clause
"""The conditions of a comparison: what each side's guest and QEMU say of themselves, and what must be
equal on both. Figures of sides that differ are not taken."""

import re

# What must be equal, and its name in a sentence.
GUEST = {"kernel": "the kernel", "cmdline": "the kernel's command line", "memory": "the guest's memory",
         "vcpus": "the number of vCPUs", "cpu_features": "the CPU's features (/proc/cpuinfo)",
         "isolation": "page table isolation (dmesg | grep -i isolation)",
         "seeded": "whether the kernel's random generator is seeded (dmesg: crng init done)"}
QEMU = {"cpu": "QEMU's -cpu", "smp": "QEMU's -smp", "accel": "QEMU's -accel", "icount": "QEMU's -icount",
        "rtc": "QEMU's -rtc"}
DISKS = "QEMU's -drive, without the file and the place in it,"  # where both have one
PLACE = ("file", "id", "offset", "size")  # of a disk: what may differ
SEEDLESS = "dtb-randomness=off"

# A guest's commands that say it, each line with its name before it.
ASK = "; ".join((
    'echo "kernel: $(uname -r)"', 'echo "cmdline: $(cat /proc/cmdline)"', 'echo "vcpus: $(nproc)"',
    r"""dmesg | sed -nE 's:.* Memory\: [0-9]+K/([0-9]+K) available.*:memory\: \1:p'""",
    'echo "isolation: $(dmesg | grep -i isolation | cut -d] -f2- | tr -s \'\\n \' \' \')"',
    "dmesg | grep -q 'crng init done' && echo 'seeded: yes' || echo 'seeded: no'",
    r"sed -nE 's/^Features\s*: */cpu_features: /p' /proc/cpuinfo | head -n 1"))


class Unequal(Exception):
    """Two sides have no conditions in common that a comparison needs."""


def of_guest(said):
    """What a guest answers to ASK."""
    found = dict(re.findall(r"^(\w+): ?(.*?) *\r*$", said, re.MULTILINE))
    return {key: found.get(key, "(the guest does not say)") for key in GUEST}


def of_qemu(command):
    """What QEMU's command line, a list of words, says."""
    def values(option):
        return [value for word, value in zip(command, command[1:]) if word == option]

    def disk(value):
        parts = [part for part in value.split(",") if part.split("=")[0] not in PLACE]
        return ",".join(sorted(parts))

    last = {name: (values(f"-{name}") or [""])[-1] for name in ("machine", "m", "cpu", "smp", "accel",
                                                                "icount", "rtc")}
    return {"machine": last.pop("machine"), "memory_of_machine": last.pop("m"), **last,
            "disks": sorted(disk(value) for value in values("-drive"))}


def difference(ours, direct):
    """The first difference of two sides ({"guest": ..., "qemu": ...}) as a sentence, or None. A side
    without a guest that could be asked has None in its place."""
    if SEEDLESS not in direct["qemu"]["machine"].split(","):
        return (f"the guest directly on QEMU gets a seed, which turns page table isolation on; add "
                f"{SEEDLESS} to its -machine {direct['qemu']['machine']}")
    have_disks = ours["qemu"]["disks"] and direct["qemu"]["disks"]
    for kind, names in (("guest", GUEST), ("qemu", {**QEMU, **({"disks": DISKS} if have_disks else {})})):
        for key, name in names.items() if ours[kind] and direct[kind] else ():
            if ours[kind][key] != direct[kind][key]:
                return (f"{name} differs: ours has {ours[kind][key] or 'none'!r}, the guest directly on "
                        f"QEMU {direct[kind][key] or 'none'!r}; make them equal")
    return None


def require_equal(ours, direct):
    found = difference(ours, direct)
    if found:
        raise Unequal(found)
