"""Measures the figures of docs/figures.md and prints them as Markdown.

    figures.py SPADIX [--digits] [--networks] [--machine] [--verify]
    figures.py SPADIX --check | --update

Without options, everything. --check compares what is counted and not measured with docs/figures.md and README.md, --update
writes it there. Bytes, utilization and cycles are counted by the compiler and the same everywhere. Seconds
and memory are this machine's, of the whole process from start to exit. Seconds are of processor time, user and system,
which other work on the machine disturbs least; the best of three for compiling. The speed of a run is what the machine
says about itself (--measure), the best of many samples, with and without checks in turn.
"""

import argparse
import json
import os
import random
import re
import struct
import subprocess
import sys
import tempfile

EXAMPLES = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "ir-examples")
TARGETS = ["gemmini", "gemmini-spad", "spadix"]
NETWORKS = ["resnet50", "mobilenetv2"]

# Counted in the commands of Gemmini's own C library for the default hardware: MB read, MB written, cycles of the array
# in millions, utilization in percent.
LIBRARY = {"resnet50": (101.0, 16.0, 17.8, 72), "mobilenetv2": (14.4, 6.9, 8.5, 10)}

# Millions of cycles on Gemmini's RTL, simulated elsewhere: latency 60, 32 requests in flight, a command a cycle. Of the
# C library's program, and of this compiler's for `gemmini` (of 25 November 2026).
RTL = {"resnet50": (23.24, 25.19), "mobilenetv2": (27.3, 5.59)}
RTL_TARGET = "name: gemmini-rtl\nbase: gemmini\ntiming:\n  max_in_flight: 32\n"


def run(command, exit_code=0):
    """Runs a command that must end with this status; returns its output, processor seconds and peak memory in MB."""
    with tempfile.TemporaryFile() as output:
        # What --measure says stands on standard error; diagnostics of an expected failure are of no interest.
        errors = output if "--measure" in command else subprocess.DEVNULL if exit_code else None
        process = subprocess.Popen(command, stdout=output, stderr=errors)
        _, status, usage = os.wait4(process.pid, 0)
        output.seek(0)
        text = output.read().decode()
    if os.waitstatus_to_exitcode(status) != exit_code:
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
    print("\n| network | program | cycles on the RTL | modelled | MB moved |\n|---|---|---|---|---|")
    for network in NETWORKS:
        read, written, _, _ = LIBRARY[network]
        library, own = RTL[network]
        print(f"| {network} | Gemmini's C library | {library} M | | {read + written:.1f} |")
        with tempfile.TemporaryDirectory() as folder:
            target = f"{folder}/rtl.yaml"
            with open(target, "w") as file:
                file.write(RTL_TARGET)
            text, _, _ = run([
                spadix, "compile", f"{EXAMPLES}/{network}.spx", "--target", target, "--report=json",
                "-o", f"{folder}/out.spxo"])
        report = json.loads(text)
        print(
            f"| {network} | `gemmini` | {own} M | {report['cycles_modelled'] / 1e6:.2f} M "
            f"| {report['dram_bytes']['total'] / 1e6:.1f} |", flush=True)
    print()


