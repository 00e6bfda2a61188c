# SPDX-License-Identifier: BSD-2-Clause
"""Units of work between the guests of systems/virtio, and what each costs in counts: exits,
interrupts, notifications, copies. Under ICOUNT, QEMU's clock counts instructions, and counts repeat
from run to run whatever else the host does."""

import re

import vsock_tools

ICOUNT = ("-icount", "shift=0,sleep=off")

# What is added up: the counters' rows of all guests, PDs and clients.
SUMS = {
    "exits": r"exits: (?!console|timer|PL011)",
    "timer exits": r"exits: timer",
    "console exits": r"exits: console",
    "interrupts": r"interrupts injected",
    "queue kicks": r"queue kicks",
    "notifications": r"notifications sent",
    "bytes copied": r"bytes copied",
}


def read_blocks(machine, times):
    machine.guests[0].run(f"dd if=/dev/vda of=/dev/null bs=4096 count={times} iflag=direct")


def ping(machine, times):
    machine.guests[0].run(f"ping -A -q -c {times} 192.168.7.2")


def stream(machine, times):
    """TCP, 100 kB at a time."""
    receiver, sender = machine.guests
    receiver.run("(nc -l -p 7 >/dev/null; touch /tmp/done) & true")
    sender.run(f"while ! dd if=/dev/zero bs=100000 count={times} 2>/dev/null | nc 192.168.7.1 7; "
               "do usleep 100000; done")
    receiver.run("while ! test -e /tmp/done; do usleep 10000; done; rm /tmp/done")


def send_sockets(machine, times):
    machine.guests[1].run(f"vsock_bench flow 3 {times * 32768} 32768")


def print_lines(machine, times):
    machine.guests[0].run(f"yes {61 * 'x'} | head -n {times}")


def idle(machine, times):
    machine.guests[0].run(f"sleep {times}")


# Of each: the function, and how often it is done, so that what the shell does beside it is little.
UNITS = {
    "a second of two idle guests": (idle, 100),
    "a block request of 4 KiB": (read_blocks, 1000),
    "a ping": (ping, 1000),
    "100 kB of TCP": (stream, 1000),
    "32 KiB of vsock": (send_sockets, 200),
    "a line of 62 bytes on the console": (print_lines, 2000),
}


def set_up(machine):
    """Both guests logged in, with addresses of a network of their own."""
    for number, guest in enumerate(machine.guests, 1):
        guest.login()
        guest.run(f"ifconfig eth0 192.168.7.{number} netmask 255.255.255.0 up")
    machine.guests[1].run("ping -c 3 192.168.7.1")  # addresses are known
    vsock_tools.serve(machine.guests[0])


def counts(machine, name):
    """What one unit costs: {sum: of one of them}."""
    work, times = UNITS[name]
    machine.counters()
    work(machine, times)
    rows = machine.counters()
    sums = {label: sum(count for row, count in rows.items() if re.search(pattern, row))
            for label, pattern in SUMS.items()}
    # A guest that waits for the host's disk has its clock jump to its next tick: ticks say how busy
    # the host was. Each is an interrupt and its end besides.
    for label in ("exits", "interrupts"):
        sums[label] -= sums["timer exits"]
    return {label: count / times for label, count in sums.items()}
