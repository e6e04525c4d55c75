"""Holds every row of a sweep against the commands for one point: compare_points.py SPADIX SWEEP.csv FOLDER SET-AXIS...

Axes that are not named are those that a program is timed with: there its own run says the cycles.
"""

import csv
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "driver", "Inputs"))
from what_if import inputs  # noqa: E402

spadix, path, folder, *compiled = sys.argv[1:]
with open(path, newline="", encoding="utf-8") as file:
    rows = list(csv.DictReader(file))
names = list(rows[0])
axes = names[names.index("formulation") + 1 : names.index("status")]


def run(*arguments):
    return json.loads(subprocess.run([spadix, *arguments], check=True, capture_output=True).stdout)


for row in rows:
    network = os.path.join(folder, os.path.basename(row["network"]))
    options = ["--target", row["target"]]
    timing = []
    for axis in axes:
        if axis in compiled:
            options += ["--set", f"{axis}={row[axis]}"]
        else:
            timing.append(f"{axis}={row[axis]}")
    figures = run("point", network, *options, *(word for it in timing for word in ("--time", it)))["figures"]
    for name, value in figures.items():
        assert row[name] == ("" if value is None else str(value)), (row, name, value)
    report = run("compile", network, *options, "--report=json", "-o", "point.spxo")
    assert report["dram_bytes"]["total"] == figures["dram_bytes"], row
    if timing:
        settings = [word for it in timing for word in ("--set", it)]
        counters = run("run", "point.spxo", *settings, "--counters", *inputs("point.spxo"))
        assert counters["modelledCycles"]["total"] == figures["cycles_modelled"], row
    else:
        assert report["cycles_modelled"] == figures["cycles_modelled"], row
print(len(rows), "points are those of spadix point and of spadix compile")
