# SPDX-License-Identifier: BSD-2-Clause
"""systems/multi: three guests on a network, one of them with a card of the board."""

import hashlib
import http.server
import random
import re
import threading

import net_tools
import pytest
import qemu

IMAGE = qemu.system_image("multi")
OPTIONS = {"guests": 3, "names": "vm", "switch": "return-at"}
CARD = 0x0a001e00  # its registers
HOST = "10.0.2.2"  # of QEMU's user network


class Files(http.server.BaseHTTPRequestHandler):
    """`/n` is a file of n bytes, the same each time."""

    def do_GET(self):
        body = random.Random(self.path).randbytes(int(self.path[1:]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def files():
    """The port of an HTTP server on the host's loopback, where the card's network ends."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Files)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def lease(guest):
    guest.run("ifconfig eth1 up")
    assert "lease of 10.0.2." in guest.run("udhcpc -i eth1 -q 2>&1")


def fetch(guest, port, size):
    """Fetches a file through eth1; it must arrive as it was."""
    wanted = hashlib.md5(random.Random(f"/{size}").randbytes(size)).hexdigest()
    got = guest.run(f"wget -q -O - http://{HOST}:{port}/{size} | md5sum", timeout=600)
    assert got.split()[0] == wanted


def interrupts(guest, name):
    """How many the device has had, by /proc/interrupts."""
    line = re.search(rf"^ *\d+: +(\d+) .*\b{name}$", guest.run("cat /proc/interrupts"), re.M)
    return int(line[1])


def test_the_seed_s_words(machine):
    """As a reader of the seed types them."""
    vm0, vm1, _ = machine.guests
    vm0.run("ifconfig eth0 192.168.1.1")
    vm1.run("ifconfig eth0 192.168.1.2")
    output = vm1.run("ping -c 4 192.168.1.1")
    assert "4 packets transmitted, 4 packets received, 0% packet loss" in output
    lease(vm0)


def test_each_pair_pings(machine):
    for guest in machine.guests:
        net_tools.set_up(guest)
    for one in machine.guests:
        for other in machine.guests:
            if one is not other:
                assert net_tools.ping(one, net_tools.address(other))[0] == (100, 100)


def test_input_moves_among_three(machine):
    for guest in [*machine.guests, *reversed(machine.guests)]:
        machine.send(f"\r@{guest.index}")
        machine.console.expect(f"input: {guest.name}[\r\n ]")
        machine.input = guest.index
        guest.answers()


def test_a_file_comes_through_the_card(machine, files, say):
    vm0 = machine.guests[0]
    before = interrupts(vm0, "virtio3")
    fetch(vm0, files, 8_000_000)
    say(f"8 MB through eth1 in {interrupts(vm0, 'virtio3') - before} interrupts")


def test_both_cards_at_once(machine, files):
    """The switch's interrupts and the card's, neither lost nor stalled."""
    vm0, vm1, _ = machine.guests
    net_tools.serve_iperf(vm1)
    vm0.run(f"(iperf3 -c {net_tools.address(vm1)} -t 10 --bidir >/tmp/iperf 2>&1 &)")
    fetch(vm0, files, 64_000_000)
    vm0.run("while ! grep -q 'iperf Done' /tmp/iperf; do sleep 1; done")


def test_only_its_owner_reaches_the_card(machine):
    """Another guest's access ends in an abort, of its own process alone."""
    vm1 = machine.guests[1]
    assert "Bus error" in vm1.run(f"devmem {CARD:#x} 32 2>&1", status=135)
    for guest in machine.guests:
        guest.answers()


def test_the_card_works_after_a_reboot(machine, files):
    """Twice; the second time with its interrupts and frames under way."""
    vm0, vm1, _ = machine.guests
    net_tools.set_up(vm1)
    for under_way in (False, True):
        if under_way:
            vm0.run(f"(wget -q -O /dev/null http://{HOST}:{files}/64000000 &)")
        vm0.start("reboot -f" if under_way else "reboot")
        vm0.login()
        vm1.answers()
        lease(vm0)
        fetch(vm0, files, 1_000_000)
        net_tools.set_up(vm0)
        assert net_tools.ping(vm1, net_tools.address(vm0))[0] == (100, 100)
