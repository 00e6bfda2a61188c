# SPDX-License-Identifier: BSD-2-Clause
"""The network: two guests on the switch (systems/vswitch) beside two QEMUs joined by a socket, which
have a core of the host each; loopback within one guest, which is what a core can do; and the way to
the host (systems/virtio, an iperf3 server behind QEMU's user network) beside QEMU's own."""

import contextlib
import os
import re
import socket
import subprocess

import net_tools
import qemu
from direct import Direct
from result import Figure

ROUNDS = int(os.environ.get("ROUNDS", "3"))
SECONDS = 3
PINGS = 200
HOST = "10.0.2.2"  # as QEMU's user network has it
REFERENCE = {"TCP": 31, "UDP, 1,460 bytes": 3.8, "ping, average": 11.2, "ping to the host, average": 4.1}
STREAMS = (("TCP", ""), ("TCP back", "-R"), ("UDP, 1,460 bytes", "-u -b 0 -l 1460"))


def megabits(guest, to, options):
    """What arrives."""
    end = net_tools.iperf(guest, to, f"-t {SECONDS} {options}")
    if "sum_received" in end and not end["sum_received"].get("lost_percent"):
        return end["sum_received"]["bits_per_second"] / 1e6
    return end["sum"]["bits_per_second"] * (1 - end["sum"]["lost_percent"] / 100) / 1e6


def milliseconds(guest, to):
    """Round trips, the average."""
    _, times = net_tools.ping(guest, to, f"-A -c {PINGS}")
    return float(re.search(r"= [\d.]+/([\d.]+)/", times)[1])


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def two_directly():
    """Guests of two QEMUs with one wire between them."""
    port = free_port()
    guests = [Direct(options=("-netdev", f"socket,id=wire,{end}=127.0.0.1:{port}",
                              "-device", f"virtio-net-device,netdev=wire,mac=52:54:00:00:00:0{mac}"))
              for mac, end in enumerate(("listen", "connect"), 1)]
    for index, guest in enumerate(guests):
        guest.index = index
    return guests


def between_guests():
    machine = qemu.Machine(qemu.system_image("vswitch"), names="vm")
    pairs = [[guest.login() for guest in machine.guests], two_directly()]
    for pair in pairs:
        for guest in pair:
            net_tools.set_up(guest)
            net_tools.serve_iperf(guest)

    def figure(name, unit, measure, *what):
        rounds = [[measure(second, net_tools.address(first), *what) for first, second in pairs]
                  for _ in range(ROUNDS)]
        return Figure("network, guest to guest", name, unit, *map(list, zip(*rounds)),
                      REFERENCE.get(name))

    yield figure("ping, average", "ms", milliseconds)
    for name, options in STREAMS:
        yield figure(name, "Mb/s", megabits, options)
    rounds = [[megabits(pair[1], "127.0.0.1", "") for pair in pairs] for _ in range(ROUNDS)]
    yield Figure("network, guest to guest", "TCP over loopback within one guest", "Mb/s",
                 *map(list, zip(*rounds)))
    machine.stop()
    for guest in pairs[1]:
        guest.stop()


@contextlib.contextmanager
def server_on_the_host():
    """Its port."""
    port = free_port()
    server = subprocess.Popen(["iperf3", "-s", "-B", "127.0.0.1", "-p", str(port)],
                              stdout=subprocess.DEVNULL)
    try:
        yield port
    finally:
        server.kill()
        server.wait()


def to_the_host(port):
    machine = qemu.Machine(qemu.system_image("virtio_tools"))
    direct = Direct(options=("-netdev", "user,id=wire", "-device", "virtio-net-device,netdev=wire"))
    ours = machine.guests[0].login()
    machine.guests[1].login()
    for guest in (ours, direct):
        guest.run("ifconfig eth0 10.0.2.20 netmask 255.255.255.0 up")

    def figure(name, unit, measure, *what):
        rounds = [[measure(guest, HOST, *what) for guest in (ours, direct)] for _ in range(ROUNDS)]
        return Figure("network, to the host", name, unit, *map(list, zip(*rounds)), REFERENCE.get(name))

    yield figure("ping to the host, average", "ms", milliseconds)
    for name, options in STREAMS:
        yield figure(f"{name} to the host", "Mb/s", megabits, f"-p {port} {options}")
    machine.stop()
    direct.stop()


def measure():
    yield from between_guests()
    with server_on_the_host() as port:
        yield from to_the_host(port)
