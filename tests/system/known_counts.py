# SPDX-License-Identifier: BSD-2-Clause
"""What a unit of work costs: test_counts.py compares. A change here says why in its commit."""

KNOWN = {
    "a trapped read": {"instructions": 988},
    "a block request of 4 KiB": {"exits": 4.0, "interrupts": 1.0, "queue kicks": 1.1, "notifications": 3.0},
    "a ping": {"exits": 11.1, "interrupts": 3.0, "queue kicks": 2.1, "notifications": 6.0},
    "a line of 62 bytes on the console": {"console exits": 2.1, "exits": 0.0, "interrupts": 0.0, "queue kicks": 2.1,
                                          "notifications": 0.0},
    "32 KiB of vsock": {"exits": 3.0, "interrupts": 0.8, "queue kicks": 1.0, "notifications": 1.5},
}

# How Linux 6.1, Debian 12's, cuts a stream: 6.12 cuts it otherwise from run to run.
KNOWN_OF_LINUX = {"32 KiB of vsock": "6.1"}
