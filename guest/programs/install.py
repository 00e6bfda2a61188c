#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Copies programs of Debian's arm64 packages, and the shared libraries that they load, into a root.

usage: install.py [--stub] TREE ROOT FOLDER PROGRAM...

TREE holds the unpacked packages. Programs go to ROOT/FOLDER, libraries to ROOT/lib. A library that is
not in TREE is an error. With --stub it is replaced: fio is linked with Ceph, GlusterFS, RDMA and others,
more than 50 MB of libraries for engines that no test uses. The stub has each function that the program
wants, and each of them is a breakpoint."""
import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile

FOLDERS = ("lib/aarch64-linux-gnu", "usr/lib/aarch64-linux-gnu", "lib", "usr/lib")
NEEDED = re.compile(r"\(NEEDED\).*\[(.+)\]")
# "  12: 0000000000000000     0 FUNC    GLOBAL DEFAULT  UND numa_available@libnuma_1.1 (2)"
SYMBOL = re.compile(r"\s*\d+: \w+ +\w+ (\w+) +(GLOBAL|WEAK) +\w+ +(\w+) ([^@\s]+)@?@?(\S*)")


def run(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def needed(program):
    return NEEDED.findall(run("llvm-readelf", "-d", program))


def loaded_later(path):
    """libc loads the unwinder when the first thread is cancelled."""
    return ["libgcc_s.so.1"] if any(name == "pthread_cancel" for name, _ in symbols(path, True)) else []


def find(tree, library):
    paths = (os.path.join(tree, folder, library) for folder in FOLDERS)
    return next((path for path in paths if os.path.exists(path)), None)


def libraries(tree, program):
    """Those that the program loads, by name: the path of each, None where TREE has it not."""
    found, todo = {}, [program]
    while todo:
        path = todo.pop()
        for name in needed(path) + loaded_later(path):
            if name not in found:
                found[name] = find(tree, name)
                todo += [found[name]] if found[name] else []
    return found


def symbols(program, undefined):
    found = SYMBOL.findall(run("llvm-readelf", "--dyn-syms", "-W", program))
    return {(name, version) for kind, binding, section, name, version in found
            if (section == "UND") == undefined and (kind != "NOTYPE" or binding == "GLOBAL")}


def make_stub(program, present, out):
    """A library with all functions that the program wants and `present` lack, in their versions."""
    have = {name for path in present for name, _ in symbols(path, False)}
    wanted = sorted((version, name) for name, version in symbols(program, True) if name not in have)
    versions = sorted({version for version, _ in wanted if version})
    with tempfile.TemporaryDirectory() as work:
        source, script = os.path.join(work, "stub.S"), os.path.join(work, "stub.map")
        with open(source, "w", encoding="utf-8") as file:
            for _, name in wanted:
                file.write(f".globl {name}\n.type {name}, %function\n{name}:\n")
            file.write("brk #0\n")
        with open(script, "w", encoding="utf-8") as file:
            for version in versions:
                names = " ".join(f"{name};" for of, name in wanted if of == version)
                file.write(f"{version} {{ global: {names} }};\n")
        run("clang", "--target=aarch64-linux-gnu", "-fuse-ld=lld", "-nostdlib", "-shared",
            "-Wl,--build-id=none,-soname=stub.so", f"-Wl,--version-script={script}", source, "-o", out)


def install(tree, root, program, stub):
    found = libraries(tree, program)
    present = {name: path for name, path in found.items() if path}
    missing = sorted(found.keys() - present.keys())
    if missing and not stub:
        sys.exit(f"guest: {program} loads {' '.join(missing)}, which no package in {tree} has; add it "
                 "to the packages in guest/programs/rules.mk")
    for name, path in present.items():
        shutil.copy(path, os.path.join(root, "lib", name))
    if missing:
        make_stub(program, present.values(), os.path.join(root, "lib", missing[0]))
        for name in missing[1:]:
            shutil.copy(os.path.join(root, "lib", missing[0]), os.path.join(root, "lib", name))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--stub", action="store_true")
    for name in ("tree", "root", "folder"):
        parser.add_argument(name)
    parser.add_argument("programs", nargs="+")
    options = parser.parse_args()
    folder = os.path.join(options.root, options.folder)
    os.makedirs(folder, exist_ok=True)
    os.makedirs(os.path.join(options.root, "lib"), exist_ok=True)
    for program in options.programs:
        path = os.path.join(options.tree, program)
        install(options.tree, options.root, path, options.stub)
        shutil.copy(path, folder)


if __name__ == "__main__":
    main()
