# SPDX-License-Identifier: BSD-2-Clause
"""Sockets between two guests beside TCP between the same two, by the same program and in turns, so
that a busy host slows both."""

import os

import net_tools
import qemu
import vsock_tools
from result import Figure

ROUNDS = int(os.environ.get("ROUNDS", "3"))
STREAMS = {64: 1 << 20, 4096: 16 << 20, 65536: 64 << 20}  # bytes of a write: of all
TRIPS = {64: 400, 4096: 400, 65536: 100}
CID = 4


def measure():
    """Figures of sockets, with TCP in the place of what else there would be on QEMU."""
    machine = qemu.Machine(qemu.system_image("tests_system_vsock"), guests=4)
    client, server = [guest.login() for guest in machine.guests][:2]
    for guest in (client, server):
        net_tools.set_up(guest)
    vsock_tools.serve(server)
    hosts = (CID, net_tools.address(server))

    def figure(name, unit, function, *what):
        kind, *rest = what
        rounds = [[function(client, kind, host, *rest) for host in hosts] for _ in range(ROUNDS)]
        return Figure("vsock (and TCP between the same guests)", name, unit, *map(list, zip(*rounds)))

    for size, count in STREAMS.items():
        yield figure(f"stream, writes of {size} bytes", "MB/s", vsock_tools.megabytes, "flow", count, size)
    for size, count in TRIPS.items():
        yield figure(f"round trip of {size} bytes", "µs", vsock_tools.microseconds, "echo", count, size)
    yield figure("connection opened and closed", "µs", vsock_tools.microseconds, "connect", 300)
    machine.stop()
