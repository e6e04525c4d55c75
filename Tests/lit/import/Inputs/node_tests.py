"""Runs the node tests of ONNX's own test data through `spadix evaluate`.

usage: node_tests.py SPADIX SCRATCH [--list FILE] [--verbose]

The tests come with the wheel onnx 1.16.2, which is fetched once; without it the tests are skipped, loudly. A test whose
operators the language does not have must be refused by name; every other must give the expected values.
"""

import argparse
import collections
import pathlib
import subprocess
import sys

import numpy as np
import onnx
from onnx import numpy_helper

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[3]
sys.path.insert(0, str(ROOT / "Scripts"))
import fetch_wheel  # noqa: E402


def read(path, kind=onnx.TensorProto):
    tensor = kind()
    tensor.ParseFromString(path.read_bytes())
    return numpy_helper.to_array(tensor)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("spadix")
    parser.add_argument("scratch", type=pathlib.Path)
    parser.add_argument("--list", type=pathlib.Path, default=HERE / "node-tests.txt")
    parser.add_argument("--verbose", action="store_true")
    arguments = parser.parse_args()
    data = fetch_wheel.fetch("onnx==1.16.2", ROOT / ".build" / "wheels", ["onnx/backend/test/data/*"])
    if data is None:
        print("SKIPPED: the wheel onnx 1.16.2 cannot be had, and with it ONNX's node tests")
        return
    folder = ROOT / ".build" / "wheels" / "onnx-1.16.2" / "onnx" / "backend" / "test" / "data"
    arguments.scratch.mkdir(parents=True, exist_ok=True)
    reasons = collections.Counter()
    passed, refused, failed = 0, 0, 0
    for line in arguments.list.read_text().splitlines():
        if line.startswith("#") or not line.strip():
            continue
        name, _, parameters = [part.strip() for part in line.split("|")]
        result, message = run(arguments, folder / "node" / name, parameters)
        passed += result == "pass"
        refused += result == "refused"
        failed += result == "FAIL"
        if result == "refused":
            reasons[message] += 1
        if result == "FAIL" or arguments.verbose:
            print(f"{result}  {name}: {message}")
    for reason, count in sorted(reasons.items()):
        print(f"refused {count:4}  {reason}")
    print(f"{passed} passed, {failed} failed, {refused} refused")
    sys.exit(1 if failed or not passed else 0)


def run(arguments, test, parameters):
    model = onnx.load(test / "model.onnx")
    set_0 = test / "test_data_set_0"
    names = [port.name for port in model.graph.input]
    feeds = {name: read(set_0 / f"input_{index}.pb") for index, name in enumerate(names)}
    bound = [] if parameters == "-" else [p.strip() for p in parameters.replace(",", " ").split()]
    # Six tests (center_crop_pad) have the shape of their result as an input that the list does not name.
    bound += [name for name in feeds if name == "shape" and name not in bound]
    for name in bound:
        model.graph.initializer.append(numpy_helper.from_array(feeds.pop(name), name))
    expected = [read(set_0 / f"output_{index}.pb") for index in range(len(model.graph.output))]
    path = arguments.scratch / "model.onnx"
    onnx.save(model, path)
    np.savez(arguments.scratch / "feeds.npz", **feeds)
    out = arguments.scratch / "out"
    command = [arguments.spadix, "evaluate", path, "-o", out] + (
        ["--input", arguments.scratch / "feeds.npz"] if feeds else [])
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode == 1 and "[onnx." in result.stderr:
        first = result.stderr.splitlines()[0]
        return "refused", first.split(": ", 2)[-1].split(" of '")[0] if arguments.verbose else first.rsplit("[", 1)[1][:-1]
    if result.returncode != 0:
        return "FAIL", (result.stderr.strip().splitlines() or [f"status {result.returncode}"])[0]
    paths = [line.rsplit(" -> ", 1)[1] for line in result.stdout.splitlines() if " -> " in line]
    found = [np.load(p) for p in paths]
    for a, e in zip(found, expected):
        if a.shape != e.shape:
            return "FAIL", f"shape {a.shape}, expected {e.shape}"
        if not np.allclose(a, e, rtol=1e-3, atol=1e-5):
            return "FAIL", f"the largest difference is {np.abs(a - e).max()}"
    return "pass", ""


main()
