# SPDX-License-Identifier: BSD-2-Clause
"""What guests have of the core, in cycles as the kernel of the config `benchmark` counts them."""

import re

import qemu
import work

IMAGE = qemu.system_image("tests_system_greedy")


def cycles(machine, *names):
    """Of these PDs and vCPUs together, since the start."""
    text = qemu.COLOUR.sub("", machine.log)
    return sum(int(re.findall(rf"^ *(\d+) +{name}: cycles\r*$", text, re.MULTILINE)[-1]) for name in names)


def test_who_traps_has_its_turn_no_less_and_no_more(boot, say):
    """Its VMM's time is its own: whoever's code runs when a turn is over, the other guest is next."""
    machine = boot(IMAGE, extra=work.ICOUNT, guests=0)
    machine.settle(3)
    machine.counters()
    machine.settle(3)
    machine.counters()
    greedy = cycles(machine, "greedy", "greedy_vmm")
    honest = cycles(machine, "honest")
    share = greedy / (greedy + honest)
    say(f"of two guests, the one that traps all the time has {100 * share:.0f} % of the core")
    assert honest > 0 and 0.45 < share < 0.55
