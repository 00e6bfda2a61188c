# SPDX-License-Identifier: BSD-2-Clause
"""A system image in QEMU, driven through its console as a person would.

`Machine` is one QEMU; what it prints is a `Stream` that tests wait on. `Guest` is one Linux guest of
it: its output is what stands in the guest's colour, taken out of the common console, so that lines
of other guests between its own disturb no test.

Nothing here measures time: every wait has the same long limit, after which it is called a hang.
"""

import itertools
import os
import re
import subprocess
import threading
import time

import pexpect

TARGET_DIR = os.environ.get("CLOISTER_TARGET_DIR", "build/qemu_virt_aarch64/debug")
DISK = os.path.join(TARGET_DIR, "tests", "system", "disk.img")
CPU = os.environ.get("CLOISTER_QEMU_CPU", "cortex-a76")
# A test waits so long before it calls something a hang.
HANG_S = int(os.environ.get("CLOISTER_HANG_S", "120"))
LIFE_S = int(os.environ.get("CLOISTER_LIFE_S", "900"))  # and no QEMU of ours lives longer
LONGEST_MATCH = 4096  # of what a test waits for

COLOUR = re.compile(r"\x1b\[[0-9;]*m")
# What the transmit virtualiser puts around each piece of a guest's output, and nothing else does
# while the guests' programs print no colours.
MARK = re.compile(r"\x1b\[(0|3[1-6])m")
COLOURS = ("31", "32", "33", "34", "35", "36")  # of the guests, in their order
NO_GUEST = "0"  # between a piece's end and the next one's beginning: the console's own lines

CTRL_BACKSLASH = "\x1c"
SELECT = {"ctrl-backslash": lambda index: f"{CTRL_BACKSLASH}{index}\r",
          "at": lambda index: f"@{index + 1}",
          "return-at": lambda index: f"\r@{index}"}

COUNTERS = {"ctrl-backslash": f"{CTRL_BACKSLASH}?", "at": "@?", "return-at": "\r@?"}
START = {"ctrl-backslash": f"{CTRL_BACKSLASH}!", "at": "@!", "return-at": "\r@!"}


def system_image(name, config=None):
    """The image of systems/NAME, or of tests/system/X.yaml as `tests_system_X`."""
    folder = TARGET_DIR if config is None else os.path.join(os.path.dirname(TARGET_DIR), config)
    return os.path.join(folder, "systems", name, "loader.img")


def devices(image, disk):
    """QEMU's options for the devices that an image's system has. Without a disk of its own a test
    gets one that forgets what is written."""
    environment = dict(os.environ, DISK=disk or DISK, DISK_SNAPSHOT="" if disk else "1")
    return subprocess.run(["systems/devices.sh", os.path.dirname(image)], env=environment, check=True,
                          stdout=subprocess.PIPE, text=True).stdout.splitlines()


def qemu_pid(child):
    """The process of QEMU itself, whose parent is `timeout`."""
    with open(f"/proc/{child.pid}/task/{child.pid}/children") as children:
        return int(children.read().split()[0])


