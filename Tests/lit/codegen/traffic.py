"""traffic.py SPADIX GRAPH INPUT.npy FOLDER BASE:BYTES...

Compiles a graph for targets with scratchpads of these sizes, runs the programs, and compares the DRAM bytes that the plan
promises with those that the machine counts, class by class. Exits with 1 when any differ.
"""

import json
import pathlib
import subprocess
import sys


def main():
    spadix, graph, sample, folder, *targets = sys.argv[1:]
    folder = pathlib.Path(folder)
    folder.mkdir(exist_ok=True)
    differences = 0
    for target in targets:
        base, size = target.split(":")
        (folder / "target.yaml").write_text(f"name: large\nbase: {base}\nscratchpad:\n  bytes: {size}\n")
        program, report = folder / "program.spxo", folder / "report.json"
        compile = [spadix, "compile", graph, "--target", folder / "target.yaml", "-o", program]
        subprocess.run(compile + ["--report", "json", "--report-file", report], check=True)
        run = [spadix, "run", program, "--input", sample, "--counters"]
        output = subprocess.run(run, check=True, capture_output=True, text=True).stdout
        counted, _ = json.JSONDecoder().raw_decode(output)
        read, written = counted["dramRead"], counted["dramWritten"]
        plan = json.loads(report.read_text())
        promised = plan["dram_bytes"]
        pairs = {
            "weights": (promised["weights"], read["weights"]),
            # The plan's fetches bring whole operands, also inputs of the graph; parts of outputs are read as well.
            "read": (
                promised["inputs"] + promised["fetches"] + promised["activations_read"],
                read["input"] + read["activation"] + read["spill"] + read["output"],
            ),
            "stored": (promised["spills"] + promised["activations_written"], written["activation"] + written["spill"]),
            "output": (promised["outputs"], written["output"]),
            "all": (plan["schedule"]["traffic_bytes"], sum(read.values()) + sum(written.values())),
        }
        wrong = {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
        differences += len(wrong)
        state = f"differ (plan, machine): {wrong}" if wrong else "equal"
        moved = f"{pairs['read'][1]} read and {pairs['stored'][1]} stored of activations and inputs"
        print(f"{target}: {state}, {pairs['all'][1]} bytes, {moved}")
    sys.exit(1 if differences else 0)


if __name__ == "__main__":
    main()
