#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""How deep the stacks of the target's programs can be, from the code that is in the image.

usage: stack.py LIMIT PROGRAM.elf...   (LIMIT in bytes, what each of these programs has)

A frame is the sum of all that a function takes off sp; the edges are its branches to elsewhere and,
for calls through pointers, the rows of calls.py. Wrong are: recursion, a stack that grows by what
is not a constant, a call through a pointer without a row, a function whose address is taken and
that no row reaches, an allocator, and a program that is deeper than its stack."""
import collections
import re
import struct
import subprocess
import sys
from fnmatch import fnmatchcase

from calls import CALLS, ENTRIES, MOVES_SP

ALLOCATORS = {"malloc", "calloc", "realloc", "free", "alloca", "sbrk"}
FUNCTION = re.compile(r"([0-9a-f]+) <(.+)>:$")
INSTRUCTION = re.compile(r"\s*([0-9a-f]+):\s+(\S+)\s*(.*)$")
TAKES = re.compile(r"sub sp, sp, #(\w+)(, lsl #12)?$|st[rp] .*\[sp, #-(\w+)\]!$")
GIVES = re.compile(r"add sp, sp, #|ld[rp] .*\[sp\], #")
WRITES_SP = re.compile(r"(?:mov|add|sub|and|orr|bic|eor) sp,|.*\[sp\], |.*\[sp, .*\]!")
TARGET = re.compile(r"0x([0-9a-f]+) <")
BEFORE_OURS = re.compile(r".*(?:^|/)(?=(?:sdk|lib|vmm|io|services|tests)/)")
BRANCH = re.compile(r"\t(?:b|cb|tb)\S*\s+(?:.*, )?0x([0-9a-f]+) <")
KEEPS = ("st", "b", "cb", "tb", "cmp", "cmn", "tst", "ccm", "msr", "prfm")  # their first operand
ENDS = {"b", "br", "ret", "eret", "brk", "udf"}


def fits(source, patterns):
    return any(fnmatchcase(source, pattern) for pattern in patterns.split())


class Function:
    def __init__(self, name, address):
        self.name, self.address, self.end = name, address, address
        self.frame, self.calls, self.jumps, self.pointers, self.odd = 0, set(), set(), [], []
        self.last = ""


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def disassemble(elf):
    """The program's functions by address, and the addresses that its code forms."""
    functions, formed, function, pages, kept, before = {}, set(), None, {}, {}, ""
    text = run("llvm-objdump", "-d", "--no-show-raw-insn", elf)
    targets = {int(at, 16) for at in BRANCH.findall(text)}
    for line in text.splitlines():
        if found := FUNCTION.match(line):
            function = Function(found[2], int(found[1], 16))
            functions[function.address] = function
            pages.clear()
            kept.clear()
        elif function and (found := INSTRUCTION.match(line)):
            at, name, operands = int(found[1], 16), found[2], found[3].split(" //")[0].strip()
            function.end, function.last = at + 4, name
            look(function, at, name, operands, before)
            if at in targets:  # a register may come from elsewhere with what it held there
                pages.update(kept)
            formed.update(form(at, name, operands, pages))
            if name == "adrp":
                kept.update(pages)
            elif not name.startswith(KEEPS):
                pages.pop(operands.split(",")[0], None)
            before = f"{name} {operands}"
    return functions, formed


def look(function, at, name, operands, before):
    text = f"{name} {operands}"
    if found := TAKES.match(text):
        function.frame += int(found[1] or found[3], 0) << (12 if found[2] else 0)
    elif WRITES_SP.match(text) and not GIVES.match(text):
        function.odd.append(at)
    # A switch's table: `add` makes the address. Anything else that br goes to is a call in the end.
    if name == "blr" or name == "br" and not before.startswith(f"add {operands},"):
        function.pointers.append(at)
    elif name.startswith(("b", "cb", "tb")) and (found := TARGET.search(operands)):
        (function.calls if name == "bl" else function.jumps).add(int(found[1], 16))


def form(at, name, operands, pages):
    """Addresses that adr, or adrp and add, put into a register."""
    words = [word.strip() for word in re.split(r"[, ]+", operands)]
    if name == "adr":
        yield at + int(words[1].lstrip("#"), 0)
    elif name == "adrp":
        pages[words[0]] = int(words[1], 0)
    elif name == "add" and len(words) == 3 and words[1] in pages and words[2].startswith("#"):
        yield pages[words[1]] + int(words[2][1:], 0)


