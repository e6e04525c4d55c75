"""Compiles every example for every preset and runs it with all checks: silence.py SPADIX EXAMPLES FOLDER.

Prints each finding that is not a remark, then one line for the remarks of each id and one for everything. Programs of less
than 8 MB are printed as assembly, in loops, and must read back as the same file.
"""

import collections
import glob
import json
import os
import re
import struct
import subprocess
import sys

import numpy as np


def inputs(program):
    """Names and shapes of the inputs of a program file."""
    with open(program, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
    return [(it["name"], it["type"]["shape"]) for it in json.loads(header["__metadata__"]["spadix"])["inputs"]]


def main():
    spadix, examples, folder = sys.argv[1:]
    os.makedirs(folder, exist_ok=True)
    graphs = sorted(glob.glob(os.path.join(examples, "**", "*.spx"), recursive=True))
    program, programs, loud, read_back = os.path.join(folder, "program.spxo"), 0, 0, 0
    remarks = collections.defaultdict(set)
    for graph in graphs:
        for target in ["gemmini", "gemmini-spad", "spadix"]:
            subprocess.run([spadix, "compile", graph, "--target", target, "--report=none", "-o", program], check=True)
            if os.path.getsize(program) < 8 << 20:
                again = os.path.join(folder, "again.spxo")
                text = subprocess.run([spadix, "disasm", program], capture_output=True, check=True).stdout
                subprocess.run([spadix, "asm", "-", "-o", again], input=text, check=True)
                with open(program, "rb") as one, open(again, "rb") as other:
                    read_back += one.read() == other.read()
            arguments = []
            for name, shape in inputs(program):
                path = os.path.join(folder, f"{name}.npy")
                np.save(path, np.random.default_rng(7).uniform(-1, 1, shape).astype(np.float32))
                arguments += ["--input", f"{name}={path}"]
            result = subprocess.run([spadix, "run", program, "--check=all", *arguments], capture_output=True, text=True)
            programs += 1
            title = f"{os.path.basename(graph)} on {target}"
            for line in result.stderr.splitlines():
                found = re.match(r"(\w+): .*\[(machine\.[a-z-]+)\]$", line)
                if found and found[1] == "remark":
                    remarks[found[2]].add(title)
                elif found:
                    loud += 1
                    print(f"{title}: {line}")
            if result.returncode != 0:
                loud += 1
                print(f"{title}: exited with {result.returncode}: {result.stderr[-300:]}")
    for identifier, titles in sorted(remarks.items()):
        print(f"remark {identifier} in {len(titles)}: {', '.join(sorted(titles))}")
    print(f"{programs} programs, {loud} findings; {read_back} read back from their loops")


if __name__ == "__main__":
    main()
