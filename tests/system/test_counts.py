# SPDX-License-Identifier: BSD-2-Clause
"""A unit of work costs what it did: counts that repeat, beside those of known_counts.py. Who makes
something cost more, or less, puts the new figure there, and says why in the commit."""

import re

import pytest
import qemu
import work
from known_counts import KNOWN, KNOWN_OF_LINUX

IMAGE = qemu.system_image("virtio_tools")
OPTIONS = {"extra": work.ICOUNT}
# Packets fall together more or less often, as the guests' own timers fall.
MARGIN = {"a trapped read": 0.02, "32 KiB of vsock": 0.3}
USUAL_MARGIN = 0.1
AT_LEAST = 0.3  # of one


def compare(name, found, say):
    margin = MARGIN.get(name, USUAL_MARGIN)
    say(f"{name}: " + ", ".join(f"{what} {count:.1f}" for what, count in found.items()))
    wrong = {what: (count, KNOWN[name][what]) for what, count in found.items() if what in KNOWN[name] and
             abs(count - KNOWN[name][what]) > max(margin * KNOWN[name][what], AT_LEAST)}
    assert not wrong, (f"{name} costs another number of (now, in known_counts.py): {wrong}; if that is "
                       "meant, change tests/system/known_counts.py and say why")


@pytest.fixture(scope="module")
def guests(boot_for_module):
    machine = boot_for_module(IMAGE, **OPTIONS)
    work.set_up(machine)
    return machine


@pytest.mark.parametrize("name", [name for name in work.UNITS if name in KNOWN])
def test_a_unit_of_work(guests, say, name):
    linux = ".".join(guests.guests[0].run("uname -r").split(".")[:2])
    if linux != KNOWN_OF_LINUX.get(name, linux):
        pytest.skip(f"known of Linux {KNOWN_OF_LINUX[name]}, the guests have {linux}")
    compare(name, work.counts(guests, name), say)


def test_a_trapped_read(boot, say):
    """Guest to VMM and back, in instructions: a tick of the counter is 16 of them."""
    machine = boot(qemu.system_image("tests_bench_trap"), extra=work.ICOUNT, guests=0)
    machine.expect("done")
    ticks = sorted(int(t) for t in re.findall(r"ticks for 1000 reads: (\d+)", machine.log))
    compare("a trapped read", {"instructions": ticks[len(ticks) // 2] * 16 / 1000}, say)
