# SPDX-License-Identifier: BSD-2-Clause
"""docs/reliability.md, "Failing parts": PDs of systems/virtio crash under load, and what each guest
sees of it."""

import os
import re

import crash
import outside
import pytest
import qemu
from disk_tools import new_disk

IMAGE = qemu.system_image("virtio")
DEBUGGER = crash.Debugger()
OPTIONS = {"extra": DEBUGGER.options}
LINES = 5000
# Instructions into an event at which the disk's PDs crash; a PD has eight lives a minute.
STEPS = [int(n) for n in os.environ.get("CLOISTER_CRASH_STEPS", "0,150").split(",")]


def crash_pd(machine, pd, place="notified", provoke=lambda: None, steps=0):
    DEBUGGER.crash(IMAGE, pd, place, provoke, steps)
    machine.expect(rf"supervisor: {pd} has crashed: instruction fetch of {crash.NOWHERE:#x} "
                   rf"at pc {crash.NOWHERE:#x}; started again")


@pytest.mark.parametrize("pd", ["serial_driver", "serial_virt_tx"])
def test_output_goes_on_where_the_queues_stand(machine, pd):
    """The supervisor's line comes in between, and may cost one of the guest's."""
    guest = machine.guests[1]
    guest.answers()
    before = len(machine.log)
    guest.start(f"for i in $(seq {LINES}); do echo line $i.; done; echo AL''L")
    crash_pd(machine, pd)
    guest.expect("ALL")
    log = qemu.COLOUR.sub("", machine.log[before:])
    lines = [int(n) for n in re.findall(r"line (\d+)\.\r", log)]
    assert lines == sorted(lines) and LINES - 2 <= len(lines) <= LINES
    guest.expect(guest.prompt)
    for guest in machine.guests:
        guest.answers()


def test_input_goes_to_the_first_guest_again(machine):
    machine.guests[1].answers()
    crash_pd(machine, "serial_virt_rx", provoke=lambda: machine.send("\r"))
    machine.expect(r"input: guest0 \(")
    machine.input = 0
    for guest in machine.guests:
        guest.answers()


def test_the_timer_driver_forgets_deadlines_and_nobody_waits_for_them(machine):
    """Lines that are not finished while others wait are what asks for the time here."""
    slow, other = machine.guests
    other.run("while sleep 0.1; do echo line; done & echo $! >/tmp/load")
    slow.start("for i in 1 2 3 4 5 6 7 8 9 10 11 12; do printf a; sleep 0.4; done; echo AL''L")
    crash_pd(machine, "timer_driver", "protected")
    slow.expect("ALL")
    other.run("kill $(cat /tmp/load)")
    for guest in machine.guests:
        guest.answers()


def test_random_bytes_come_from_the_driver_s_next_life(machine):
    """The read that it crashes under ends as all others do: its VMM asks again."""
    guest = machine.guests[0]
    guest.start("for i in $(seq 200); do head -c 512 /dev/hwrng | md5sum; done >/tmp/sums; echo AL''L")
    crash_pd(machine, "entropy", "protected")
    guest.expect("ALL")
    guest.expect(guest.prompt)
    assert guest.run("sort -u /tmp/sums | wc -l").strip() == "200"


def test_the_next_life_shows_the_counts(machine):
    machine.counters()
    crash_pd(machine, "counters", provoke=lambda: machine.send(qemu.COUNTERS[machine.switch]))
    machine.guests[0].answers()
    assert machine.counters()


def test_a_guest_boots_anew_when_its_vmm_has_crashed(machine):
    victim, other = machine.guests
    victim.run("echo kept >/mnt/kept; sync")
    uptime = other.uptime()
    other.run("while :; do cat /proc/version >/dev/null; done & echo $! >/tmp/load")
    victim.start("while :; do dd if=/dev/urandom of=/mnt/load bs=64k count=64; sync; done")
    crash_pd(machine, "guest0_vmm", "fault")
    victim.expect("its VMM has been started again: the guest boots anew")
    victim.login()
    assert victim.run("cat /mnt/kept").strip() == "kept"
    assert other.uptime() > uptime
    other.run("kill $(cat /tmp/load)")


