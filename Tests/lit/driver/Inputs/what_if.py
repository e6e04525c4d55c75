"""Holds the what-if figures of reports against runs with the changed parameter: what_if.py SPADIX GRAPH..."""

import json
import subprocess
import sys

import numpy as np

TYPES = {"f32": np.float32, "q8": np.int8, "i8": np.int8, "i32": np.int32}


def inputs(program):
    """An array of zeros for each input of a program, as arguments of `spadix run`."""
    with open(program, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    arguments = []
    for index, it in enumerate(json.loads(header["__metadata__"]["spadix"])["inputs"]):
        path = f"what-if-{index}.npy"
        np.save(path, np.zeros(it["type"]["shape"], TYPES[it["type"]["element"]]))
        arguments += ["--input", f"{it['name']}={path}"]
    return arguments


def main():
    spadix, *graphs = sys.argv[1:]
    count = 0
    for graph in graphs:
        for target, source in (("gemmini", "ideal"), ("gemmini", "exported_c"), ("spadix", "command_list")):
            program = "what-if.spxo"
            way = ["--set", f"timing.commands={source}"]
            compiled = [spadix, "compile", graph, "--target", target, *way, "-o", program, "--report=json"]
            report = json.loads(subprocess.run(compiled, check=True, capture_output=True).stdout)
            for key, cycles in report["cycles_bound_by"].items():
                operators = [it["cycles_bound_by"] for it in report["operators"] if it["cycles_bound_by"]]
                assert sum(it[key] for it in operators) == cycles, (graph, key)
            assert sum(report["cycles_bound_by"].values()) == report["cycles_modelled"], graph
            for it in report["what_if"]:
                setting = f"{it['parameter']}={it['changed']}"
                run = [spadix, "run", program, "--set", setting, "--counters", *inputs(program)]
                counters = json.loads(subprocess.run(run, check=True, capture_output=True).stdout)
                assert counters["modelledCycles"]["total"] == it["cycles_modelled"], (graph, target, setting)
                count += 1
    print(count, "what-if figures are those of a run")


if __name__ == "__main__":
    main()
