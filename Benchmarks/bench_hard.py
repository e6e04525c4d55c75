#!/usr/bin/env python3
"""Runs `spadix schedule` and `spadix allocate` over hard problems, and prints Markdown tables.

The problems are read in place, from SPADIX_HARD (../shared by default): networks-hard/NAME.json with best.json (budget,
traffic and bound of the best known plans) and optima.json (proven ones), allocation-hard/NAME.CAPACITY.csv. A run is
interrupted, as by Ctrl-C, after the given seconds of processor time, so that a busy machine shows the same. Exits with 1 when a case has no valid plan, or one that contradicts
what is proven.
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


def networks(options, folder, scratch):
    best = json.loads((folder / "best.json").read_text())
    optima = json.loads((folder / "optima.json").read_text())
    print("| problem | tensors | budget | best known | traffic | bound | ratio | state | s | MB |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    cases = [
        (name, scope, budget) for name in sorted(best) for scope in best[name] for budget in best[name][scope]
        if not options.only or name in options.only.split(",")]
    failures = valid = near = proven = 0
    largest = 0.0
    total = 0.0
    for name, scope, budget in cases:
        size, known, _ = best[name][scope][budget]
        optimum = optima.get(name, {}).get(scope, {}).get(budget, [None, None])[1]
        plan_file = scratch / "plan.json"
        plan_file.unlink(missing_ok=True)
        command = [options.spadix, "schedule", str(folder / f"{name}.json"), "--budget", str(size)]
        command += ["--tensors", "activations" if scope == "A" else "all", "-o", str(plan_file)]
        status, error, seconds, memory = run(command, options.seconds)
        largest = max(largest, memory)
        total += seconds
        check = [options.spadix, "schedule", "--check", str(plan_file), command[2]]
        if status != 0 or subprocess.run(check, stdout=subprocess.DEVNULL).returncode != 0:
            failures += 1
            line = (error.strip().splitlines() or ["no plan"])[0]
            print(f"| {name} | {scope} | {budget} | {known} | {line} | | | none | {seconds:.1f} | {memory:.0f} |", flush=True)
            continue
        plan = json.loads(plan_file.read_text())
        traffic, bound = plan["traffic"]["total"], plan["bound"]
        valid += 1
        near += traffic <= 1.02 * known
        proven += plan["proven"]
        state = "proven" if plan["proven"] else ", ".join(plan["certificate"]["stoppedBy"])
        if optimum is not None and not bound <= optimum <= traffic:
            failures += 1
            state = f"CONTRADICTS the optimum {optimum}"
        ratio = f"{traffic / known:.3f}" if known else ("1.000" if traffic == 0 else "-")
        print(
            f"| {name} | {scope} | {budget} | {known} | {traffic} | {bound} | {ratio} | {state} | {seconds:.1f} "
            f"| {memory:.0f} |", flush=True)
    print(
        f"\n{len(cases)} cases, interrupted after {options.seconds:g} s: {valid} valid plans, {near} at most 2 % above the "
        f"best known, {proven} proven; {total:.0f} s of processor time, at most {largest:.0f} MB")
    return failures


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
        status, error, seconds, memory = run(command, options.seconds)
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
    parser.add_argument("--seconds", type=float, default=60, help="of processor time until a run is interrupted")
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
