# SPDX-License-Identifier: BSD-2-Clause
"""The network: two guests on the switch (systems/vswitch) beside two QEMUs joined by a socket, which
have a core of the host each, and once more with all of a side's threads on one core of the host;
without offloads, which that socket does not carry; loopback within one guest, which is what a core can
do; and the way to the host (systems/virtio, an iperf3 server behind QEMU's user network) beside QEMU's
own."""

import contextlib
import re
import socket
import subprocess
import time

import direct
import net_tools
import qemu
from machine import USER_NET
from result import Figure, in_turns

SECONDS = 2
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


def wire(port, end, number):
    """One end of a wire between two QEMUs, `listen` or `connect`, and a card there: eth0 is the one of
    the lower number."""
    mac = f"52:54:00:00:0{number}:{'01' if end == 'listen' else '02'}"
    return ("-netdev", f"socket,id=wire{number},{end}=127.0.0.1:{port}",
            "-device", f"virtio-net-device,netdev=wire{number},bus=virtio-mmio-bus.{number},mac={mac}")


def await_listener(port):
    """A connection to see would be the wire's: what the kernel knows is looked at."""
    end = time.monotonic() + qemu.HANG_S
    while time.monotonic() < end:
        with open("/proc/net/tcp", encoding="ascii") as sockets:
            if re.search(rf"0100007F:{port:04X} 00000000:0000 0A", sockets.read()):
                return
        time.sleep(0.05)
    raise AssertionError(f"no QEMU listens on port {port}")


def two_directly(machines):
    """Guests of two QEMUs with one wire between them, named as those of systems/vswitch."""
    port = free_port()
    first = machines.direct(name="vm0", index=0, net=wire(port, "listen", 1))
    await_listener(port)
    return [first, machines.direct(name="vm1", index=1, net=wire(port, "connect", 1))]


def reload_without_offloads(guest):
    """What a guest offers its network card: nothing but whole frames with their checksums."""
    guest.run("rmmod virtio_net; modprobe virtio_net gso=0 csum=0; "
              "while ! ifconfig eth0 >/dev/null 2>&1; do usleep 50000; done")
    net_tools.set_up(guest)


STREAM = dict(STREAMS)["TCP"]
PART = "network, guest to guest"


def between_guests():
    with direct.Machines() as machines:
        ours = machines.ours(qemu.system_image("vswitch"), names="vm")
        pairs = [[guest.login() for guest in pair] for pair in (ours.guests, two_directly(machines))]
        yield direct.compared("network, guest to guest", pairs[0][0], pairs[1][0])
        for guest in (*pairs[0], *pairs[1]):
            net_tools.set_up(guest)
            net_tools.serve_iperf(guest)

        def figure(name, unit, measure, *what):
            ways = [lambda pair=pair: measure(pair[1], net_tools.address(pair[0]), *what) for pair in pairs]
            return Figure(PART, name, unit, *in_turns(*ways), reference=REFERENCE.get(name))

        yield figure("ping, average", "ms", milliseconds)
        for name, options in STREAMS:
            yield figure(name, "Mb/s", megabits, options)
        with direct.one_host_core([ours]), direct.one_host_core(pairs[1]):
            yield figure("ping, average, a host core for each side", "ms", milliseconds)
            for name, options in STREAMS:
                if options != "-R":
                    yield figure(f"{name}, a host core for each side", "Mb/s", megabits, options)
        yield Figure(PART, "TCP over loopback within one guest", "Mb/s",
                     *in_turns(*[lambda pair=pair: megabits(pair[1], "127.0.0.1", STREAM) for pair in pairs]))
        for guest in (*pairs[0], *pairs[1]):
            reload_without_offloads(guest)
        yield figure("TCP without offloads on both sides", "Mb/s", megabits, STREAM)


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
    with direct.Machines() as machines:
        ours, other = machines.ours(qemu.system_image("virtio_tools")).guests
        disk = direct.disk_options(qemu.DISK, snapshot=True)
        beside = machines.direct(disk=disk, net=USER_NET).login()
        other.login()
        yield direct.compared("network, to the host", ours.login(), beside)
        for guest in (ours, beside):
            guest.run("ifconfig eth0 10.0.2.20 netmask 255.255.255.0 up")

        def figure(name, unit, measure, *what):
            return Figure("network, to the host", name, unit,
                          *in_turns(lambda: measure(ours, HOST, *what), lambda: measure(beside, HOST, *what)),
                          reference=REFERENCE.get(name))

        yield figure("ping to the host, average", "ms", milliseconds)
        for name, options in STREAMS:
            yield figure(f"{name} to the host", "Mb/s", megabits, f"-p {port} {options}")


def measure():
    yield from between_guests()
    with server_on_the_host() as port:
        yield from to_the_host(port)
