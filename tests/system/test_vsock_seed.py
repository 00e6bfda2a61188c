# SPDX-License-Identifier: BSD-2-Clause
"""Sockets of systems/virtio, with the seed's programs, CIDs and words."""

import re

import qemu

IMAGE = qemu.system_image("virtio")
OPTIONS = {"memory": "1G"}
# The sizes of what comes at a time are the kernel's.
RECEIVED = r"""VSOCK RECV\|INFO: starting
VSOCK RECV\|INFO: creating socket to wait on CID {cid}
VSOCK RECV\|INFO: peer connected
(VSOCK RECV\|INFO: Accumulatively received \d+ bytes
)+VSOCK RECV\|INFO: Total bytes received 32768, verifying data\.\.\.
VSOCK RECV\|INFO: All is well in the universe
"""
SENT = """VSOCK SEND|INFO: starting
VSOCK SEND|INFO: creating socket to send on CID {cid}
VSOCK SEND|INFO: connected, preparing payload
VSOCK SEND|INFO: now sending 32768 bytes!
"""


def test_the_seed_s_words(machine):
    """As a reader of the seed types them, then the other way round."""
    for receiver, sender, cid in ((0, 1, 3), (1, 0, 4)):
        receiver, sender = machine.guests[receiver], machine.guests[sender]
        receiver.start(f"vsock_recv {cid}")
        receiver.expect("wait on CID")
        begin = receiver.output.text.rindex("VSOCK RECV|INFO: starting")
        assert sender.run(f"vsock_send {cid}") == SENT.format(cid=cid)
        receiver.expect("All is well in the universe\r+\n")
        said = re.sub(r"\r+\n", "\n", receiver.output.text[begin:receiver.output.seen])
        assert re.fullmatch(RECEIVED.format(cid=cid), said)
        assert said.count("Accumulatively") > 1
        receiver.expect(receiver.prompt)


def test_both_at_once(machine):
    """Each guest receives ten times in the background, and sends as long as the other one does."""
    times = "0 1 2 3 4 5 6 7 8 9"
    for guest, own in zip(machine.guests, (3, 4)):
        guest.run(f"(for i in {times}; do vsock_recv {own}; done; touch /tmp/done) >/tmp/came 2>&1 & true")
    for guest, other in zip(machine.guests, (4, 3)):
        guest.run(f"(while usleep 20000; do vsock_send {other}; done) >/dev/null 2>&1 & echo $! >/tmp/pid")
    for guest in machine.guests:
        guest.run("while ! test -e /tmp/done; do usleep 100000; done")
        assert guest.run("cat /tmp/came").count("All is well in the universe") == 10
    for guest in machine.guests:
        guest.run("kill $(cat /tmp/pid)")


def test_a_cid_that_is_not_ones_own(machine):
    assert "is this CID the guest's own?" in machine.guests[0].run("vsock_recv 4", status=1)
    assert "'x' is no CID" in machine.guests[0].run("vsock_send x", status=2)
