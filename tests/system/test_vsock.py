# SPDX-License-Identifier: BSD-2-Clause
"""Sockets between the four guests of vsock.yaml: who reaches whom, that nothing is lost, and what a
guest hears when its peer is gone."""

import os
import re

import pytest
import qemu
import vsock_tools

IMAGE = qemu.system_image("tests_system_vsock")
OPTIONS = {"memory": "1G", "guests": 4}
CIDS = (3, 4, 77, 4294967294)
STREAM_BYTES = int(os.environ.get("CLOISTER_VSOCK_BYTES", str(256 << 20)))
# What Linux 6.1 makes of RST: of a connection that is established, EPIPE for who sends and the end
# for who receives; ECONNRESET of one that is not.
LOST = "cannot send: (Broken pipe|Connection reset by peer)"


@pytest.fixture
def guests(machine):
    for guest in machine.guests:
        if f"{guest.name}: powered off" not in machine.log:
            vsock_tools.serve(guest)
    return machine.guests


def stream(guest, to, megabytes=1):
    return vsock_tools.megabytes(guest, "stream", CIDS[to], megabytes << 20, 65536)


def refused(guest, to):
    said = guest.run(f"vsock_bench echo {CIDS[to]} 1 8", status=1)
    return "cannot connect: Connection reset by peer" in said


def test_every_pair_that_may(guests):
    for sender, receiver in ((0, 1), (1, 0), (0, 2), (2, 0), (1, 2), (2, 1), (2, 3), (3, 2)):
        stream(guests[sender], receiver)


def test_who_is_not_allowed_is_not_there(guests):
    """It is like a CID that nobody has."""
    for sender, receiver in ((0, 3), (1, 3), (3, 0), (3, 1)):
        assert refused(guests[sender], receiver)
    assert "Connection reset" in guests[0].run("vsock_bench echo 1000 1 8", status=1)


def test_a_port_that_nobody_listens_on(guests):
    assert "cannot connect: Connection reset" in guests[0].run("vsock_send 4", status=1)


def test_all_at_once(guests):
    """Six streams, each guest of the three sends to both others."""
    for guest in guests[:3]:
        others = [cid for cid in CIDS[:3] if cid != CIDS[guest.index]]
        guest.run("".join(f"vsock_bench stream {cid} {8 << 20} 65536 >/tmp/to{cid} 2>&1 & "
                          for cid in others) + "true")
    for guest in guests[:3]:
        said = guest.run("while pidof vsock_bench >/dev/null; do usleep 100000; done; cat /tmp/to*")
        assert said.count("checksum right") == 2


def test_a_long_stream(guests, say):
    rate = vsock_tools.megabytes(guests[0], "stream", CIDS[1], STREAM_BYTES, 65536)
    say(f"{STREAM_BYTES >> 20} MiB with a checksum: {rate} MB/s")


@pytest.mark.parametrize("size", (8, 4096, 65536, 200_000))
def test_messages(guests, size):
    # Linux 6.12 ends a connection of which more than 455 packets are unread.
    vsock_tools.megabytes(guests[1], "packet", CIDS[0], min(400 * size, 16 << 20) // 8 * 8, size)


def test_messages_keep_their_borders(guests):
    for size in (1, 100, 4096, 65536, 80_000):
        assert f"of up to {size} bytes" in guests[0].run(f"vsock_bench border {CIDS[1]} 300 {size}")


def test_ten_thousand_connections(guests, say):
    """One after the other, and some that are there together before and after."""
    together = f"vsock_bench many {CIDS[1]} 64"
    assert "64 connections at once" in guests[0].run(together)
    each = vsock_tools.microseconds(guests[0], "connect", CIDS[1], 10_000)
    say(f"a connection opened and closed: {each} us")
    assert "64 connections at once" in guests[0].run(together)
    assert "128 connections at once" in guests[1].run(f"vsock_bench many {CIDS[2]} 128")


def test_more_connections_than_a_peer_may_have(guests):
    said = guests[0].run(f"vsock_bench many {CIDS[1]} 300", status=1)
    assert "cannot connect: Connection reset by peer" in said
    assert "64 connections at once" in guests[0].run(f"vsock_bench many {CIDS[1]} 64")


END_SENDER = "vsock_bench stream {} 1000000000000 65536 2>&1 | tail -n 1"


def lose(sender, lost, how):
    """`lost` goes down while `sender` sends to it; the sender's program must end at once."""
    sender.start(END_SENDER.format(CIDS[lost.index]) + "; echo EN''DED")
    lost.machine.settle(1)
    lost.start(how)
    sender.expect(LOST)
    sender.expect("ENDED")
    sender.expect(sender.prompt)


@pytest.mark.parametrize("how", ("reboot -f", "echo c >/proc/sysrq-trigger"))
def test_a_peer_that_starts_again(guests, how):
    """It tells nobody: its device does. Streams to it and from it end, new ones work."""
    sender, lost, other, _ = guests
    lost.run(f"vsock_bench flow {CIDS[2]} 1000000000000 65536 >/dev/null 2>&1 & true")
    lose(sender, lost, how)
    lost.expect("guest1: rebooting")
    stream(sender, 2)
    stream(other, 0)
    lost.login()
    vsock_tools.serve(lost)
    stream(sender, 1)
    stream(lost, 0)
    stream(lost, 2)


def test_a_peer_that_is_powered_off(guests):
    sender, lost, other, _ = guests
    lose(sender, lost, "poweroff -f")
    lost.expect("guest1: powered off")
    assert refused(sender, 1)
    assert refused(other, 1)
    stream(sender, 2)


def test_a_peer_that_is_stuck(guests):
    """It takes nothing any more and is not off. Who has sent it more than its buffers hold goes on
    with others, and hears that the streams are lost. The last test, since it stays so."""
    other, _, sender, stuck = guests
    sender.run("".join(f"{{ {END_SENDER.format(CIDS[3])}; }} >/tmp/stuck{i} & "
                       for i in range(4)) + "true")
    sender.machine.settle(1)
    # What has arrived by then does not count: it is read before the panic.
    sender.run("killall -STOP vsock_bench")
    sender.machine.settle(1)
    stuck.start("echo c >/proc/sysrq-trigger")
    stuck.expect("Kernel panic")
    sender.run("killall -CONT vsock_bench")
    vsock_tools.microseconds(sender, "connect", CIDS[0], 1000)
    stream(sender, 0)
    stream(other, 2)
    assert re.search(LOST, sender.run("while ! grep -h cannot /tmp/stuck*; do usleep 100000; done"))
    assert refused(sender, 3)
