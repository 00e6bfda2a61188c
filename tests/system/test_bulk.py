# SPDX-License-Identifier: BSD-2-Clause
"""2 MB into a console and 2 MB out of it, paced by nothing but flow control: the terminal of the
guest takes what it can, the queues fill up behind it, QEMU stops reading, the test's write waits."""

import base64
import hashlib
import random
import re
import time

import qemu

IMAGE = qemu.system_image("virtio")
BYTES = 2_000_000


def test_2_mb_in_and_out_again(machine, say):
    guest, other = machine.guests
    data = random.Random(2).randbytes(BYTES)
    text = base64.encodebytes(data).decode()
    # Canonical mode would end lines at 4,095 bytes, and echo everything.
    guest.start(f"stty raw -echo; echo REA''DY; head -c {len(text)} >/tmp/text; stty sane")
    guest.expect("READY")
    begin = time.monotonic()
    guest.send(text)
    guest.expect(guest.prompt)
    say(f"2 MB in: {time.monotonic() - begin:.0f} s")
    assert guest.run("base64 -d /tmp/text >/tmp/data; wc -c </tmp/data").strip() == str(BYTES)
    assert guest.run("sha256sum </tmp/data").split()[0] == hashlib.sha256(data).hexdigest()

    begin = time.monotonic()
    out = guest.run("base64 /tmp/data", timeout=4 * qemu.HANG_S)
    say(f"2 MB out: {time.monotonic() - begin:.0f} s")
    assert hashlib.sha256(base64.b64decode(out)).digest() == hashlib.sha256(data).digest()
    other.answers()
    assert not re.search("dropped|has not taken", machine.console.text)


def test_two_floods_at_once_lose_nothing(machine):
    """Both guests write as fast as they can, lines in turn."""
    for guest in machine.guests:
        guest.send("i=0; while [ $i -lt 3000 ]; do i=$((i + 1)); echo line $i of $HOSTNAME, "
                   "which is somewhat long; done >/tmp/lines; echo ready$((i))\r")
        guest.expect("ready3000")
        guest.expect(guest.prompt)
    for guest in machine.guests:
        guest.send("cat /tmp/lines; echo fin''ished\r")
    for guest in machine.guests:
        before = guest.output.seen
        end = guest.expect("finished\r")
        text = guest.output.text[before:end.start()]
        assert [int(n) for n in re.findall(r"^line (\d+) of [^\r\n]*, which is somewhat long\r*$",
                                           text, re.M)] == list(range(1, 3001))
        guest.expect(guest.prompt)
