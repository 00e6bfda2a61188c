# SPDX-License-Identifier: BSD-2-Clause
"""What a unit of work costs: test_counts.py compares. A change here says why in its commit."""

KNOWN = {
    "a trapped read": {"instructions": 990},
    "a block request of 4 KiB": {"exits": 4.1, "interrupts": 1.1, "queue kicks": 1.1, "notifications": 3.1},
    "a ping": {"exits": 11.2, "interrupts": 3.1, "queue kicks": 2.1, "notifications": 6.1},
    "32 KiB of vsock": {"exits": 3.1, "interrupts": 1.2, "queue kicks": 1.0, "notifications": 1.8},
}
