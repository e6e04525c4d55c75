"""Measures the figures of docs/figures.md and prints them as Markdown.

    figures.py SPADIX [--digits] [--networks] [--verify]

Without options, everything. Bytes, utilization and cycles are counted by the compiler and the same everywhere. Seconds
and memory are this machine's, of the whole process from start to exit. Seconds are of processor time, user and system,
which other work on the machine disturbs least; the best of three for compiling.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile

EXAMPLES = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "ir-examples")
TARGETS = ["gemmini", "gemmini-spad", "spadix"]
NETWORKS = ["resnet50", "mobilenetv2"]

# Counted in the commands of Gemmini's own C library for the default hardware: MB read, MB written, cycles of the array
# in millions, utilization in percent.
LIBRARY = {"resnet50": (101.0, 16.0, 17.8, 72), "mobilenetv2": (14.4, 6.9, 8.5, 10)}


def run(command):
    """Runs a command that must succeed; returns its output, processor seconds and peak memory in MB."""
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, stdout=output)
        _, status, usage = os.wait4(process.pid, 0)
        output.seek(0)
        text = output.read().decode()
    if status != 0:
        sys.exit(f"figures: {' '.join(command)} exited with {os.waitstatus_to_exitcode(status)}:\n{text}")
    return text, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def quoted(text):
    return "".join(f"    {line}\n" for line in text.strip().split("\n"))


def digits(spadix):
    print("## Digits, 500 held-out images\n")
    folder = os.path.join(EXAMPLES, "digits")
    for network in ("cnn", "mlp"):
        for target in TARGETS:
            text, seconds, memory = run([
                spadix, "verify", f"{folder}/{network}.spx", "--target", target,
                "--input", f"image={folder}/images.npy", "--labels", f"{folder}/labels.npy", "--report=none"])
            print(f"`{network}.spx` on `{target}`, {seconds:.2f} s, {memory:.0f} MB:\n\n{quoted(text)}", flush=True)


def networks(spadix):
    print("## Networks at 224x224, batch 1\n")
    print("| network | target | MB read | MB written | utilization | array cycles (modelled) | compile s | peak MB |")
    print("|---|---|---|---|---|---|---|---|")
    for network in NETWORKS:
        read, written, cycles, utilization = LIBRARY[network]
        print(f"| {network} | Gemmini's C library | {read} | {written} | {utilization} % | {cycles} M | | |")
        for target in TARGETS:
            with tempfile.TemporaryDirectory() as folder:
                command = [
                    spadix, "compile", f"{EXAMPLES}/{network}.spx", "--target", target, "--report=json",
                    "-o", f"{folder}/out.spxo"]
                text, seconds, memory = min((run(command) for _ in range(3)), key=lambda result: result[1])
            report = json.loads(text)
            moved = report["dram_bytes"]
            print(
                f"| {network} | `{target}` | {moved['read'] / 1e6:.1f} | {moved['written'] / 1e6:.1f} "
                f"| {report['array_utilization_percent']} % | {report['array_cycles_modelled'] / 1e6:.2f} M "
                f"| {seconds:.2f} | {memory:.0f} |", flush=True)
    print()


def verification(spadix):
    print("## The machine against the integer reference, one seeded input\n")
    for network in NETWORKS:
        for target in TARGETS:
            text, seconds, memory = run([
                spadix, "verify", f"{EXAMPLES}/{network}.spx", "--target", target, "--samples", "1", "--report=none"])
            print(f"`{network}.spx` on `{target}`, {seconds:.1f} s, {memory:.0f} MB:\n\n{quoted(text)}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("spadix")
    parts = {"digits": digits, "networks": networks, "verify": verification}
    for name in parts:
        parser.add_argument(f"--{name}", action="store_true")
    options = parser.parse_args()
    chosen = [name for name in parts if getattr(options, name)] or list(parts)
    for name in chosen:
        parts[name](os.path.abspath(options.spadix))


if __name__ == "__main__":
    main()