@pytest.mark.parametrize("pd", ["blk_driver", "blk_virt"])
def test_the_disk_goes_on_and_no_request_is_lost(machine, pd):
    """What was in flight is sent again: the guests see no error, and their data is right."""
    for guest in machine.guests:
        guest.start("for i in 1 2 3 4 5 6 7 8; do dd if=/dev/urandom of=/tmp/a bs=64k count=32 2>/dev/null; "
                    "cp /tmp/a /mnt/$i && sync && md5sum </tmp/a >/tmp/$i.md5; done; echo AL''L")
    for steps in STEPS:
        crash_pd(machine, pd, steps=steps)
    for guest in machine.guests:
        guest.expect("ALL")
        guest.run("echo 3 >/proc/sys/vm/drop_caches")
        sums = "for i in 1 2 3 4 5 6 7 8; do md5sum </mnt/$i | cmp - /tmp/$i.md5 || echo WRONG; done"
        assert "WRONG" not in guest.run(sums)
        guest.run("! dmesg | grep -i 'i/o error'")


def lease(guest):
    """The guest's address, from the network outside."""
    guest.run("ip addr show eth0 | grep -q 'inet ' || { ip link set eth0 up; udhcpc; }")
    return re.search(r"inet (\S+)/", guest.run("ip addr show eth0"))[1]


def reaches(guest, address):
    """In the end: addresses may have to be learnt anew."""
    guest.run(f"for i in $(seq 30); do ping -c 1 -W 2 {address} && break; done >/dev/null")
    guest.run(f"ping -c 2 -W 4 {address} >/dev/null")


@pytest.mark.parametrize("pd", ["net_driver", "net_virt_rx", "net_virt_tx", "lan_switch"])
def test_the_network_begins_anew_and_frames_are_lost(machine, pd):
    addresses = [lease(guest) for guest in machine.guests]
    for guest, peer in zip(machine.guests, (addresses[1], outside.GATEWAY)):
        reaches(guest, peer)
        guest.run(f"ping -A {peer} >/dev/null & echo $! >/tmp/load")
    crash_pd(machine, pd)
    for guest in machine.guests:
        guest.run("kill $(cat /tmp/load)")
        reaches(guest, outside.GATEWAY)
    reaches(machine.guests[0], addresses[1])


def transfers(guest):
    """That were right; none may be wrong, or cut short as if that were the end."""
    came = guest.run("cat /tmp/came")
    assert not re.search("ERROR: (byte|32768 bytes)", came), came
    return came.count("All is well in the universe")


def test_connections_are_reset_and_new_ones_work(machine):
    receiver, sender = machine.guests
    receiver.run("while true; do vsock_recv 3; done >/tmp/came 2>&1 & echo $! >/tmp/load")
    sender.run("while usleep 20000; do vsock_send 3; done >/dev/null 2>&1 & echo $! >/tmp/load")
    for steps in STEPS:
        crash_pd(machine, "vsock_switch", steps=steps)
        before = transfers(receiver)
        while transfers(receiver) < before + 3:
            machine.settle(1)
    for guest in machine.guests:
        guest.run("kill $(cat /tmp/load); killall vsock_recv vsock_send; ! dmesg | grep -i vsock.*error")


@pytest.mark.skipif(len(STEPS) < 3, reason="make soak")
def test_a_guest_that_serves_its_disk_serves_again(boot, tmp_path):
    image, disk = qemu.system_image("driver_vm"), str(tmp_path / "disk.img")
    new_disk("disk-ext4.img", disk)
    debugger = crash.Debugger()
    machine = boot(image, guests=3, first=1, colours=("32", "31", "36"), switch="at", disk=disk,
                   extra=debugger.options)
    for guest in machine.guests:
        guest.login()
    writer, reader, server = machine.guests
    writer.start("while dd if=/dev/urandom of=/mnt/load bs=64k count=64 conv=fsync 2>/dev/null; do :; done; "
                 "echo FAI''LED")
    debugger.crash(image, "guest3_vmm")
    machine.expect("supervisor: guest3_vmm has crashed: .*; started again")
    server.expect("its VMM has been started again: the guest boots anew")
    server.login()
    writer.expect("FAILED")
    read = "dd if=/dev/vda of=/dev/null bs=4k count=1 iflag=direct 2>/dev/null"
    reader.run(f"until {read}; do sleep 1; done")
    writer.run("umount /mnt; mount -t ext4 /dev/vda /mnt")