def cpu_seconds(child):
    """Processor time that QEMU has used."""
    with open(f"/proc/{qemu_pid(child)}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Stream:
    """Text that grows. Each wait looks behind where the last one's match ended."""

    def __init__(self, pump):
        self.text = ""
        self.seen = 0
        self.pump = pump

    def expect(self, pattern, timeout=HANG_S):
        """Waits for a regular expression; returns the match. Says what came instead."""
        pattern = re.compile(pattern)
        end = time.monotonic() + timeout
        start = self.seen
        while True:
            match = pattern.search(self.text, start)
            if match:
                self.seen = match.end()
                return match
            # What has been searched once can only hold the beginning of a match.
            start = max(self.seen, len(self.text) - LONGEST_MATCH)
            if not self.pump(end - time.monotonic()):
                raise AssertionError(f"waited for {pattern.pattern!r}; the last that came:\n"
                                     + COLOUR.sub("", self.text[-3000:]))


class Machine(Stream):
    """One QEMU with its serial port on a pty; everything that was printed is in `log`."""

    def __init__(self, image, cpu=CPU, memory="1G", extra=(), guests=2, switch="ctrl-backslash",
                 disk=None, names="guest", first=0, colours=COLOURS):
        super().__init__(self.read_some)
        command = ["-k", "5", str(LIFE_S), "qemu-system-aarch64",
                   "-machine", "virt,virtualization=on,gic-version=2",
                   "-cpu", cpu, "-m", memory, "-nic", "none", "-display", "none", "-monitor", "none",
                   "-global", "virtio-mmio.force-legacy=false",
                   "-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console",
                   "-device", f"loader,file={image},addr=0x70000000,force-raw=on",
                   "-device", "loader,addr=0x70000000,cpu-num=0",
                   *devices(image, disk), *extra]
        self.streams = {colour: Stream(self.read_some) for colour in (NO_GUEST, *COLOURS)}
        self.colour = NO_GUEST
        self.rest = ""  # the beginning of what may be a mark
        self.switch = switch
        self.input = 0  # the guest that gets it
        self.guests = [Guest(self, index, f"{names}{index + first}", colours[index])
                       for index in range(guests)]
        self.started = time.monotonic()
        self.child = pexpect.spawn("timeout", command, encoding="utf-8", codec_errors="replace",
                                   timeout=HANG_S, echo=False)
        self.child.delaybeforesend = None

    @property
    def log(self):
        return self.text

    @property
    def console(self):
        """What stands in no guest's colour: the console's own lines."""
        return self.streams[NO_GUEST]

    def read_some(self, timeout):
        """Waits for output and takes it in; False if none comes in that time, or QEMU has ended."""
        try:
            got = self.child.read_nonblocking(65536, timeout=max(timeout, 0))
        except (pexpect.TIMEOUT, pexpect.EOF):
            return False
        self.text += got
        self.share_out(got)
        return True

    def share_out(self, got):
        """Each piece to the stream of its colour."""
        got = self.rest + got
        cut = len(got)
        if "\x1b" in got[-4:]:  # a mark has 4 or 5 characters
            cut = got.rindex("\x1b")
            cut = len(got) if MARK.match(got, cut) else cut
        got, self.rest = got[:cut], got[cut:]
        parts = MARK.split(got)
        self.streams[self.colour].text += parts[0]
        for colour, text in zip(parts[1::2], parts[2::2]):
            self.colour = colour
            self.streams[colour].text += text

    def send(self, text):
        """Everything, even where the machine takes it slowly and prints meanwhile."""
        if len(text) < 1024:
            self.child.send(text)
            return
        self.unsent = text.encode()
        writer = threading.Thread(target=self.write_all, daemon=True)
        writer.start()
        left, since = len(self.unsent), time.monotonic()
        while writer.is_alive():
            self.read_some(0.05)
            if len(self.unsent) < left:
                left, since = len(self.unsent), time.monotonic()
            assert time.monotonic() - since < HANG_S, f"{left} bytes are not taken"
        assert not self.unsent, f"QEMU has ended, {len(self.unsent)} bytes are not taken"

    def write_all(self):
        try:
            while self.unsent:
                self.unsent = self.unsent[os.write(self.child.child_fd, self.unsent[:65536]):]
        except OSError:
            pass  # the reader tells of it

    def select(self, index):
        """Moves the input to a guest, and sees that it has moved."""
        self.send(SELECT[self.switch](index))
        self.console.expect(rf"input: {self.guests[index].name}[\r\n ]")
        self.input = index

    def start_again(self, index):
        """Presses the keys that start a guest; its VMM answers on its console."""
        if self.input != index:
            self.select(index)
        self.send(START[self.switch])

    def counters(self):
        """What all count, by name: how much more since this was called the last time."""
        self.send(COUNTERS[self.switch])
        self.console.expect(r"in all +new +counters\r+\n")
        before = self.console.seen
        end = self.console.expect("counters: end").start()
        rows = re.findall(r"^ *\d+ +(\d+)  (\S.*?)\r*$",
                          COLOUR.sub("", self.console.text[before:end]), re.MULTILINE)
        return {name: int(new) for new, name in rows if int(new) > 0}

    def settle(self, seconds):
        """Reads for some time what comes, and returns it."""
        before = len(self.text)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if not self.read_some(end - time.monotonic()) and not self.child.isalive():
                break
        return self.text[before:]

    def plain_log(self):
        return COLOUR.sub("", self.text)

    def qemu_pid(self):
        return qemu_pid(self.child)

    def cpu_seconds(self):
        return cpu_seconds(self.child)

    def stop(self):
        self.child.close(force=True)


class Guest:
    """One Linux guest with its shell. What is sent to it moves the input there first."""

    def __init__(self, machine, index, name, colour):
        self.machine = machine
        self.index = index
        self.name = name
        self.output = machine.streams[colour]
        self.prompt = rf"root@{self.name}:\S*[#$] "
        self.numbers = itertools.count(1)

    def expect(self, pattern, timeout=HANG_S):
        return self.output.expect(pattern, timeout)

    def send(self, text):
        if self.machine.input != self.index:
            self.machine.select(self.index)
        self.machine.send(text)

    def login(self):
        """Waits for the login prompt, and goes on to a shell."""
        self.expect(rf"{self.name} login: ")
        self.send("root\r")
        self.expect(self.prompt)
        return self

    def start(self, command):
        """Types a command; its output begins behind where the stream has been seen."""
        number = next(self.numbers)
        # In the echo of what is typed the marks read otherwise than in their output.
        self.send(f"echo BEG''IN{number}; {command}\r")
        self.expect(rf"BEGIN{number}\b[^\n]*\n")  # a warning of the kernel's may come in between

    def run(self, command, timeout=HANG_S, status=0):
        """Runs a command in the shell; its output, with plain line ends. It must end as said."""
        number = next(self.numbers)
        self.start(f"{command}\necho EN''D{number} $?".replace("\n", "; "))
        before = self.output.seen
        end = self.expect(rf"END{number} (\d+)[^\d]", timeout)
        output = re.sub(r"\r+\n", "\n", self.output.text[before:end.start()])
        assert int(end[1]) == status, f"{command!r} ends with {end[1]}:\n{output}"
        self.expect(self.prompt)
        return output

    def answers(self):
        """Whether its shell is there: it must do something that no echo does."""
        number = next(self.numbers)
        assert self.run(f"echo $(({number} * 1000 + 7))").strip() == str(number * 1000 + 7)

    def write_file(self, path, text):
        """Text for scripts: it goes through the shell's line editor."""
        self.send(f"cat >{path} <<'EOF'\r" + text.replace("\n", "\r") + "EOF\r")
        self.expect(self.prompt)
        self.answers()

    def uptime(self):
        # A word of the kernel's may come before it.
        return float(re.search(r"^(\d+\.\d\d) \d+\.\d\d\s*$", self.run("cat /proc/uptime"), re.MULTILINE)[1])
