"""Runs a program with commands from each source and compares what is counted: command_sources.py SPADIX PROGRAM FOLDER.

FOLDER has a target file for each source but the ideal one.
"""

import json
import os
import struct
import subprocess
import sys

import numpy as np


def inputs(program, folder):
    """Arguments for inputs of zeros, which take the same time as others."""
    with open(program, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
    arguments = []
    for it in json.loads(header["__metadata__"]["spadix"])["inputs"]:
        path = os.path.join(folder, f"{it['name']}.npy")
        np.save(path, np.zeros(it["type"]["shape"], np.float32))
        arguments += ["--input", f"{it['name']}={path}"]
    return arguments


def counted(spadix, program, arguments):
    run = subprocess.run([spadix, "run", program, "--check=none", "--counters", *arguments], check=True,
                         capture_output=True, text=True)
    return json.loads(run.stdout)


def main():
    spadix, program, folder = sys.argv[1:]
    given = inputs(program, folder)
    runs = {name: counted(spadix, program, [*given, "--target", f"{folder}/{name}.yaml"]) for name in ["list", "c", "slow"]}
    ideal = counted(spadix, program, given)
    commands = sum(ideal["commands"].values())
    bytes_of = {name: run["dramRead"]["commands"] for name, run in runs.items()}
    on_bus = {name: run["busRead"] - ideal["busRead"] for name, run in runs.items()}
    cycles = {name: run["modelledCycles"]["total"] for name, run in runs.items()}
    best = ideal["modelledCycles"]["total"]

    def each(name):
        """The bytes of operations and of what lies outside them are those of the whole."""
        return sum(operation["dramRead"]["commands"] for operation in runs[name]["operations"]) <= bytes_of[name]

    print(f"ideal: {ideal['dramRead']['commands']} bytes for commands")
    ok = bytes_of["list"] == 24 * commands == on_bus["list"] and cycles["list"] > best and each("list")
    print("list: " + ("24 bytes a command, all on the bus, and slower than ideal" if ok else f"{bytes_of} {on_bus} {cycles}"))
    ok = 0 < bytes_of["c"] < 2 * commands and on_bus["c"] == 0 and cycles["c"] > best and each("c")
    print("c: " + ("a table of less than 2 bytes a command, none of it on the bus, and slower than ideal" if ok
                   else f"{commands} {bytes_of} {on_bus} {cycles} {best}"))
    print("slow: " + ("slower than c" if cycles["slow"] > cycles["c"] else f"{cycles}"))


if __name__ == "__main__":
    main()
