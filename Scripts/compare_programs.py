"""Whether two builds compile everything to the same bytes: compare_programs.py SPADIX --write FILE, then --check FILE.

Compiles the examples for every preset, and the graphs of `spadix fuzz --print` for presets and for small targets in turn,
and keeps a hash of each program (or the id of the diagnostic that refuses it). With --check, exit status 2 when one
differs. For changes that must not change programs.
"""

import argparse
import concurrent.futures
import glob
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PRESETS = ["gemmini", "gemmini-spad", "spadix"]
# dim, banks, rows of a bank, accumulator rows, capabilities of the scratchpad store, of its pooling and of the output stage
SMALL = [(4, 4, 64, 32, 0, 0, 0), (4, 2, 96, 16, 1, 0, 1), (8, 4, 128, 64, 1, 1, 1), (8, 4, 80, 40, 0, 0, 1),
         (16, 4, 256, 64, 1, 0, 0), (16, 2, 512, 128, 1, 1, 1), (2, 4, 64, 16, 1, 1, 1), (32, 4, 256, 128, 0, 0, 0)]


def target_file(folder, index):
    dim, banks, rows, sums, store, pooled, output = SMALL[index]
    path = os.path.join(folder, f"small-{index}.yaml")
    flag = {0: "false", 1: "true"}
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"name: small-{index}\nbase: spadix\ndim: {dim}\n"
                   f"scratchpad:\n  banks: {banks}\n  rows_per_bank: {rows}\naccumulator:\n  rows: {sums}\n"
                   f"capabilities:\n  scratchpad_store: {flag[store]}\n  pooled_scratchpad_store: {flag[pooled]}\n"
                   f"  output_stage: {flag[output]}\n  output_biases: {flag[output]}\n  output_table: {flag[output]}\n  output_pair: {flag[output]}\nfaults:\n  short_compute: {flag[1 - index % 2]}\n"
                   f"  range_order: {flag[1 - index % 2]}\n")
    return path


def result(spadix, folder, name, graph, target):
    output = os.path.join(folder, re.sub(r"\W", "_", name) + ".spxo")
    run = subprocess.run([spadix, "compile", graph, "--target", target, "-o", output], capture_output=True, text=True)
    if run.returncode != 0:
        found = re.search(r"\[([a-z0-9.-]+)\]", run.stderr)
        return f"refused {run.returncode} {found.group(1) if found else run.stderr.strip()[-80:]}"
    with open(output, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    os.remove(output)
    return digest


def cases(spadix, folder, seeds, first):
    for path in sorted(glob.glob(os.path.join(ROOT, "ir-examples", "*.spx"))
                       + glob.glob(os.path.join(ROOT, "ir-examples", "*", "*.spx"))):
        for target in PRESETS:
            yield f"{os.path.relpath(path, ROOT)} {target}", path, target
    targets = PRESETS + [target_file(folder, index) for index in range(len(SMALL))]
    for seed in range(first, first + seeds):
        path = os.path.join(folder, f"seed-{seed}.spx")
        with open(path, "wb") as file:
            subprocess.run([spadix, "fuzz", "--seed", str(seed), "--count", "1", "--print"], stdout=file, check=True)
        target = targets[seed % len(targets)]
        yield f"seed {seed} {os.path.basename(target)}", path, target


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("spadix")
    group = parser.add_mutually_exclusive_group(required=True)
    group.add_argument("--write", metavar="FILE")
    group.add_argument("--check", metavar="FILE")
    parser.add_argument("--seeds", type=int, default=1000)
    parser.add_argument("--first", type=int, default=1)
    options = parser.parse_args()
    spadix = os.path.abspath(options.spadix)
    known = {}
    if options.check:
        with open(options.check, encoding="utf-8") as file:
            known = json.load(file)
    found = {}
    differing = []
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(2) as pool:
        waiting = []

        def take():
            name, future, path = waiting.pop(0)
            found[name] = future.result()
            if name.startswith("seed"):
                os.remove(path)
            if options.check and known.get(name) != found[name]:
                differing.append(name)
                print(f"{name}: {known.get(name)} became {found[name]}", flush=True)

        for name, path, target in cases(spadix, folder, options.seeds, options.first):
            waiting.append((name, pool.submit(result, spadix, folder, name, path, target), path))
            if len(waiting) > 8:
                take()
        while waiting:
            take()
    refused = sum(value.startswith("refused") for value in found.values())
    print(f"{len(found)} cases, {refused} of them refused")
    if options.write:
        with open(options.write, "w", encoding="utf-8") as file:
            json.dump(found, file, indent=0)
        return 0
    print(f"{len(found) - len(differing)} are the same bytes, {len(differing)} differ")
    return 2 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