def words_of_data(elf):
    """Each aligned word of the program's data: a pointer to a function may be among them."""
    for line in run("llvm-readelf", "-S", "-W", elf).splitlines():
        found = re.match(r"\s*\[ *\d+\] (\S+) +PROGBITS +\w+ (\w+) (\w+) \w+ +(\w*A\w*) ", line)
        if found and "X" not in found[4]:
            with open(elf, "rb") as file:
                file.seek(int(found[2], 16))
                held = file.read(int(found[3], 16) & ~7)
            yield from (word for word, in struct.iter_unpack("<Q", held))


def sources_of(elf, addresses, of_inlined):
    """file:function of the source that each of these instructions is from, and its line; of the
    function that was inlined there, or of the one that it was inlined into."""
    if not addresses:
        return {}
    text = run("llvm-symbolizer", f"--obj={elf}", *(hex(at) for at in addresses))
    blocks = [block.split("\n") for block in text.strip().split("\n\n")]
    frames = [block[:2] if of_inlined else block[-2:] for block in blocks]
    return {at: (f"{BEFORE_OURS.sub('', place).split(':')[0]}:{name.split('.')[0]}",
                 place.split(":")[-2])
            for at, (name, place) in zip(addresses, frames)}


class Program:
    def __init__(self, elf):
        self.elf, self.errors = elf, []
        self.functions, formed = disassemble(elf)
        taken = (formed | set(words_of_data(elf))) & set(self.functions)
        self.taken = {at for at in taken if self.functions[at].name not in ENTRIES}
        inside = [at for f in self.functions.values() for at in f.pointers + f.odd]
        self.sources = sources_of(elf, sorted(self.functions), False)
        self.sources |= sources_of(elf, inside, True)
        self.reached = set()
        self.depths, self.below = {}, {}
        for function in self.functions.values():
            self.link(function)

    def link(self, function):
        # A jump within the function is none to another; one to another is a call in the end.
        function.calls |= {self.around(at) for at in function.jumps} - {function.address}
        if function.last not in ENDS and function.end in self.functions:
            function.calls.add(function.end)
        for at in function.pointers:
            function.calls |= self.through_pointer(at)
        if function.odd and function.name not in MOVES_SP:
            self.error(function.odd[0], "the stack is not of a constant size: no alloca, no array"
                       " of variable length")
        if function.name in ALLOCATORS:
            self.error(function.address, f"{function.name}: nothing on the target allocates")

    def error(self, at, what):
        source, line = self.sources[at]
        self.errors.append(f"{source.split(':')[0]}:{line}: {what}")

    def around(self, at):
        return max((start for start in self.functions if start <= at), default=at)

    def through_pointer(self, at):
        caller = self.sources[at][0]
        row = next((to for sources, to, _ in CALLS if fits(caller, sources)), None)
        if row is None:
            self.error(at, "a call through a pointer: add to tests/static/calls.py whom")
        to = {a for a in self.taken if fits(self.sources[a][0], row or "")}
        self.reached |= to
        return to

    def depth(self, address, path=()):
        if address in path:
            names = [self.functions[a].name for a in path[path.index(address):] + (address,)]
            self.error(address, "recursion: " + " -> ".join(names))
            return 0
        if address not in self.depths:
            function = self.functions[address]
            deeper = [(self.depth(to, path + (address,)), to) for to in function.calls]
            below, self.below[address] = max(deeper, default=(0, None))
            self.depths[address] = function.frame + below
        return self.depths[address]

    def deepest(self):
        total, at = max((self.depth(a), a) for a in self.functions)
        way = []
        while at is not None:
            way.append(f"{self.functions[at].name} {self.functions[at].frame}")
            at = self.below[at]
        for a in self.taken - self.reached:
            self.error(a, f"the address of {self.functions[a].name} is taken, and no row of"
                       " tests/static/calls.py says who calls it")
        return total, way


def main():
    limit, failed = int(sys.argv[1], 0), False
    for elf in sys.argv[2:]:
        program = Program(elf)
        total, way = program.deepest()
        name = elf.rsplit("/", 1)[-1]
        print(f"  {name:28} {total:6} of {limit} bytes of stack")
        if total > limit:
            program.errors.append(f"deeper than its stack: {', '.join(way)}")
        for error in collections.OrderedDict.fromkeys(program.errors):
            print(f"{name}: {error}")
        failed |= bool(program.errors)
    return failed


if __name__ == "__main__":
    sys.exit(main())
