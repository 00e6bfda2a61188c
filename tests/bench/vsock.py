# SPDX-License-Identifier: BSD-2-Clause
"""Sockets between two guests, and TCP between the same two by the same program and in turns. QEMU has
no sockets between guests without the host's kernel: there is nothing to stand beside."""

import net_tools
import qemu
import vsock_tools
from direct import Machines
from result import ROUNDS, Figure

STREAMS = {64: 1 << 20, 4096: 16 << 20, 65536: 64 << 20}  # bytes of a write: of all
TRIPS = {64: 400, 4096: 400, 65536: 100}
CID = 4
KINDS = ("vsock", "TCP")


def figures(client, hosts, name, unit, function, *what):
    """One of sockets, one of TCP."""
    kind, *rest = what
    rounds = [[function(client, kind, host, *rest) for host in hosts] for _ in range(ROUNDS)]
    for label, column in zip(KINDS, zip(*rounds)):
        yield Figure("vsock, and TCP between the same guests", f"{label}: {name}", unit, list(column))


def measure():
    with Machines() as machines:
        machine = machines.ours(qemu.system_image("tests_system_vsock"), guests=4)
        client, server = [guest.login() for guest in machine.guests][:2]
        for guest in (client, server):
            net_tools.set_up(guest)
        vsock_tools.serve(server)
        hosts = (CID, net_tools.address(server))
        for size, count in STREAMS.items():
            yield from figures(client, hosts, f"stream, writes of {size} bytes", "MB/s",
                               vsock_tools.megabytes, "flow", count, size)
        for size, count in TRIPS.items():
            yield from figures(client, hosts, f"round trip of {size} bytes", "µs",
                               vsock_tools.microseconds, "echo", count, size)
        yield from figures(client, hosts, "connection opened and closed", "µs", vsock_tools.microseconds,
                           "connect", 300)
