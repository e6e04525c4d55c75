"""Schedules one problem of every kind, or of those named, at several budgets and limits, each run by itself.

Every run must give a plan that `--check` accepts, and neither a larger budget nor a larger limit may give a worse one.
"""

import json
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "Benchmarks"))
import schedule_kinds  # noqa: E402


def traffic(spadix, problem, plan, *options):
    subprocess.run([spadix, "schedule", problem, "-o", plan, *options], stdout=subprocess.DEVNULL, check=True)
    subprocess.run([spadix, "schedule", "--check", plan, problem], stdout=subprocess.DEVNULL, check=True)
    found = json.load(open(plan))
    if found["bound"] > found["traffic"]["total"]:
        sys.exit(f"{problem}: the bound is above the traffic")
    return found["traffic"]["total"], found["proven"]


def descending(name, what, values):
    if values != sorted(values, reverse=True):
        sys.exit(f"{name}: more {what} is worse: {values}")


def main():
    spadix, scratch, seed, *names = sys.argv[1:]
    cases = proven = 0
    for name in names or [kind.__name__ for kind in schedule_kinds.KINDS]:
        problem, plan = f"{scratch}.{name}.json", f"{scratch}.{name}.plan.json"
        schedule_kinds.write(name, seed, 1, problem)
        graph = json.load(open(problem))
        size = {tensor["id"]: tensor["bytes"] for tensor in graph["tensors"] if tensor["kind"] != "parameter"}
        least = max(sum(size.get(t, 0) for t in set(op["inputs"] + op["outputs"])) for op in graph["ops"])
        by_budget = []
        for percent in [100, 115, 130]:
            total, is_proven = traffic(spadix, problem, plan, "--budget", str(least * percent // 100))
            by_budget.append(total)
            cases += 1
            proven += is_proven
        descending(name, "memory", by_budget)
        by_limit = [traffic(spadix, problem, plan, "--label-limit", limit)[0] for limit in ["300", "10000"]]
        descending(name, "labels", by_limit + by_budget[:1])
        print(f"{name}: {by_budget}")
    print(f"{cases} cases, {proven} proven")


if __name__ == "__main__":
    main()
