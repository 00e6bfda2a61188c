# SPDX-License-Identifier: BSD-2-Clause
"""Boots, again and again: the hangs to be found are those that only some boots meet. `make test`
does a few of each kind, `make soak` hundreds."""

import os
import time

import pytest
import qemu


@pytest.mark.parametrize("name, guests, boots", [
    ("simple", 1, 1),
    ("virtio", 2, int(os.environ.get("CLOISTER_BOOTS_OF_TWO", "3"))),
    ("tests_system_four", 4, int(os.environ.get("CLOISTER_BOOTS_OF_FOUR", "3")))])
def test_every_boot_reaches_all_prompts(boot, say, name, guests, boots):
    """The boot that hangs leaves its log; `-k` and the environment repeat it."""
    for number in range(1, boots + 1):
        begin = time.monotonic()
        machine = boot(qemu.system_image(name), guests=guests)
        for guest in machine.guests:
            guest.expect(f"{guest.name} login: ")
        seconds = time.monotonic() - begin
        # And takes its input there.
        machine.send("root\r")
        machine.guests[0].expect(machine.guests[0].prompt)
        machine.stop()
        boot.machines.clear()
        say(f"{name}: boot {number} of {boots}: all prompts in {seconds:.1f} s")
