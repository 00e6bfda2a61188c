# SPDX-License-Identifier: BSD-2-Clause
"""Runs the instrumented host tests and replays the corpora, and prints a table of line coverage.

    coverage.py DIR FOUND FOLDER...     DIR/unit, DIR/fuzz: the programs; FOUND: what fuzzing found

`llvm-cov show` of the merged profile goes to DIR/lines.txt: what was not executed has a 0 there.
"""

import concurrent.futures
import glob
import json
import os
import subprocess
import sys


def programs(folder):
    return sorted(p for p in glob.glob(folder + "/*") if os.access(p, os.X_OK) and os.path.isfile(p))


def execute(folder, found, program):
    name = os.path.basename(program)
    arguments = []
    if name.startswith("fuzz_"):
        corpora = [f"tests/fuzz/corpus/{name[5:]}", f"{found}/{name[5:]}"]
        arguments = ["-runs=0"] + [corpus for corpus in corpora if os.path.isdir(corpus)]
    profile = os.path.abspath(f"{folder}/{name}.profraw")  # a test may change its folder
    result = subprocess.run([program, *arguments], env={**os.environ, "LLVM_PROFILE_FILE": profile},
                            capture_output=True, timeout=900)
    if result.returncode != 0:
        sys.exit(f"{program} fails:\n{result.stderr.decode(errors='replace')[-2000:]}")
    return profile


def report(folder, objects, kind, sources):
    return subprocess.run(["llvm-cov", *kind, objects[0], *[f"-object={o}" for o in objects[1:]],
                           f"-instr-profile={folder}/all.profdata", *sources],
                          capture_output=True, text=True, check=True).stdout


def main():
    folder, found, folders = sys.argv[1], sys.argv[2], sys.argv[3:]
    objects = programs(folder + "/unit") + programs(folder + "/fuzz")
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        profiles = list(pool.map(lambda program: execute(folder, found, program), objects))
    subprocess.run(["llvm-profdata", "merge", "-sparse", *profiles, "-o", folder + "/all.profdata"],
                   check=True)
    sources = subprocess.run(["git", "ls-files", *[f"{f}/*.[ch]" for f in folders]],
                             capture_output=True, text=True, check=True).stdout.split()
    with open(folder + "/lines.txt", "w") as lines:
        lines.write(report(folder, objects, ["show", "-show-instantiations=false"], sources))
    data = json.loads(report(folder, objects, ["export", "-summary-only"], sources))
    summary = {os.path.relpath(file["filename"]): file["summary"]["lines"]
               for file in data["data"][0]["files"]}
    print("| file | lines | executed | |\n|---|--:|--:|--:|")
    for file, lines in sorted(summary.items()):
        if lines["count"] == 0:
            continue
        print(f"| `{file}` | {lines['count']} | {lines['covered']} | {lines['percent']:.1f} % |")
    for prefix in [*folders, "vmm/virtio"]:
        count = sum(v["count"] for k, v in summary.items() if k.startswith(prefix + "/"))
        covered = sum(v["covered"] for k, v in summary.items() if k.startswith(prefix + "/"))
        print(f"| **`{prefix}`** | {count} | {covered} | {100 * covered / max(count, 1):.1f} % |")
    absent = [s for s in sources if s.endswith(".c") and s not in summary]
    print("\nIn no host program: " + ", ".join(f"`{s}`" for s in absent))


main()
