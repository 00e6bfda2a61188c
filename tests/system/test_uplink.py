# SPDX-License-Identifier: BSD-2-Clause
"""systems/virtio: both guests reach the outside by the one card, as their seed promises."""

import re

import net_tools
import outside
import pytest
import qemu

IMAGE = qemu.system_image("virtio")
OPTIONS = {"memory": "1G"}
NAME, ADDRESS = "guest-asks.test", "192.0.2.77"
DOWN_BYTES = 32_000_000
UP_BYTES = 8_000_000


@pytest.fixture(scope="module")
def leases():
    """Of the machine: {guest's name: address}."""
    return {}


@pytest.fixture
def guests(machine, leases):
    """The guests, each with its lease."""
    if leases.get("machine") is not machine:
        leases.clear()
        leases["machine"] = machine
        for guest in machine.guests:
            output = guest.run("ip link set eth0 up; udhcpc 2>&1")
            leases[guest.name] = re.search(r"lease of (\S+) obtained from 10\.0\.2\.2", output)[1]
    return machine.guests


@pytest.fixture
def names():
    try:
        server = outside.serve_names(NAME, ADDRESS)
    except OSError as error:
        pytest.skip(f"a DNS server on port {outside.DNS_PORT} of {outside.LOOPBACK}: {error}")
    with server:
        yield


def at_once(guests, command):
    """Runs a command in all guests at the same time; returns what each of them prints."""
    for guest in guests:
        guest.run(f"{{ {command}; }} >/tmp/printed 2>&1 & true")
    for guest in guests:
        guest.run("wait")
    return [guest.run("cat /tmp/printed") for guest in guests]


def test_the_cards_have_the_addresses_of_the_yaml(machine):
    for guest, last in zip(machine.guests, ("fd", "fe")):
        assert net_tools.mac(guest) == f"52:54:01:00:00:{last}"
        assert f"link/ether 52:54:01:00:00:{last}" in guest.run("ip link show eth0")


def test_each_guest_gets_a_lease_of_its_own(guests, leases):
    addresses = [leases[guest.name] for guest in guests]
    assert len(set(addresses)) == 2
    for guest, address in zip(guests, addresses):
        assert f"inet {address}/24" in guest.run("ip addr show eth0")


def test_the_gateway_answers(guests, say):
    for guest in guests:
        counts, times = net_tools.ping(guest, outside.GATEWAY)
        assert counts == (100, 100)
        say(f"ping of the gateway, {guest.name}: {times}")


def test_the_guests_hear_each_other(guests, leases):
    guest0, guest1 = guests
    counts, _ = net_tools.ping(guest0, leases[guest1.name])
    assert counts == (100, 100)


def test_a_name_resolves(guests, names):
    for printed in at_once(guests, f"nslookup -type=a {NAME} {outside.GATEWAY}"):
        assert re.search(rf"Name:\s+{NAME}\s+Address:\s+{ADDRESS}\s", printed), printed
    for printed in at_once(guests, f"nslookup -type=a no.{NAME} {outside.GATEWAY}"):
        assert ADDRESS not in printed


def test_both_fetch_a_file_at_once(guests):
    serving, wanted = outside.serve_file(DOWN_BYTES, together=2)
    with serving as server:
        url = f"http://{outside.GATEWAY}:{outside.port_of(server)}/file"
        for printed in at_once(guests, f"wget -q -O - {url} | md5sum"):
            assert printed.split()[0] == wanted


def test_both_send_a_file_at_once(guests):
    """What leaves by the card is summed and cut into segments on its way: the guests leave both
    open. cat writes more at a time than a segment holds, nc itself does not."""
    for guest in guests:
        guest.run(f"head -c {UP_BYTES} /dev/urandom >/tmp/up")
    wanted = [printed.split()[0] for printed in at_once(guests, "md5sum </tmp/up")]
    with outside.serve_sums() as server:
        at_once(guests, f"nc {outside.GATEWAY} {outside.port_of(server)} -e cat /tmp/up")
        assert sorted(server.sums) == sorted(wanted)
