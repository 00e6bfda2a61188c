# SPDX-License-Identifier: BSD-2-Clause
"""tests/system/dead.yaml: guests that die early, and one that must not care."""

import qemu

DEAD = dict(guests=4)


def test_guests_that_die_early_are_seen_and_hurt_nobody(boot):
    machine = boot(qemu.system_image("tests_system_dead"), **DEAD)
    undefined, spinning, rootless, healthy = machine.guests
    # Its exception vectors lie where nothing is: no exception can be taken any more.
    undefined.expect(r"guest0: crashed: [^\r]+")
    undefined.expect(r"vCPU 0, ESR_EL2 [0-9a-f]+ \([^)]+\), guest address [0-9a-f]+")
    undefined.expect(r"  pc [0-9a-f]{16}  spsr [0-9a-f]{16}")
    # The instruction's address: behind the header, at the Image's text_offset from the start of RAM.
    undefined.expect(r"elr_el1 0000000040080048")
    undefined.expect(r"x28( [0-9a-f]{16}){3}")
    undefined.expect("stopped; other guests run on")
    # Before the driver of its console is there, Linux speaks through the emulated PL011.
    rootless.expect("Kernel panic - not syncing: VFS: Unable to mount root fs")
    healthy.login().answers()
    assert spinning.output.text == ""
    assert machine.log.count("crashed:") == 1
