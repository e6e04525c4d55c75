"""Compares `spadix evaluate` with ONNX Runtime on models of every form.

usage: differential.py SPADIX FOLDER [--seed N] [--repeats N] [--only NAME] [--networks] [--verify TARGET,...]

With --networks it takes the parts of networks of networks.py instead. With --verify each model is also compiled for these targets,
with its own inputs as samples, and the machine held against the integer reference.
"""

import argparse
import importlib
import pathlib
import subprocess
import sys

import numpy as np
import onnx
import onnxruntime

import forms
from runtime import session


def run_spadix(spadix, folder, model_path, feeds):
    np.savez(folder / "feeds.npz", **feeds)
    out = folder / "out"
    for old in out.glob("*.npy") if out.exists() else []:
        old.unlink()
    command = [spadix, "evaluate", model_path, "-o", out] + (["--input", folder / "feeds.npz"] if feeds else [])
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode != 0:
        return None, result.stderr
    paths = [line.rsplit(" -> ", 1)[1] for line in result.stdout.splitlines() if " -> " in line]
    return [np.load(path) for path in paths], ""


def verify(spadix, folder, model_path, target, feeds):
    """What is wrong with the machine's results, or ""."""
    samples = folder / "samples.npz"
    np.savez(samples, **{name: array if array.ndim else array.reshape(1) for name, array in feeds.items()})
    command = [spadix, "verify", model_path, "--target", target] + (["--input", samples] if feeds else [])
    result = subprocess.run(command + (["--calibrate", samples] if feeds else []), capture_output=True, text=True)
    if "driver.calibrated-already" in result.stderr:
        result = subprocess.run(command, capture_output=True, text=True)
    return "" if result.returncode == 0 else f"on {target}: {result.stderr.strip() or result.stdout}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("spadix")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", default="")
    parser.add_argument("--networks", action="store_true")
    parser.add_argument("--verify", default="", metavar="TARGET,...")
    arguments = parser.parse_args()
    if arguments.networks:
        forms.FORMS.clear()
        importlib.import_module("networks")
    else:
        for module in ("exporters", "microsoft", "spectra"):
            importlib.import_module(module)
    targets = [target for target in arguments.verify.split(",") if target]
    arguments.folder.mkdir(parents=True, exist_ok=True)
    onnxruntime.set_default_logger_severity(3)
    passed, failed, impossible = 0, 0, 0
    for name, model, feeds in forms.cases(arguments.seed, arguments.repeats):
        if arguments.only not in name:
            continue
        path = arguments.folder / "model.onnx"
        onnx.save(model, path)
        try:
            expected = session(path).run(None, feeds)
        except Exception as error:  # the form does not exist in this operator set, by ORT's own judgement
            print(f"none  {name}: {str(error).splitlines()[0][:200]}")
            impossible += 1
            continue
        found, message = run_spadix(arguments.spadix, arguments.folder, path, feeds)
        if found is None:
            problem = message.strip()
        elif [a.shape for a in found] != [a.shape for a in expected]:
            problem = f"shapes {[a.shape for a in found]}, expected {[a.shape for a in expected]}"
        else:
            close = all(np.allclose(a, e, rtol=1e-3, atol=1e-5) for a, e in zip(found, expected))
            worst = max(np.abs(a - e).max() for a, e in zip(found, expected))
            problem = "" if close else f"the largest difference is {worst}"
            # Of infinite results there are no ranges.
            if close and all(np.isfinite(e.astype(np.float64)).all() for e in expected):
                wrong = [verify(arguments.spadix, arguments.folder, path, target, feeds) for target in targets]
                problem = "; ".join(text for text in wrong if text)
        if problem:
            failed += 1
            print(f"FAIL  {name}: {problem}")
            onnx.save(model, arguments.folder / f"{name}.onnx")
        else:
            passed += 1
    print(f"{passed} passed, {failed} failed, {impossible} not accepted by ONNX Runtime; seed {arguments.seed}")
    sys.exit(1 if failed or not passed else 0)


if __name__ == "__main__":
    main()
