# SPDX-License-Identifier: BSD-2-Clause
"""How late a guest is. Under icount, from an interrupt's arrival to the guest's first instruction
(interrupt_guest.S). By the clock, a real-time program that a timer wakes (guest/programs/wake_latency.c)
and a ping of an idle guest: alone, beside a guest that computes, beside one that makes a storm on its
console, disk and network. QEMU's own beside it are three QEMUs, which have all of the host's cores, and
once more three that share one; the side that is not measured stands still."""

import re
import time

import direct
import net
import qemu
import work
from result import Figure, in_turns

TICK_INSTRUCTIONS = 16  # under -icount shift=0
INTERRUPTS = {"timer, running": "virtual timer, the guest runs", "timer, idle": "virtual timer, it waits in WFI",
              "device, running": "passed-through SPI, the guest runs",
              "device, idle": "passed-through SPI, it waits in WFI"}
INTERRUPT_ROUNDS = 64  # of interrupt_guest.S
INTERRUPT_OPTIONS = ("-rtc", "clock=vm", *work.ICOUNT)

MEMORY = "192M"
PERIOD_US = 2000
PERIODS = 1500
ROWS = (("wake-up late by, median", "µs"), ("wake-up late by, 99.9 %", "µs"), ("wake-up late by, most", "µs"),
        (f"periods missed, of {PERIODS:,}", ""), ("ping, average", "ms"))
PINGS = "-i 0.01 -c 50"
SUBJECT, LOADED, PEER = range(3)  # the guests of latency.yaml
PEER_OF_SUBJECT, PEER_OF_LOADED = "192.168.1.3", "192.168.2.3"
COMPUTE = "while :; do :; done"
STORM = ("head -c 20000 /dev/zero | tr '\\0' 'x' | fold -w 61 >/tmp/lines; "
         "(sleep 3; while :; do cat /tmp/lines; done >/dev/hvc0) & "
         "(sleep 3; while :; do dd if=/dev/vda of=/dev/null bs=64k count=512 iflag=direct; done "
         ">/dev/null 2>&1) & "
         f"(while :; do iperf3 -c {PEER_OF_LOADED} -t 600; done >/dev/null 2>&1) & true")
STORM_BEGINS_S = 4
PART = "latency of a guest"


def ticks_of(log):
    """Of each kind of interrupt, the sum and the most."""
    rows = re.findall(r"(\w+, \w+): (\d+) ticks in all, at most (\d+)", log)
    return {name: (int(total), int(most)) for name, total, most in rows}


def interrupts():
    with direct.Machines() as machines:
        ours = machines.ours(qemu.system_image("tests_bench_interrupt"), extra=INTERRUPT_OPTIONS, guests=0)
        ours.expect("done")
        beside = machines.bare(f"{qemu.TARGET_DIR}/tests/bench/interrupt_guest.Image", "16M", INTERRUPT_OPTIONS)
        beside.child.expect("done")
        yield direct.compared("interrupts under icount", ours, beside)
        mine, theirs = ticks_of(ours.plain_log()), ticks_of(beside.child.before)
    for key, name in INTERRUPTS.items():
        for label, at, count in ((name, 0, INTERRUPT_ROUNDS), (f"{name}: at most", 1, 1)):
            yield Figure("latency of an interrupt, under icount", label, "instructions",
                         *[[ticks[key][at] / count * TICK_INSTRUCTIONS] for ticks in (mine, theirs)])


