"""Measures how the compile time grows with the graph, and prints the table of docs/figures.md.

    growth.py SPADIX [--target NAME] [--check]
    growth.py SPADIX --print KIND N     writes one of the graphs

Graphs of each kind in growing sizes are compiled, the whole command. Seconds are of processor time, with the peak memory of
the process. --check compiles small ones only and fails when the work grows faster than the graph: it compares what the
scheduler counts (nodes) and, with much room, processor seconds.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile


class Network:
    """The text of a graph over 8x8 images of 16 channels."""

    def __init__(self):
        self.lines = []
        self.values = ["%x"]

    def add(self, operation):
        name = f"%v{len(self.values)}"
        self.lines.append(f"  {name} = {operation} {{range = [-1.0, 1.0]}} : f32[1, 8, 8, 16]")
        self.values.append(name)
        return name

    def convolution(self, operand):
        return self.add(f"nn.conv2d {operand}, %w")

    def sum(self, one, other):
        return self.add(f"nn.add {one}, {other}")

    def text(self, outputs, last=None, channels=16):
        types = ", ".join([f"f32[1, 8, 8, {channels}]"] * len(outputs))
        result = types if len(outputs) == 1 else f"({types})"
        return "\n".join(
            ["data @w : f32[1, 1, 16, 16] = random(seed = 1, laplace = 0.06)",
             f"graph @net(%x: f32[1, 8, 8, 16] {{range = [-1.0, 1.0]}}) -> {result} {{", "  %w = constant @w"]
            + self.lines + ([last] if last else []) + [f"  return {', '.join(outputs)}", "}", ""])


def chain(count, generator):
    net = Network()
    value = "%x"
    for _ in range(count):
        value = net.convolution(value)
    return net.text([value])


def diamonds(count, generator):
    """Two convolutions of one value, and their sum."""
    net = Network()
    value = "%x"
    for _ in range(count // 3):
        value = net.sum(net.convolution(value), net.convolution(value))
    return net.text([value])


def wide(count, generator):
    """Many readers of one value, all joined."""
    net = Network()
    values = [net.convolution("%x") for _ in range(count)]
    channels = 16 * count
    join = f"  %y = nn.concat {', '.join(values)} {{axis = 3}} : f32[1, 8, 8, {channels}]"
    return net.text(["%y"], join, channels)


def tangled(count, generator):
    """Operators that read recent values or any earlier one; what nobody reads is an output."""
    net = Network()
    used = set()
    for _ in range(count):
        recent = net.values[-16:]
        one = generator.choice(recent if generator.random() < 0.9 else net.values)
        other = generator.choice(recent if generator.random() < 0.9 else net.values)
        if generator.random() < 0.5:
            net.convolution(one)
            used.add(one)
        else:
            net.sum(one, other)
            used |= {one, other}
    return net.text([value for value in net.values[1:] if value not in used])


KINDS = {"chain": chain, "diamonds": diamonds, "wide": wide, "tangled": tangled}
SIZES = {"chain": [50, 200, 800, 3200, 5000], "diamonds": [50, 200, 800, 3200], "wide": [50, 200, 800],
         "tangled": [50, 200, 800, 2000]}


def measure(spadix, kind, count, target):
    """Processor seconds, peak MB, and the schedule of the report."""
    with tempfile.TemporaryDirectory() as folder:
        with open(f"{folder}/net.spx", "w") as file:
            file.write(KINDS[kind](count, random.Random(1)))
        command = [
            spadix, "compile", f"{folder}/net.spx", "--target", target, "-o", f"{folder}/net.spxo", "--report=json",
            "--report-file", f"{folder}/report.json"]
        process = subprocess.Popen(command)
        _, status, usage = os.wait4(process.pid, 0)
        if os.waitstatus_to_exitcode(status) != 0:
            sys.exit(f"growth: {kind} of {count}: exit status {os.waitstatus_to_exitcode(status)}")
        with open(f"{folder}/report.json") as file:
            schedule = json.load(file)["schedule"]
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, schedule


def table(spadix, target):
    print("| graph | operators | seconds | peak MB | plan |")
    print("|---|---|---|---|---|")
    for kind, sizes in SIZES.items():
        for count in sizes:
            seconds, memory, schedule = measure(spadix, kind, count, target)
            gap = 100 * schedule["gap_cycles"] / max(1, schedule["planned_cycles"])
            plan = "optimal" if schedule["proven"] else f"a better one saves at most {gap:.1f} %"
            print(f"| {kind} | {count:,} | {seconds:.2f} | {memory:.0f} | {plan} |", flush=True)


def check(spadix, target):
    failed = False
    for kind in KINDS:
        small = measure(spadix, kind, 150, target)
        large = measure(spadix, kind, 600, target)
        # Four times the operators: linear is 4, a quadratic part shows as up to 16.
        nodes = large[2]["nodes"] / max(small[2]["nodes"], 600)
        seconds = large[0] / max(small[0], 0.5)
        verdict = "ok" if nodes <= 8 and seconds <= 10 else "grows too fast"
        failed |= verdict != "ok"
        print(f"{kind}: {verdict}, {nodes:.1f} times the nodes for 4 times the operators")
    sys.exit(1 if failed else 0)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("spadix")
    parser.add_argument("--target", default="spadix")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--print", nargs=2, metavar=("KIND", "N"))
    options = parser.parse_args()
    if options.print:
        print(KINDS[options.print[0]](int(options.print[1]), random.Random(1)), end="")
        return
    (check if options.check else table)(os.path.abspath(options.spadix), options.target)


if __name__ == "__main__":
    main()
