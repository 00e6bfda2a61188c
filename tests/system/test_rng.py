# SPDX-License-Identifier: BSD-2-Clause
"""Random bytes: each guest has its own, and one that draws without end takes nobody's."""

import qemu

IMAGE = qemu.system_image("virtio")
DRAW = "dd if=/dev/hwrng of=/dev/null bs=4096"


def hwrng(guest, count):
    return bytes.fromhex(guest.run(f"head -c {count} /dev/hwrng | xxd -p").replace("\n", ""))


def test_linux_takes_them(machine):
    """The kernel is sure of its random numbers from the seed in its device tree on, before any
    driver; the device is the one that feeds it later."""
    for guest in machine.guests:
        said = guest.run("dmesg | grep -n crng")
        assert "[    0.000000] random: crng init done" in said
        assert guest.run("cat /sys/class/misc/hw_random/rng_current").startswith("virtio_rng")
        assert "rng-seed" not in guest.run("ls /proc/device-tree/chosen")  # Linux removes what it has used


def test_bytes_differ(machine):
    """Between guests, and from one read to the next; and no byte is preferred."""
    reads = [hwrng(guest, 2048) for guest in machine.guests for _ in range(2)]
    assert all(len(read) == 2048 for read in reads)
    pieces = [read[at:at + 8] for read in reads for at in range(0, 2048, 8)]
    assert len(set(pieces)) == len(pieces)
    counts = [b"".join(reads).count(value) for value in range(256)]
    assert 0 < min(counts) and max(counts) < 80  # 32 each on the average, give or take 6


def test_who_draws_for_long_stops_nobody(machine):
    """What one guest takes counts as its own time: the other one works on, and has bytes as well."""
    first, second = machine.guests
    first.start(f"{DRAW} count=100000")
    for number in range(3):
        assert len(hwrng(second, 512)) == 512
        assert second.run("i=0; while [ $i -lt 20000 ]; do i=$((i + 1)); done; echo $i") == "20000\n"
    first.send("\x03")
    first.expect(first.prompt)
    first.answers()


def test_each_life_has_its_own_seed(machine):
    first, second = machine.guests
    first.run("rmmod virtio_rng")
    before = first.run("head -c 32 /dev/urandom | xxd -p")
    first.send("reboot\r")
    first.expect("guest0: rebooting")
    first.login()
    assert "[    0.000000] random: crng init done" in first.run("dmesg | grep crng")
    first.run("rmmod virtio_rng")
    assert first.run("head -c 32 /dev/urandom | xxd -p") != before
    first.run("modprobe virtio_rng")
    assert len(hwrng(first, 64)) == 64
    second.answers()
