# SPDX-License-Identifier: BSD-2-Clause
"""Makes a PD of a running system crash: QEMU's debugger stops the machine at a place in the PD's
program and sends it to an address where nothing is. No code of ours takes part.

The PDs' programs lie at the same addresses, so what stops at a place may be another one: its name,
which every program carries, decides.
"""

import os
import re
import socket
import subprocess
import tempfile

NOWHERE = 0x6660000000  # in no PD's address space
USER_END = 1 << 39
SVC = bytes.fromhex("010000d4")  # svc #0
PC = 32  # among gdb's registers of an AArch64 core
REPLY_S = int(os.environ.get('CLOISTER_HANG_S', '120'))


def symbol(elf, name):
    """Where a symbol of a program lies."""
    table = subprocess.run(["llvm-nm", elf], check=True, stdout=subprocess.PIPE, text=True).stdout
    return int(re.search(rf"^(\w+) \w {name}$", table, re.M).group(1), 16)


class Debugger:
    """`options` are QEMU's; the machine has to be started with them before the first crash."""

    def __init__(self):
        self.path = os.path.join(tempfile.mkdtemp(prefix="cloister-"), "gdb")
        self.options = ("-chardev", f"socket,id=gdb,path={self.path},server=on,wait=off",
                        "-gdb", "chardev:gdb")
        self.socket = None
        self.got = b""

    def crash(self, image, pd, place="notified", provoke=lambda: None, steps=0):
        """Lets the machine run to `place` in the PD, which `provoke` may make it come to, crashes
        the PD there or `steps` instructions behind it, and lets go."""
        elf = os.path.join(os.path.dirname(image), f"{pd}.elf")
        at, name = symbol(elf, place), symbol(elf, "microkit_name")
        with socket.socket(socket.AF_UNIX) as self.socket:
            self.socket.settimeout(REPLY_S)
            self.socket.connect(self.path)
            self.got = b""
            # Without it QEMU does not let registers be written. QEMU stops the machine at a connection;
            # the versions before 8.1 say so first.
            self.put("qXfer:features:read:target.xml:0,40")
            while not self.answer().startswith(("m", "l")):
                pass
            while True:
                self.ask(f"Z1,{at:x},4")
                self.put("c")
                provoke()
                provoke = lambda: None  # once
                self.answer()
                self.ask(f"z1,{at:x},4")
                if self.read(name, len(pd) + 1) == pd.encode() + b"\0":
                    break
                self.ask("s")  # past the place, in another PD or in a guest
            self.step(steps)
            self.write_register(PC, NOWHERE)
            self.ask("D")

    def step(self, steps):
        """At most to the next system call: behind it somebody else may run."""
        while steps > 0 and self.read_register(PC) < USER_END:
            at = self.read_register(PC)
            if self.read(at, 4) == SVC:
                return
            self.ask("s")
            steps -= 1

    def read_register(self, number):
        return int.from_bytes(bytes.fromhex(self.ask(f"p{number:x}")), "little")

    def read(self, address, length):
        answer = self.ask(f"m{address:x},{length:x}")
        return b"" if answer.startswith("E") else bytes.fromhex(answer)

    def write_register(self, number, value):
        answer = self.ask(f"P{number:x}={value.to_bytes(8, 'little').hex()}")
        assert answer == "OK", answer

    def ask(self, packet):
        self.put(packet)
        return self.answer()

    def put(self, packet):
        """A packet of gdb's remote protocol."""
        text = packet.encode()
        self.socket.sendall(b"$%s#%02x" % (text, sum(text) % 256))

    def answer(self):
        while True:
            match = re.search(rb"\$([^#]*)#..", self.got)
            if match:
                self.got = self.got[match.end():]
                self.socket.sendall(b"+")
                return match.group(1).decode()
            more = self.socket.recv(4096)
            assert more, "QEMU has closed the debugger's connection"
            self.got += more
