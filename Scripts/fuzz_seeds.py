"""Writes the seeds of the program fuzzer: fuzz_seeds.py SPADIX FOLDER.

Each program of the file tests as assembly, as a program file, and as bare commands of 17 bytes, which is how the fuzzer
reads any input as well; and the preset targets.
"""

import glob
import json
import os
import re
import struct
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def commands(program):
    """The commands of a program file, 17 bytes each: function number and two operands."""
    length = struct.unpack("<Q", program[:8])[0]
    start, end = json.loads(program[8 : 8 + length])["commands"]["data_offsets"]
    words = struct.unpack(f"<{(end - start) // 8}Q", program[8 + length + start : 8 + length + end])
    return b"".join(struct.pack("<BQQ", *words[i : i + 3]) for i in range(0, len(words), 3))


def main():
    spadix, folder = sys.argv[1:]
    os.makedirs(folder, exist_ok=True)

    def write(name, data):
        with open(os.path.join(folder, name), "wb") as file:
            file.write(data)

    for path in sorted(glob.glob(os.path.join(ROOT, "Tests", "lit", "machine", "*", "*.s"))):
        name = "-".join(path[:-2].split(os.sep)[-2:])
        output = os.path.join(folder, name + ".spxo")
        subprocess.run([spadix, "asm", path, "-o", output], check=True)
        with open(output, "rb") as file:
            write(name + ".commands", commands(file.read()))
        with open(path, encoding="utf-8") as file:
            write(name + ".s", re.sub(r"(?m)\s*;.*$", "", file.read()).lstrip().encode())
    for target in ["gemmini", "gemmini-spad", "spadix"]:
        write(target + ".yaml", subprocess.run([spadix, "targets", "--yaml", target], check=True,
                                               capture_output=True).stdout)


if __name__ == "__main__":
    main()
