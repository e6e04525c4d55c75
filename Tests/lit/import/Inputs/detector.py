"""A detector's end, boxes in pixels joined with scores up to 1, and how well each part of a result keeps.

usage: detector.py make FOLDER | detector.py compare EXPECTED.npy FOUND.npy
"""

import pathlib
import sys

import numpy as np
import onnx

from forms import Builder

BOXES = 4


def make(folder):
    rng = np.random.default_rng(3)
    b = Builder(rng, 17)
    x = b.input(1, 8, 4, 4)
    boxes = b.node("Mul", b.node("Sigmoid", b.node("Conv", x, b.weights(BOXES, 8, 1, 1))), b.constant(320.0))
    scores = b.node("Sigmoid", b.node("Conv", x, b.weights(6, 8, 1, 1)))
    rows = b.node("Reshape", b.node("Concat", boxes, scores, axis=1), b.ints([1, BOXES + 6, 16]))
    onnx.save(b.model(b.node("Transpose", rows, perm=[0, 2, 1])), folder / "detector.onnx")
    np.savez(folder / "detector.npz", **{x: rng.standard_normal((16, 8, 4, 4)).astype(np.float32)})


def compare(expected, found):
    expected, found = np.load(expected), np.load(found)
    for name, part in (("boxes", slice(0, BOXES)), ("scores", slice(BOXES, None))):
        noise = ((expected[..., part] - found[..., part]) ** 2).sum()
        print(f"{name}: {10 * np.log10((expected[..., part] ** 2).sum() / noise):.1f} dB")


if sys.argv[1] == "make":
    make(pathlib.Path(sys.argv[2]))
else:
    compare(*sys.argv[2:])
