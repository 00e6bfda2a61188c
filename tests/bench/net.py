# SPDX-License-Identifier: BSD-2-Clause
"""Two guests on the switch (systems/vswitch): round trips and streams, and beside them the stream
over loopback within one of the guests, which is what the core can do. Rounds in turns, so that a
busy host slows all; a figure is the median of the rounds."""

import os
import re
import statistics

import net_tools
import qemu

ROUNDS = int(os.environ.get("ROUNDS", "5"))
SECONDS = 3
STREAMS = (("TCP", ""), ("TCP back", "-R"), ("UDP, 1,460 bytes", "-u -b 0 -l 1460"))


def megabits(guest, to, options):
    """What arrives."""
    end = net_tools.iperf(guest, to, f"-t {SECONDS} {options}")
    if "sum_received" in end and not end["sum_received"].get("lost_percent"):
        return end["sum_received"]["bits_per_second"] / 1e6
    return end["sum"]["bits_per_second"] * (1 - end["sum"]["lost_percent"] / 100) / 1e6


def card(guest):
    """Frames that the guest has sent and received, interrupts of its card."""
    said = guest.run("cat /sys/class/net/eth0/statistics/tx_packets "
                     "/sys/class/net/eth0/statistics/rx_packets; "
                     "grep $(basename $(readlink /sys/class/net/eth0/device)) /proc/interrupts").split()
    return int(said[0]), int(said[1]), int(said[3])


def frames(sender, receiver):
    """Rows of a TCP stream's frames, and of interrupts for each."""
    before = [card(guest) for guest in (sender, receiver)]
    megabits(sender, net_tools.address(receiver), "")
    sent, got = ([new - old for old, new in zip(*both)]
                 for both in zip(before, [card(guest) for guest in (sender, receiver)]))
    return [["TCP, frames a second", f"{sent[0] / SECONDS:.0f}"],
            ["interrupts a frame, receiver's and sender's",
             f"{got[2] / sent[0]:.2f}, {sent[2] / sent[0]:.2f}"]]


def measure(progress):
    """Rows of [what, figure]."""
    machine = qemu.Machine(qemu.system_image("vswitch"), names="vm")
    vm0, vm1 = (guest.login() for guest in machine.guests)
    for guest in machine.guests:
        net_tools.set_up(guest)
        net_tools.serve_iperf(guest)
    counts, times = net_tools.ping(vm1, net_tools.address(vm0), "-A -c 1000")
    trips = re.search(r"= (\S+)", times)[1].replace("/", " / ")
    rows = [[f"ping, {counts[1]} of {counts[0]} answers, min / avg / max", f"{trips} ms"]]
    rounds = []
    for number in range(ROUNDS):
        rounds.append([megabits(vm1, net_tools.address(vm0), options) for _, options in STREAMS]
                      + [megabits(vm1, "127.0.0.1", "")])
        progress(f"network {number + 1} of {ROUNDS}: {rounds[-1]}")
    medians = [statistics.median(column) for column in zip(*rounds)]
    for (name, _), figure in zip(STREAMS, medians):
        rows.append([name, f"{figure:.0f} Mb/s"])
    rows.append(["TCP over loopback within one guest", f"{medians[-1]:.0f} Mb/s"])
    ratio = statistics.median(row[-1] / row[0] for row in rounds)
    rows.append(["that by TCP between the guests", f"{ratio:.1f}"])
    rows += frames(vm1, vm0)
    machine.stop()
    return rows
