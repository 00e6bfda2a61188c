# SPDX-License-Identifier: BSD-2-Clause
"""What the tests of networks do in guests."""

import json
import os
import re

SECONDS = int(os.environ.get("CLOISTER_NET_SECONDS", "5"))  # of a stream


def address(guest, card=0):
    return f"192.168.{card + 1}.{guest.index + 1}"


def set_up(guest, cards=1):
    """Gives each card its address."""
    for card in range(cards):
        guest.run(f"ifconfig eth{card} {address(guest, card)} netmask 255.255.255.0 up")


def mac(guest, card=0):
    return guest.run(f"cat /sys/class/net/eth{card}/address").strip()


def ping(guest, to, options="-A -c 100"):
    """Pings; returns (sent, received) and the line of round trips."""
    output = guest.run(f"ping -q {options} {to} || true")
    counts = re.search(r"(\d+) packets transmitted, (\d+) packets received", output)
    times = re.search(r"round-trip.*", output)
    return (int(counts[1]), int(counts[2])), times[0] if times else "no round trip"


def iperf(guest, to, options):
    """Runs iperf3 against the server in another guest; returns the end of its report."""
    output = guest.run(f"iperf3 -J -c {to} {options}")
    return json.loads(output[output.index("{"):])["end"]


# A stream of SECONDS or of so many bytes carries this much even beside other work of the host.
STREAM_BYTES = 1 << 18


def check_stream(end, direction=""):
    """What iperf3 says of a stream: that it carried data, and that none arrived that was not sent."""
    sent, received = end[f"sum_sent{direction}"]["bytes"], end[f"sum_received{direction}"]["bytes"]
    assert STREAM_BYTES <= received <= sent, f"{sent} bytes sent, {received} received"


def serve_iperf(guest):
    """Starts a server, and waits until it listens."""
    guest.run("iperf3 -s -D; while ! netstat -ltn | grep -q :5201; do usleep 100000; done")


def megabits(stream):
    return f"{stream['bits_per_second'] / 1e6:.0f} Mb/s"
