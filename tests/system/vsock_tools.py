# SPDX-License-Identifier: BSD-2-Clause
"""What the tests of sockets do in guests."""

import re

SERVE = "vsock_serve >/tmp/serve 2>&1 & while ! grep -q serving /tmp/serve; do usleep 50000; done"


def serve(guest):
    """Starts the other end of vsock_bench, unless it is there."""
    guest.run(f"pidof vsock_serve >/dev/null || {{ {SERVE}; }}")


def megabytes(guest, kind, host, count, size):
    """MB a second of a stream or of messages; what arrives is verified."""
    said = guest.run(f"vsock_bench {kind} {host} {count} {size}", timeout=600)
    return float(re.search(rf"{count} bytes in .* s, ([\d.]+) MB/s, \w+ right", said)[1])


def microseconds(guest, kind, host, count, size=""):
    """Of a round trip (`echo`), or of a connection (`connect`)."""
    said = guest.run(f"vsock_bench {kind} {host} {count} {size}", timeout=600)
    return float(re.search(rf"{count} .*, ([\d.]+) us each", said)[1])
