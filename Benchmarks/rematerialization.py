#!/usr/bin/env python3
"""Schedules public rematerialization instances with operators that may run again, and prints a Markdown table.

    rematerialization.py FOLDER [--spadix FILE] [--seconds 10] [--fractions 0.9,0.8] [--only TEXT]

FOLDER is `data` of a checkout of github.com/haoming-codes/moccasin: random layered graphs of 100 to 1,000 operators and
training graphs of Checkmate's networks, as JSON of networkx. They are read in place. A node is an operator with one result,
which takes `cost_ram` (or `out_cost`) bytes, and a run of it takes `cost_cpu` (or `duration`); here cycles are millionths of
a run of everything, and the bytes of graphs without a tensor of a million count a thousand times, so that moving a tensor is
not cheaper than running what makes it. The budget is a fraction of the most that is live at once in the order that the graph comes in.

A schedule may run operators again, at a byte for a cycle, so that bytes only move where that is not enough; it keeps the
order of the file (`given`) or chooses one. Each run is interrupted after some seconds of processor time. Columns: traffic in
bytes, further runs, and what they take of a run of everything, the overhead.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

from bench_hard import run

MILLIONTHS = 1_000_000
SMALL = 1_000


def attribute(node, *names):
    return next(node[name] for name in names if name in node)


def problem(path):
    """The graph of a file as a scheduling problem, in the order that the file names, else one of its own."""
    graph = json.loads(path.read_text())
    nodes = graph["nodes"]
    identity = "id" if "id" in nodes[0] else "name"
    source, target = ("source", "target") if "source" in graph["links"][0] else ("0", "1")
    operands = {node[identity]: [] for node in nodes}
    readers = {node[identity]: 0 for node in nodes}
    for link in graph["links"]:
        operands[link[target]].append(link[source])
        readers[link[source]] += 1
    order = graph["graph"].get("order") or legal_order(operands)
    whole = sum(attribute(node, "cost_cpu", "duration") for node in nodes)
    by_identity = {node[identity]: node for node in nodes}
    number = {node: index for index, node in enumerate(order)}
    sizes = [attribute(by_identity[node], "cost_ram", "out_cost") for node in order]
    unit = SMALL if max(sizes) < MILLIONTHS else 1
    tensors, operators = [], []
    for index, node in enumerate(order):
        tensors.append({
            "id": index, "name": f"t{index}", "bytes": unit * sizes[index],
            "kind": "activation" if readers[node] else "output"})
        cycles = attribute(by_identity[node], "cost_cpu", "duration") * MILLIONTHS // max(1, whole)
        operators.append({
            "id": index, "name": str(by_identity[node]["name"]), "cycles": cycles,
            "inputs": sorted(number[operand] for operand in operands[node]), "outputs": [index]})
    return {"name": path.stem, "unit": unit, "tensors": tensors, "ops": operators}


def legal_order(operands):
    """The order of the file, where each node comes behind those that it reads."""
    order, seen = [], set()
    pending = list(operands)
    while pending:
        ready = [node for node in pending if all(operand in seen for operand in operands[node])]
        order += ready
        seen.update(ready)
        pending = [node for node in pending if node not in seen]
    return order


def peak(problem):
    """The most bytes that are live at once, in the order of the problem."""
    last = {}
    for step, op in enumerate(problem["ops"]):
        for tensor in op["inputs"] + op["outputs"]:
            last[tensor] = step
    live = most = 0
    for step, op in enumerate(problem["ops"]):
        live += sum(problem["tensors"][tensor]["bytes"] for tensor in op["outputs"])
        most = max(most, live)
        live -= sum(
            problem["tensors"][tensor]["bytes"] for tensor in op["inputs"] + op["outputs"] if last[tensor] == step)
    return most


def solve(options, file, budget, plan_file, *more):
    plan_file.unlink(missing_ok=True)
    command = [options.spadix, "schedule", str(file), "--budget", str(budget), "-o", str(plan_file), *more]
    status, error, seconds, memory = run(command, options.seconds)
    check = [options.spadix, "schedule", "--check", str(plan_file), str(file)]
    if status != 0 or subprocess.run(check, stdout=subprocess.DEVNULL).returncode != 0:
        return None, (error.strip().splitlines() or ["no plan"])[0], seconds
    return json.loads(plan_file.read_text()), "", seconds


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--spadix", default=".build/release/spadix", help="the binary")
    parser.add_argument("--seconds", type=float, default=10, help="of processor time until a run is interrupted")
    parser.add_argument("--fractions", default="0.9,0.8", help="of the peak, with commas")
    parser.add_argument("--runs", type=int, default=200, help="further runs allowed at most")
    parser.add_argument("--only", default="", help="files whose names contain this")
    options = parser.parse_args()
    files = sorted(options.folder.glob("*.json"))
    if not files:
        sys.exit(f"there is no instance in {options.folder}: expected `data` of a checkout of haoming-codes/moccasin")
    print("| instance | operators | of the peak | order | traffic | runs again | overhead | bound | state | s |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    failures = 0
    with tempfile.TemporaryDirectory() as temporary:
        file, plan_file = pathlib.Path(temporary) / "problem.json", pathlib.Path(temporary) / "plan.json"
        for path in files:
            if options.only not in path.name or "test" in path.name:
                continue
            instance = problem(path)
            file.write_text(json.dumps(instance))
            for fraction in map(float, options.fractions.split(",")):
                budget = int(fraction * peak(instance))
                least = max(
                    sum(instance["tensors"][tensor]["bytes"] for tensor in set(op["inputs"] + op["outputs"]))
                    for op in instance["ops"])
                head = f"| {path.stem} | {len(instance['ops'])} | {fraction:g} |"
                if least > budget:
                    print(f"{head} | | | | | an operator needs {least / peak(instance):.3f} | |", flush=True)
                    continue
                for order, more in [("chosen", []), ("given", ["--formulation", "fixed-order"])]:
                    plan, error, seconds = solve(
                        options, file, budget, plan_file, "--recompute", str(options.runs), "--cycle-price", "1", *more)
                    if plan is None:
                        failures += 1
                        print(f"{head} {order} | | | | | {error} | {seconds:.1f} |", flush=True)
                        continue
                    traffic = plan["traffic"]
                    again = len(plan["order"]) - len(instance["ops"])
                    moved = (traffic["spilled"] + traffic["fetched"]) // instance["unit"]
                    state = "proven" if plan["proven"] else ", ".join(plan["certificate"]["stoppedBy"]) or "open"
                    print(
                        f"{head} {order} | {moved} | {again} | {100 * traffic['recomputed'] / MILLIONTHS:.2f} % "
                        f"| {plan['bound'] // instance['unit']} | {state} | {seconds:.1f} |", flush=True)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
