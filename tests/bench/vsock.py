# SPDX-License-Identifier: BSD-2-Clause
"""Sockets between two guests beside TCP between the same two, by the same program and in turns, so
that a busy host slows both; a figure is the median of the rounds, a ratio that of the rounds' ratios.
What happens meanwhile is counted in QEMU's log of exceptions."""

import os
import re
import socket
import statistics

import net_tools
import qemu
import vsock_tools

ROUNDS = int(os.environ.get("ROUNDS", "5"))
STREAMS = {64: 1 << 20, 4096: 16 << 20, 65536: 64 << 20}  # bytes of a write: of all
TRIPS = {64: 400, 4096: 400, 65536: 100}
COUNTED = {"a round trip of 64 bytes": ("echo", 200, 64),
           "64 KiB of a stream": ("flow", 16 << 20, 65536)}
CID = 4


class Log:
    """QEMU's log of exceptions, on for as long as one looks."""

    def __init__(self, folder):
        self.path = os.path.join(folder, "bench_vsock.log")
        self.monitor = os.path.join(folder, "bench_vsock.monitor")
        self.options = ("-D", self.path, "-monitor", f"unix:{self.monitor},server=on,wait=off")

    def open(self):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(self.monitor)
        self.command("info version")

    def command(self, text):
        self.socket.sendall(text.encode() + b"\n")
        said = b""
        while not said.endswith(b"(qemu) ") or said.count(b"(qemu) ") < 1 + (b"QEMU" in said):
            said += self.socket.recv(4096)

    def count(self, work):
        """Exits of guests, interrupts that they take, and system calls of PDs during `work()`."""
        before = os.path.getsize(self.path) if os.path.exists(self.path) else 0
        self.command("log int")
        work()
        self.command("log none")
        with open(self.path, encoding="utf-8", errors="replace") as log:
            log.seek(before)
            said = log.read()
        return (said.count("...from EL1 to EL2"), said.count("[Virtual IRQ]"),
                len(re.findall(r"\[SVC\].*\n\.\.\.from EL0 to EL2", said)))

    def close(self):
        self.socket.close()
        os.remove(self.path)


def counts(log, guest, host):
    """For each of COUNTED: of one of them."""
    rows = []
    for kind, number, size in COUNTED.values():
        times = number if kind == "echo" else number // size
        command = f"vsock_bench {kind} {host} {number} {size}"
        rows.append([f"{n / times:.1f}" for n in log.count(lambda: guest.run(command))])
    return rows


def one_row(measure, guest, hosts, *what):
    rounds = [[measure(guest, kind, host, *rest) for host in hosts]
              for _ in range(ROUNDS) for kind, *rest in [what]]
    ours, theirs = (statistics.median(column) for column in zip(*rounds))
    return [f"{ours:.1f}", f"{theirs:.1f}", f"{statistics.median(a / b for a, b in rounds):.2f}"]


def measure(progress):
    """Rows of [what, sockets, TCP, sockets by TCP]."""
    log = Log(os.path.join(qemu.TARGET_DIR, "tests"))
    machine = qemu.Machine(qemu.system_image("tests_system_vsock"), guests=4, extra=log.options)
    client, server = [guest.login() for guest in machine.guests][:2]
    for guest in (client, server):
        net_tools.set_up(guest)
    vsock_tools.serve(server)
    hosts = (CID, net_tools.address(server))
    rows = []

    def add(name, function, *what):
        rows.append([name, *one_row(function, client, hosts, *what)])
        progress(" ".join(rows[-1]))

    for size, count in STREAMS.items():
        add(f"stream, writes of {size} bytes, MB/s", vsock_tools.megabytes, "flow", count, size)
    for size, count in TRIPS.items():
        add(f"round trip of {size} bytes, µs", vsock_tools.microseconds, "echo", count, size)
    add("connection opened and closed, µs", vsock_tools.microseconds, "connect", 300)
    log.open()
    columns = [counts(log, client, host) for host in hosts]
    for what, ours, theirs in zip(COUNTED, *columns):
        for name, a, b in zip(("exits of guests", "interrupts to guests", "system calls of PDs"),
                              ours, theirs):
            rows.append([f"{name}, {what}", a, b, f"{float(a) / float(b):.2f}"])
    log.close()
    machine.stop()
    return rows
