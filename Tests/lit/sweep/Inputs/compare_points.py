"""Holds every row of a sweep against the commands for one point: compare_points.py SPADIX SWEEP.csv FOLDER-OF-NETWORKS."""

import csv
import json
import os
import subprocess
import sys

spadix, path, folder = sys.argv[1:]
with open(path, newline="", encoding="utf-8") as file:
    rows = list(csv.DictReader(file))
axes = [name for name in rows[0] if "." in name and name not in ("network",)]
for row in rows:
    network = os.path.join(folder, os.path.basename(row["network"]))
    options = ["--target", row["target"]]
    for axis in axes:
        options += ["--set", f"{axis}={row[axis]}"]
    output = subprocess.run([spadix, "point", network, *options], check=True, capture_output=True).stdout
    figures = json.loads(output)["figures"]
    for name, value in figures.items():
        assert row[name] == ("" if value is None else str(value)), (row, name, value)
    output = subprocess.run([spadix, "compile", network, *options, "--report=json"], check=True, capture_output=True).stdout
    report = json.loads(output)
    assert report["cycles_modelled"] == figures["cycles_modelled"], row
    assert report["dram_bytes"]["total"] == figures["dram_bytes"], row
print(len(rows), "points are those of spadix point and of spadix compile")
