"""What numpy and torch write, as an input and as weights: number_formats.py SPADIX, in an empty folder.

The same numbers in every format must give the same result as in float32, or, where a format is not read, a message with
the line that converts it; that line is run, and its file must then be read.
"""

import itertools
import json
import re
import struct
import subprocess
import sys

import numpy as np

SPADIX = sys.argv[1]
SHAPE = (1, 4, 3, 2)
# Small integers and halves: exact in every format.
values = (np.arange(24).reshape(SHAPE) % 11 - 3).astype(np.float32)
counts = {"read": 0, "converted": 0}


def spadix(*arguments):
    return subprocess.run([SPADIX, *arguments], capture_output=True, text=True)


def fail(what, done):
    sys.exit(f"{what}: exits with {done.returncode}: {done.stdout}{done.stderr}")


def outputs(program, path):
    done = spadix("run", program, "--input", path, "--output", "out")
    return done, np.load("out/y.npy") if done.returncode == 0 else None


def expect_input(what, path, want=None):
    """The array at the path must mean the values, at once or after the conversion that the message names."""
    done, found = outputs("p.spxo", path)
    if done.returncode == 1 and "save it with numpy.save" in done.stderr or "convert" in done.stderr:
        line = next(l for l in done.stderr.split("\n") if "help:" in l)
        code = re.search(r"(numpy\.(?:load|asarray).*?)(?: \(save it with numpy\.save\))?$", line)[1]
        array = eval(code.removesuffix(")") if code.count(")") > code.count("(") else code,
                     {"numpy": np, "float32": np.float32})
        np.save("x.npy", array)
        done, found = outputs("p.spxo", "x.npy")
        counts["converted"] += 1
    else:
        counts["read"] += 1
    if found is None or not np.array_equal(found, reference if want is None else want):
        fail(what, done)


def safetensors(path, dtype, raw, shape):
    header = json.dumps({"w": {"dtype": dtype, "shape": shape, "data_offsets": [0, len(raw)]}}).encode()
    open(path, "wb").write(struct.pack("<Q", len(header)) + header + raw)


graph = """graph @g(%x: f32[1, 4, 3, 2] {range = [-8.0, 8.0]}) -> f32[1, 4, 3, 2] {
  %y = nn.relu %x : f32[1, 4, 3, 2]
  return %y
}
"""
open("g.spx", "w").write(graph)
done = spadix("compile", "g.spx", "--report=none", "-o", "p.spxo")
if done.returncode:
    fail("compile", done)
np.save("plain.npy", values)
reference = outputs("p.spxo", "plain.npy")[1]
positive = np.abs(values)
np.save("positive.npy", positive)
absolute = outputs("p.spxo", "positive.npy")[1]

for kind, byte_order, fortran in itertools.product(
        ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"], "<>", [False, True]):
    array = (positive if kind[0] == "u" else values).astype(byte_order + kind)
    np.save("a.npy", np.asfortranarray(array) if fortran else array)
    expect_input(f"{byte_order}{kind} fortran={fortran}", "a.npy", absolute if kind[0] == "u" else None)

np.save("a.npy", values[0])
expect_input("no batch", "a.npy")
np.save("a.npy", values.transpose(0, 3, 1, 2))
expect_input("NCHW", "a.npy")
np.save("a.npy", values[0].transpose(2, 0, 1))
expect_input("CHW", "a.npy")
np.save("a.npy", values.transpose(0, 2, 1, 3))
expect_input("axes exchanged", "a.npy")
np.save("a.npy", values.astype(np.complex64))
expect_input("complex", "a.npy")
np.save("a.npy", np.concatenate([values] * 3))
if outputs("p.spxo", "a.npy")[1].shape != (3, 4, 3, 2):
    sys.exit("three samples")

# Weights: what a graph with them folds to.
weights = """data @w : f32[1, 4, 3, 2] = file("FILE")
graph @g(%x: f32[1, 4, 3, 2] {range = [-8.0, 8.0]}) -> f32[1, 4, 3, 2] {
  %w = constant @w : f32[1, 4, 3, 2]
  %y = nn.add %x, %w {range = [-16.0, 16.0]} : f32[1, 4, 3, 2]
  return %y
}
"""


def weighted(file):
    # Large data in the companion, small as numbers in the text: both are the elements.
    open("w.spx", "w").write(weights.replace('"FILE"', file))
    done = spadix("compile", "w.spx", "--emit=npu")
    return done, done.stdout


safetensors("w.safetensors", "F32", values.tobytes(), SHAPE)
expected = weighted('"w.safetensors", "w"')[1]
bfloat16 = (values.view(np.uint32) >> 16).astype(np.uint16)
for dtype, raw in [("F16", values.astype("<f2")), ("BF16", bfloat16), ("F64", values.astype("<f8")),
                   ("I8", values.astype("i1")), ("I16", values.astype("<i2")), ("I32", values.astype("<i4")),
                   ("I64", values.astype("<i8"))]:
    safetensors("w.safetensors", dtype, raw.tobytes(), SHAPE)
    done, found = weighted('"w.safetensors", "w"')
    if done.returncode or found != expected:
        fail(f"safetensors {dtype}", done)
    counts["read"] += 1
for array in [np.asfortranarray(values), values.astype(">f8"), values.astype("<f2"), values.astype(">i2")]:
    np.save("w.npy", array)
    done, found = weighted('"w.npy"')
    if done.returncode or found != expected:
        fail(f"npy weights {array.dtype}", done)
    counts["read"] += 1

print(f"{counts['read']} read, {counts['converted']} converted as the message says")
