"""A model whose integers are confined and moved between QuantizeLinear and DequantizeLinear, as PyTorch's quantization aware
training and optimizers leave them, and samples: written into a folder.

usage: moved.py FOLDER
"""

import pathlib
import sys

import numpy as np
import onnx

from forms import Builder

folder = pathlib.Path(sys.argv[1])
rng = np.random.default_rng(1)
b = Builder(rng, 13)


def integers(real, scale, zero):
    return b.node("QuantizeLinear", real, b.constant(scale), b.constant(zero, dtype=np.uint8))


def reals(integer, scale, zero):
    return b.node("DequantizeLinear", integer, b.constant(scale), b.constant(zero, dtype=np.uint8))


def weights(*shape):
    scale, zero = b.constant(0.01), b.constant(0, dtype=np.int8)
    return b.node("DequantizeLinear", b.constant(rng.integers(-127, 128, shape), dtype=np.int8), scale, zero)


x = b.input(1, 3, 6, 6)
seven = b.node("Clip", integers(x, 0.05, 64), b.constant(0, dtype=np.uint8), b.constant(127, dtype=np.uint8))
y = integers(b.node("Relu", b.node("Conv", reals(seven, 0.05, 64), weights(8, 3, 3, 3))), 0.05, 0)
pooled = b.node("MaxPool", y, kernel_shape=[2, 2])
rows = b.node("Reshape", b.node("Transpose", b.node("Concat", y, y, axis=1), perm=[0, 2, 3, 1]), b.ints([16, 16]))
z = b.node("MatMul", reals(rows, 0.05, 0), weights(16, 5))
w = b.node("Conv", reals(b.node("Slice", pooled, b.ints([2]), b.ints([6]), b.ints([1])), 0.05, 0), weights(4, 4, 1, 1))
onnx.save(b.model(*[reals(integers(v, 0.3, 128), 0.3, 128) for v in (z, w)]), folder / "moved.onnx")
np.savez(folder / "moved.npz", **{x: rng.standard_normal((4, 3, 6, 6)).astype(np.float32)})
