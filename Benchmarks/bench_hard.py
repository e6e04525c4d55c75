#!/usr/bin/env python3
"""Runs `spadix schedule` and `spadix allocate` over hard problems, and prints Markdown tables.

The problems are read in place, from SPADIX_HARD (../shared by default): networks-hard/NAME.json with best.json (budget,
traffic and bound of the best known plans) and optima.json (proven ones), allocation-hard/NAME.CAPACITY.csv. A run is
interrupted, as by Ctrl-C, after the given seconds of processor time, so that a busy machine shows the same. Exits with 1
when a case has no valid plan, one that contradicts what is proven, or one that is worse with more time or memory.
"""

import argparse
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent


def processor_seconds(pid):
    """What a running process has used, from Linux's /proc."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def run(command, seconds):
    """Exit status, standard error, seconds of processor time, peak memory in MB; interrupted after the given seconds of
    processor time, and killed when it does not end within thirty more."""
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors)
        is_interrupted = False
        while True:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            used = processor_seconds(process.pid)
            if used > seconds and not is_interrupted:
                process.send_signal(signal.SIGINT)
                is_interrupted = True
            if used > seconds + 30:
                process.kill()
            time.sleep(0.01)
        process.returncode = os.waitstatus_to_exitcode(status)
        errors.seek(0)
        error = errors.read().decode()
    return process.returncode, error, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


class Case:
    """One problem, scope and budget, and what came of it within each time."""

    def __init__(self, options, folder, scratch, name, scope, budget, known):
        self.name, self.scope, self.budget = name, scope, budget
        self.size, self.known, _ = known
        self.problem = str(folder / f"{name}.json")
        self.plan_file = scratch / "plan.json"
        self.command = [options.spadix, "schedule", self.problem, "--budget", str(self.size)]
        self.command += ["--tensors", "activations" if scope == "A" else "all", "-o", str(self.plan_file)]
        self.check = [options.spadix, "schedule", "--check", str(self.plan_file), self.problem]
        # Seconds allowed, to (plan or None, first line of the error, seconds taken, MB).
        self.results = {}

    def solve(self, seconds):
        """What a search that ended earlier found stays what it is, as searches do not look at clocks."""
        for allowed, result in self.results.items():
            if result[0] is not None and result[2] < allowed:
                self.results[seconds] = result
                return
        self.plan_file.unlink(missing_ok=True)
        status, error, taken, memory = run(self.command, seconds)
        is_valid = status == 0 and subprocess.run(self.check, stdout=subprocess.DEVNULL).returncode == 0
        plan = json.loads(self.plan_file.read_text()) if is_valid else None
        self.results[seconds] = (plan, (error.strip().splitlines() or ["no plan"])[0], taken, memory)

    def traffic(self, seconds):
        plan = self.results[seconds][0]
        return plan["traffic"]["total"] if plan else None

    def is_near(self, seconds):
        traffic = self.traffic(seconds)
        return traffic is not None and traffic <= 1.02 * self.known

    def is_proven(self, seconds):
        plan = self.results[seconds][0]
        return plan is not None and plan["proven"]

    def row(self, optimum):
        """The line of the table, and whether it contradicts a proven optimum."""
        plan, error, taken, memory = list(self.results.values())[-1]
        head = f"| {self.name} | {self.scope} | {self.budget} | {self.known} |"
        columns = " | ".join("none" if total is None else str(total) for total in map(self.traffic, self.results))
        if plan is None:
            return f"{head} {columns} | | | {error} | {taken:.1f} | {memory:.0f} |", False
        traffic, bound = plan["traffic"]["total"], plan["bound"]
        state = "proven" if plan["proven"] else ", ".join(plan["certificate"]["stoppedBy"])
        is_wrong = optimum is not None and not bound <= optimum <= traffic
        if is_wrong:
            state = f"CONTRADICTS the optimum {optimum}"
        ratio = f"{traffic / self.known:.3f}" if self.known else ("1.000" if traffic == 0 else "-")
        return f"{head} {columns} | {bound} | {ratio} | {state} | {taken:.1f} | {memory:.0f} |", is_wrong


def is_worse(one, other):
    """Whether the first traffic is more than the second; none is more than any."""
    return other is not None and (one is None or one > other)


def networks(options, folder, scratch):
    best = json.loads((folder / "best.json").read_text())
    optima = json.loads((folder / "optima.json").read_text())
    times = [float(seconds) for seconds in options.seconds.split(",")]
    columns = " | ".join(f"traffic, {seconds:g} s" for seconds in times)
    print(f"| problem | tensors | budget | best known | {columns} | bound | ratio | state | s | MB |")
    print("|---|---|---|---|" + "---|" * len(times) + "---|---|---|---|---|")
    names = options.only.split(",") if options.only else sorted(best)
    cases = [
        Case(options, folder, scratch, name, scope, budget, best[name][scope][budget])
        for name in names for scope in best[name] for budget in best[name][scope]]
    failures = 0
    for case in cases:
        for seconds in times:
            case.solve(seconds)
        optimum = optima.get(case.name, {}).get(case.scope, {}).get(case.budget, [None, None])[1]
        line, is_wrong = case.row(optimum)
        failures += is_wrong + sum(plan is None for plan, *_ in case.results.values())
        print(line, flush=True)
    print(f"\n| s | valid plans of {len(cases)} | at most 2 % above the best known | proven | MB at most |")
    print("|---|---|---|---|---|")
    for seconds in times:
        valid, near, proven = (
            sum(map(count, cases)) for count in (
                lambda case: case.traffic(seconds) is not None, lambda case: case.is_near(seconds),
                lambda case: case.is_proven(seconds)))
        largest = max(case.results[seconds][3] for case in cases)
        print(f"| {seconds:g} | {valid} | {near} | {proven} | {largest:.0f} |")
    worse = 0
    for case in cases:
        for less, more in zip(times, times[1:]):
            if is_worse(case.traffic(more), case.traffic(less)):
                worse += 1
                print(f"WORSE with more time: {case.name} {case.scope} {case.budget}, {more:g} s")
    for case, larger in zip(cases, cases[1:]):
        for seconds in times:
            is_pair = (case.name, case.scope) == (larger.name, larger.scope)
            if is_pair and is_worse(larger.traffic(seconds), case.traffic(seconds)):
                worse += 1
                print(f"WORSE with more memory: {case.name} {case.scope} {larger.budget}, {seconds:g} s")
    total = sum(result[2] for case in cases for result in {id(each): each for each in case.results.values()}.values())
    print(f"\n{worse} worse with more time or memory; {total:.0f} s of processor time in all")
    return failures + worse


def allocations(options, folder, scratch):
    print("\n| instance | buffers | state | s | MB |")
    print("|---|---|---|---|---|")
    placed = failures = 0
    files = sorted(folder.glob("*.csv"))
    for file in files:
        capacity = file.name.split(".")[-2]
        answer = scratch / "placed.csv"
        answer.unlink(missing_ok=True)
        command = [options.spadix, "allocate", str(file), "--capacity", capacity, "-o", str(answer)]
        status, error, seconds, memory = run(command, max(float(limit) for limit in options.seconds.split(",")))
        state = "placed"
        if status == 0:
            check = [options.spadix, "allocate", str(answer), "--capacity", capacity, "--check"]
            if subprocess.run(check, stdout=subprocess.DEVNULL).returncode != 0:
                state = "NOT VALID"
                failures += 1
            placed += state == "placed"
        else:
            lines = [line for line in error.splitlines() if line.startswith("note")] or error.splitlines() or ["no"]
            state = lines[0]
        buffers = sum(1 for _ in open(file)) - 1
        print(f"| {file.name} | {buffers} | {state} | {seconds:.2f} | {memory:.0f} |", flush=True)
    print(f"\n{placed} of {len(files)} placed")
    return failures


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spadix", default=".build/release/spadix", help="the binary")
    parser.add_argument(
        "--seconds", default="60", help="of processor time until a run is interrupted; several, ascending, with commas")
    parser.add_argument("--only", help="networks, separated by commas")
    parser.add_argument("--part", choices=["networks", "allocations"], help="only one of the tables")
    options = parser.parse_args()
    root = pathlib.Path(os.environ.get("SPADIX_HARD", HERE.parent.parent / "shared"))
    failures = 0
    with tempfile.TemporaryDirectory() as temporary:
        scratch = pathlib.Path(temporary)
        for part, function in [("networks", networks), ("allocations", allocations)]:
            if options.part and options.part != part:
                continue
            folder = root / {"networks": "networks-hard", "allocations": "allocation-hard"}[part]
            if folder.is_dir():
                failures += function(options, folder, scratch)
            else:
                print(f"SKIPPED: there is no folder {folder}; SPADIX_HARD names the one above it", file=sys.stderr)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