def write_images(path, count):
    """Random images for the networks as .npy, written without numpy."""
    shape = (count, 224, 224, 3)
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}"
    header += " " * (-(len(header) + 11) % 64) + "\n"
    generator = random.Random(1)
    image = struct.pack(f"<{224 * 224 * 3}f", *(generator.uniform(-2, 2) for _ in range(224 * 224 * 3)))
    with open(path, "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + image * count)


def size_of(program):
    """Bytes of a program file, and of the DRAM that its symbols span; commands in it."""
    with open(program, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
    symbols = json.loads(header["__metadata__"]["spadix"])["symbols"]
    dram = max(s["address"] + s["length"] for s in symbols) - min(s["address"] for s in symbols)
    return os.path.getsize(program), dram, header["commands"]["shape"][0]


def machine(spadix):
    print("## The machine, on one core, target `gemmini`\n")
    print("| network | commands | checks off | default checks | ratio | start-up s | program + DRAM MB | peak MB |")
    print("|---|---|---|---|---|---|---|---|")
    samples = 10
    with tempfile.TemporaryDirectory() as folder:
        program, one, many = f"{folder}/out.spxo", f"{folder}/one.npy", f"{folder}/many.npy"
        write_images(one, 1)
        write_images(many, samples)
        for network in NETWORKS:
            run([
                spadix, "compile", f"{EXAMPLES}/{network}.spx", "--target", "gemmini", "--report=none", "-o", program])
            best = {}
            for check in ["none", "default"] * 4:
                text, _, _ = run([spadix, "run", program, "--input", many, "--check", check, "--measure"])
                for found in re.findall(r"([0-9.]+) ms on the machine, ([0-9.]+) GMAC/s", text):
                    best[check] = min(best.get(check, (float("inf"), 0)), tuple(map(float, found)))
            # A run that stops at its second command does all that comes before the first.
            _, start, _ = min((
                run([spadix, "run", program, "--input", one, "--max-commands", "1"], exit_code=1) for _ in range(5)
            ), key=lambda result: result[1])
            _, _, peak = run([spadix, "run", program, "--input", one])
            file, dram, commands = size_of(program)
            columns = [f"{best[check][0]:.1f} ms, {best[check][1]:.1f} GMAC/s" for check in ("none", "default")]
            print(
                f"| {network} | {commands / 1e6:.2f} M | {columns[0]} | {columns[1]} "
                f"| {best['default'][0] / best['none'][0]:.2f} | {start:.2f} "
                f"| {file / 1e6:.1f} + {dram / 1e6:.1f} | {peak:.0f} |", flush=True)
    print()


def counted(spadix):
    """The columns of tables that are the same on every machine: by (network, target), as the documents write them."""
    found = {}
    folder = os.path.join(EXAMPLES, "digits")
    for network in ("cnn", "mlp"):
        for target in TARGETS:
            text, _, _ = run([
                spadix, "verify", f"{folder}/{network}.spx", "--target", target,
                "--input", f"image={folder}/images.npy", "--labels", f"{folder}/labels.npy", "--report=none"])
            exact = re.search(r"bit-exact (\d+ of \d+)", text)[1]
            decibels = re.search(r"SQNR ([0-9.]+ dB)", text)[1]
            floating, integer = re.search(r"accuracy: float ([0-9.]+ %), int8 ([0-9.]+ %)", text).groups()
            found[f"`digits/{network}.spx`", f"`{target}`"] = [exact, floating, integer, decibels]
    for network, name in zip(NETWORKS, ["ResNet-50", "MobileNetV2"]):
        for target in TARGETS:
            text, _, _ = run([
                spadix, "compile", f"{EXAMPLES}/{network}.spx", "--target", target, "--report=json", "-o", "/dev/null"])
            report = json.loads(text)
            moved = report["dram_bytes"]
            found[name, f"`{target}`"] = [
                f"{moved['read'] / 1e6:.1f}", f"{moved['written'] / 1e6:.1f}",
                f"{report['array_utilization_percent']} %", f"{report['array_cycles_modelled'] / 1e6:.2f} M"]
    return found


def corrected(text, found):
    """The text of a document with the counted columns of its tables as they are; README has one digit less of the array's cycles."""
    lines, network, held = text.split("\n"), "", 0
    for index, line in enumerate(lines):
        cells = [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("| ") else []
        if len(cells) < 6:
            continue
        network = cells[0] or network
        target = cells[1].removeprefix("Spadix for ")
        if (network, target) in found:
            columns = list(found[network, target])
            if target == cells[1]:
                cells[2:6] = columns
            else:
                # README: cycles of the RTL stand before them, and the array's cycles before its utilization.
                cells[3:7] = columns[:2] + [f"{float(columns[3].split()[0]):.1f} M", columns[2]]
            lines[index] = "| " + " | ".join(cells) + " |"
            lines[index] = re.sub(r" +\|", " |", lines[index]).replace("|  |", "| |")
            held += 1
    text = "\n".join(lines)
    of = lambda column: sorted(found["`digits/cnn.spx`", f"`{target}`"][column].split()[0] for target in TARGETS)
    low, high = of(2)[0], of(2)[-1]
    span = f"{low} %" if low == high else f"{low} to {high} %"
    text = re.sub(r"[0-9.]+ % of the held-out images right in float and [0-9.]+( to [0-9.]+)? % in int8",
                  f"{of(1)[0]} % of the held-out images right in float and {span} in int8", text)
    moved = sum(map(float, found["MobileNetV2", "`gemmini`"][:2]))
    return re.sub(r"MobileNetV2 for `gemmini` moves [0-9.]+ MB", f"MobileNetV2 for `gemmini` moves {moved:.1f} MB", text), held


def check(spadix, update):
    found = counted(spadix)
    root = os.path.dirname(EXAMPLES)
    wrong = 0
    for document, rows in (("docs/figures.md", len(found)), ("README.md", 2)):
        path = os.path.join(root, document)
        with open(path, encoding="utf-8") as file:
            text = file.read()
        new, held = corrected(text, found)
        if held != rows:
            sys.exit(f"figures: {document} has {held} lines of tables that are counted; expected {rows}")
        for number, (old, line) in enumerate(zip(text.split("\n"), new.split("\n")), 1):
            if old != line:
                wrong += 1
                print(f"{document}:{number}: found    {old}\n{document}:{number}: expected {line}")
        if update and new != text:
            with open(path, "w", encoding="utf-8") as file:
                file.write(new)
    if wrong and not update:
        sys.exit("figures: the documents differ from this build; figures.py SPADIX --update writes them")
    print("figures: all of docs/figures.md and README.md that are counted hold" if not wrong else f"{wrong} lines written")


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
    parts = {"digits": digits, "networks": networks, "machine": machine, "verify": verification}
    for name in parts:
        parser.add_argument(f"--{name}", action="store_true")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--update", action="store_true")
    options = parser.parse_args()
    if options.check or options.update:
        check(os.path.abspath(options.spadix), options.update)
        return
    chosen = [name for name in parts if getattr(options, name)] or list(parts)
    for name in chosen:
        parts[name](os.path.abspath(options.spadix))


if __name__ == "__main__":
    main()
