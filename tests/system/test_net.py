# SPDX-License-Identifier: BSD-2-Clause
"""Four guests on a switch (net.yaml): who hears what, and who harms whom."""

import json

import net_tools
import pytest
import qemu

IMAGE = qemu.system_image("tests_system_net")
OPTIONS = {"memory": "1G", "guests": 4}


@pytest.fixture(scope="module")
def ready():
    return set()


@pytest.fixture
def guests(machine, ready):
    """The guests, their cards up."""
    if machine not in ready:
        for guest in machine.guests:
            net_tools.set_up(guest, cards=1 if guest.index == 3 else 2)
        ready.clear()
        ready.add(machine)
    return machine.guests


def test_every_pair_talks(guests):
    for guest in guests:
        for other in guests:
            if other is not guest:
                counts, _ = net_tools.ping(guest, net_tools.address(other), "-A -c 10")
                assert counts == (10, 10), f"{guest.name} to {other.name}"


def test_three_streams_at_once(guests, say):
    """guest0 to guest1 to guest2 to guest0: each sends and receives, and nobody is left out."""
    ring = guests[:3]
    for guest in ring:
        net_tools.serve_iperf(guest)
    for guest, to in zip(ring, (*ring[1:], ring[0])):
        guest.run(f"iperf3 -J -t {net_tools.SECONDS} -c {net_tools.address(to)} >/tmp/stream & true")
    for guest in ring:
        guest.run("wait $!")
        end = json.loads(guest.run("cat /tmp/stream"))["end"]
        net_tools.check_stream(end)
        say(f"{guest.name} beside two others: {net_tools.megabits(end['sum_received'])}")
    for guest in ring:  # not before: each is a server of another one's
        guest.run("killall iperf3")


def test_what_is_not_allowed_never_arrives(guests):
    """guest2 is on the second network, where it may talk to nobody: neither what it sends to all
    nor what it sends to guest0 is seen there, nor does it see others'."""
    guest0, guest1, guest2, _ = guests
    own = [net_tools.mac(guest, 1) for guest in guests[:3]]
    for guest in (guest0, guest2):
        guest.run("etherwatch eth1 12 >/tmp/frames & sleep 1")
    guest2.run(f"arp -s {net_tools.address(guest0, 1)} {own[0]}")
    counts, _ = net_tools.ping(guest2, net_tools.address(guest0, 1), "-c 3 -W 1")
    assert counts[1] == 0
    counts, _ = net_tools.ping(guest2, net_tools.address(guest1, 1), "-c 2 -W 1")
    assert counts[1] == 0
    guest1.run("arp -d " + net_tools.address(guest0, 1) + " 2>/dev/null; true")
    counts, _ = net_tools.ping(guest1, net_tools.address(guest0, 1), "-c 3")
    assert counts == (3, 3)
    seen = [guest.run("while pidof etherwatch >/dev/null; do sleep 1; done; cat /tmp/frames")
            for guest in (guest0, guest2)]
    assert f"from {own[1]} to {own[0]} type 0800" in seen[0]
    assert own[2] not in seen[0]
    assert f"from {own[1]} to " not in seen[1] and f"from {own[0]} to " not in seen[1]


def test_a_forged_sender_is_not_believed(guests):
    """A guest that takes another's MAC is heard by nobody, until it takes its own again."""
    guest0, guest1, _, guest3 = guests
    own = net_tools.mac(guest3)
    guest3.run(f"ip link set eth0 down; ip link set eth0 address {net_tools.mac(guest1)} 2>/dev/null; "
               f"ip link set eth0 up; true")
    forged = net_tools.mac(guest3) != own
    if forged:  # a driver without a way to tell the device lets it happen
        counts, _ = net_tools.ping(guest3, net_tools.address(guest0), "-c 2 -W 1")
        assert counts[1] == 0
    guest3.run(f"ip link set eth0 down; ip link set eth0 address {own}; ip link set eth0 up")
    counts, _ = net_tools.ping(guest3, net_tools.address(guest0), "-A -c 10")
    assert counts == (10, 10)


def test_a_flood_harms_nobody_else(guests, say):
    """guest0 floods guest3 as fast as it can; guest1 and guest2 lose nothing."""
    guest0, guest1, guest2, guest3 = guests
    net_tools.serve_iperf(guest3)
    guest0.run(f"iperf3 -u -b 0 -t 20 -c {net_tools.address(guest3)} >/tmp/flood 2>&1 & sleep 2")
    counts, times = net_tools.ping(guest1, net_tools.address(guest2), "-A -c 200")
    assert counts == (200, 200)
    say(f"ping beside a flood: {times}")
    guest0.run("killall iperf3; true")


def test_a_guest_that_takes_nothing_stops_nobody(guests):
    """guest3's card is down and its buffers fill up; then it is powered off in the middle of a
    flood."""
    guest0, guest1, guest2, guest3 = guests
    guest3.run("ip link set eth0 down")
    guest0.run(f"arp -s {net_tools.address(guest3)} 02:00:00:00:00:99")
    guest0.run(f"ping -q -f -c 3000 {net_tools.address(guest3)} >/dev/null 2>&1 & true")
    counts, _ = net_tools.ping(guest1, net_tools.address(guest2))
    assert counts == (100, 100)
    guest3.run("ip link set eth0 up")
    guest3.start("poweroff")
    guest3.expect("powered off")
    counts, _ = net_tools.ping(guest1, net_tools.address(guest2))
    assert counts == (100, 100)
    counts, _ = net_tools.ping(guest0, net_tools.address(guest1))
    assert counts == (100, 100)