class Side:
    """Three guests, of one QEMU or of three."""

    def __init__(self, guests, machines):
        self.guests = guests
        self.machines = machines

    def set_up(self):
        for index, cards in enumerate((("192.168.1.1",), ("192.168.2.2",), (PEER_OF_SUBJECT, PEER_OF_LOADED))):
            for card, address in enumerate(cards):
                self.guests[index].run(f"ifconfig eth{card} {address} netmask 255.255.255.0 up")
        net.net_tools.serve_iperf(self.guests[PEER])
        for guest, peer in ((SUBJECT, PEER_OF_SUBJECT), (LOADED, PEER_OF_LOADED)):
            self.guests[guest].run(f"for i in 1 2 3 4 5; do ping -c 1 -W 3 {peer} && break; done")

    def run(self, command):
        return self.guests[SUBJECT].run(command)

    def measured(self):
        """Microseconds of the median, of 99.9 %, the most, periods that were missed; milliseconds of a
        ping."""
        direct.go_on(self.machines)
        time.sleep(0.3)
        late = re.search(r"median ([\d.]+) us, 99.9 % ([\d.]+) us, most ([\d.]+) us; (\d+) missed",
                         self.run(f"wake_latency {PERIOD_US} {PERIODS}"))
        trips = re.search(r"= [\d.]+/([\d.]+)/", self.run(f"ping -q {PINGS} {PEER_OF_SUBJECT}"))
        direct.pause(self.machines)
        self.forget()
        return [float(text) for text in (*late.groups(), trips[1])]

    def forget(self):
        """What the storm has printed."""
        for machine in self.machines:
            if isinstance(machine, qemu.Machine):
                for stream in (machine, *machine.streams.values()):
                    stream.text, stream.seen = "", 0

    def load(self, command, seconds):
        """Runs beside it from now on; so long after it, it is there."""
        direct.go_on(self.machines)
        self.guests[LOADED].run(command)
        self.run("true")  # the subject has the common console's input from here on
        if seconds and len(self.machines) > 1:
            self.guests[LOADED].read_on()
        time.sleep(seconds)
        direct.pause(self.machines)


def ours_of(machines, disk):
    machine = machines.ours(qemu.system_image("tests_bench_latency"), guests=3, disk=disk)
    return Side(machine.guests, [machine])


def direct_of(machines, disk):
    def guest(index, *card, disk=()):
        return machines.direct(name=f"guest{index}", index=index, memory=MEMORY, net=card, disk=disk)

    ports = net.free_port(), net.free_port()
    guests = [guest(SUBJECT, *net.wire(ports[0], "listen", 1)),
              guest(LOADED, *net.wire(ports[1], "listen", 2), disk=direct.disk_options(disk, snapshot=True))]
    for port in ports:
        net.await_listener(port)
    guests.append(guest(PEER, *net.wire(ports[0], "connect", 1), *net.wire(ports[1], "connect", 2)))
    return Side(guests, guests)


def figures(sides, condition):
    """The rows of a condition, from one measurement of each side a turn."""
    columns = in_turns(*[side.measured for side in sides])
    for at, (what, unit) in enumerate(ROWS):
        yield Figure(PART, f"{condition}: {what}", unit, *[[each[at] for each in column] for column in columns])


def on_free_and_on_one_core(sides, condition):
    yield from figures(sides, condition)
    with direct.one_host_core(sides[0].machines), direct.one_host_core(sides[1].machines):
        yield from figures(sides, f"{condition}, a host core for each side")


def of_linux():
    with direct.Machines() as machines:
        sides = ours_of(machines, None), direct_of(machines, qemu.DISK)
        for side in sides:
            for guest in side.guests:
                guest.login()
        for ours, beside in zip(*(side.guests for side in sides)):
            yield direct.compared(f"latency, {ours.name}", ours, beside)
        for side in sides:
            side.set_up()
            direct.pause(side.machines)
        yield from figures(sides, "alone")
        for side in sides:
            side.load(f"sh -c '{COMPUTE}' & echo $! >/tmp/load", 0)
        yield from on_free_and_on_one_core(sides, "beside a computing guest")
        for side in sides:
            side.load(f"kill $(cat /tmp/load); {STORM}", STORM_BEGINS_S)
        yield from on_free_and_on_one_core(sides, "beside a storm")


def measure():
    yield from interrupts()
    yield from of_linux()
