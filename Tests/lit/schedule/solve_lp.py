"""solve_lp.py PLAN.json MODEL.lp: the optimum of a model by glpsol and by HiGHS, against the traffic of the plan."""

import json
import re
import subprocess
import sys
import tempfile

import highspy


def glpsol(path):
    with tempfile.NamedTemporaryFile(suffix=".txt") as output:
        subprocess.run(["glpsol", "--lp", path, "-o", output.name], check=True, capture_output=True)
        text = open(output.name).read()
    if "Status:     INTEGER OPTIMAL" not in text:
        raise SystemExit("glpsol found no optimum")
    return float(re.search(r"Objective: .* = (\S+) ", text).group(1))


def highs(path):
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("mip_rel_gap", 0.0)
    if solver.readModel(path) != highspy.HighsStatus.kOk:
        raise SystemExit("HiGHS cannot read the model")
    solver.run()
    if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        raise SystemExit("HiGHS found no optimum")
    return solver.getObjectiveValue()


def main():
    plan, model = sys.argv[1:]
    print(f"plan {json.load(open(plan))['traffic']['total']}, glpsol {glpsol(model):.0f}, HiGHS {highs(model):.0f}")


if __name__ == "__main__":
    main()
