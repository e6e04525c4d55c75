#!/usr/bin/env python3
"""Runs `spadix schedule` over the benchmark networks and `spadix allocate` over MiniMalloc's instances.

Prints Markdown tables; exits with 1 when a plan is not proven, not valid, or a network could not be scheduled.
"""

import argparse
import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile

HUMAN = ["resnet50", "densenet121", "resnext50", "r2plus1d", "s3d", "fcn", "lraspp", "deeplabv3", "transformer", "vit"]
SEARCHED = ["pnasnet5", "nasnet_a", "amoebanet_d", "darts"]
HERE = pathlib.Path(__file__).resolve().parent


def run(command, timeout):
    """Exit status (None when it took too long), standard error, seconds of processor time, peak memory in MB."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        _, error = process.communicate(timeout=timeout)
        status = process.returncode
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        status, error = None, "time out"
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    # Of the largest child so far: an upper limit for this one.
    return status, error, seconds, after.ru_maxrss / 1024


def schedule(options, name, budget, scope, extra, folder):
    plan = folder / f"{name}.{budget}.{scope}.json"
    command = [options.spadix, "schedule", str(HERE / "networks" / f"{name}.json"), "--budget", budget]
    command += ["--tensors", scope, "-o", str(plan)] + extra
    status, error, seconds, memory = run(command, options.timeout)
    if status != 0:
        return None, error.strip(), seconds, memory
    check = [options.spadix, "schedule", "--check", str(plan), command[2]]
    if run(check, options.timeout)[0] != 0:
        return None, "the validator rejects the plan", seconds, memory
    return json.loads(plan.read_text()), "", seconds, memory


def closed_by(plan):
    names = [name for name in plan["certificate"]["closedBy"]]
    if "open" in names:
        return "open"
    if "order search" in names or "suffix bounds" in names:
        return "search"
    return "fits" if set(names) <= {"fits in the default order", "an order without traffic"} else "GLPK"


def networks(options, names, scopes, folder):
    print("| network | tensors | budget | bytes | traffic | bound | closed by | rows | labels | s |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    rows, failures = [], 0
    for name in names:
        for scope in scopes:
            for budget in ["min", "mid", "peak"]:
                plan, error, seconds, memory = schedule(options, name, budget, scope, [], folder)
                if plan is None:
                    print(f"| {name} | {scope} | {budget} | | {error} | | | | | {seconds:.2f} |", flush=True)
                    failures += 1
                    continue
                certificate = plan["certificate"]
                failures += not plan["proven"]
                rows.append((name, scope, budget, plan, seconds, memory))
                print(
                    f"| {name} | {scope} | {budget} | {plan['budget']} | {plan['traffic']['total']} | {plan['bound']} "
                    f"| {closed_by(plan)} | {certificate['rows']} | {certificate['labels']} "
                    f"| {seconds:.3f} |",
                    flush=True)
    return rows, failures


def summary(rows):
    human = [row for row in rows if row[0].split(".")[0] in HUMAN]
    searched = [row for row in rows if row[0].split(".")[0] in SEARCHED]
    print(f"\nproven: {sum(row[3]['proven'] for row in rows)} of {len(rows)}")
    for title, group in [("human-designed", human), ("searched", searched)]:
        if not group:
            continue
        times = sorted(row[4] for row in group)
        without = sum(closed_by(row[3]) in ("GLPK", "fits") for row in group)
        print(
            f"{title}: {len(group)} cases, mean {sum(times) / len(times):.3f} s, median {times[len(times) // 2]:.3f} s, "
            f"slowest {times[-1]:.2f} s; {without} without the order search")
    print(f"peak memory of any solve: {max(row[5] for row in rows):.0f} MB")


def mean(shares):
    return f"{100 * sum(shares) / len(shares):.1f} %" if shares else "-"


def baselines(options, names, scopes, folder):
    """Per rule: the mean of 1 - ours / theirs over the cases in which the rule has traffic."""
    print("\n| baseline | it has traffic: cases | less (mean) | of these we have none | less in the others (mean) "
          "| it has none | does not fit |")
    print("|---|---|---|---|---|---|---|")
    cases = [(name, budget, scope) for name in names for budget in ["min", "mid"] for scope in scopes]
    best = {case: schedule(options, *case, [], folder)[0] for case in cases}
    for order in ["default", "min-peak"]:
        for policy in ["belady", "greedy"]:
            for placement in ["online", "offline"]:
                saved, none, unfit = [], 0, 0
                extra = ["--policy", policy, "--placement", placement, "--order", order]
                for case in cases:
                    plan = schedule(options, *case, extra, folder)[0]
                    if plan is None:
                        unfit += 1
                    elif plan["traffic"]["total"] == 0:
                        none += 1
                    elif best[case] is not None:
                        saved.append(1 - best[case]["traffic"]["total"] / plan["traffic"]["total"])
                others = [share for share in saved if share < 1]
                print(
                    f"| {order}, {policy}, {placement} | {len(saved)} | {mean(saved)} | {len(saved) - len(others)} "
                    f"| {mean(others)} | {none} | {unfit} |",
                    flush=True)


def allocations(options, folder):
    instances = pathlib.Path(os.environ.get("SPADIX_ALLOCATION", "../shared/allocation"))
    files = sorted(instances.glob("?.1048576.csv")) if str(instances) not in ("", ".") else []
    if not files:
        print("\nSKIPPED: set SPADIX_ALLOCATION to the folder of MiniMalloc's challenging instances", file=sys.stderr)
        return 0
    reference = os.environ.get("MINIMALLOC")
    if not reference:
        print("\nwithout MiniMalloc's own times: MINIMALLOC does not name its binary", file=sys.stderr)
    failures, total, reference_total = 0, 0.0, 0.0
    print("\n| instance | solved | s | MiniMalloc s |")
    print("|---|---|---|---|")
    for file in files:
        answer = folder / "placed.csv"
        command = [options.spadix, "allocate", str(file), "--capacity", "1048576", "-o", str(answer)]
        status, error, seconds, _ = run(command, options.timeout)
        if status == 0:
            status, error, _, _ = run(command[:2] + [str(answer)] + command[3:5] + ["--check"], options.timeout)
        failures += status != 0
        total += seconds
        theirs = "-"
        if reference:
            output = folder / "reference.csv"
            command = [reference, f"--input={file}", f"--output={output}", "--capacity=1048576"]
            reference_status, _, reference_seconds, _ = run(command, options.timeout)
            reference_total += reference_seconds
            theirs = f"{reference_seconds:.2f}" if reference_status == 0 else "no"
        solved = "yes" if status == 0 else (error.splitlines() or ["no"])[0]
        print(f"| {file.name[0]} | {solved} | {seconds:.2f} | {theirs} |", flush=True)
    ratio = f"{reference_total:.1f}, ratio {reference_total / total:.1f}" if reference else "-"
    print(f"| all | | {total:.1f} | {ratio} |")
    return failures


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spadix", required=True, help="the binary")
    parser.add_argument("--timeout", type=float, default=600, help="seconds for one solve")
    parser.add_argument("--only", help="networks, separated by commas")
    parser.add_argument("--raw", action="store_true", help="the unfused networks, activations only")
    parser.add_argument("--baselines", action="store_true", help="compare with replacement rules and arenas")
    options = parser.parse_args()
    names = options.only.split(",") if options.only else HUMAN + SEARCHED
    if options.raw:
        names = [f"{name}.raw" for name in names]
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        scopes = ["activations"] if options.raw else ["activations", "all"]
        rows, failures = networks(options, names, scopes, folder)
        if rows:
            summary(rows)
        if options.baselines:
            baselines(options, names, scopes, folder)
        failures += allocations(options, folder)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
