"""Attention with a mask of the least number there is, as exporters write it, and samples: written into a folder.

In masked.onnx the mask is computed; in causal.onnx one of infinities, made of constants, is added to it.
"""

import pathlib
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper

from forms import Builder

folder = pathlib.Path(sys.argv[1])
rng = np.random.default_rng(1)
for name in ("masked", "causal"):
    b = Builder(rng, 17)
    x = b.input(1, 6, 16)
    mask = "mask"
    b.inputs.append(helper.make_tensor_value_info(mask, TensorProto.INT64, (1, 6)))
    hidden = b.node("Sub", b.constant(1.0), b.node("Cast", b.node("Unsqueeze", mask, b.ints([1])), to=1))
    hidden = b.node("Mul", hidden, b.constant(np.finfo(np.float32).min))
    q, k, v = [b.node("MatMul", x, b.weights(16, 16)) for _ in range(3)]
    scores = b.node("Div", b.node("MatMul", q, b.node("Transpose", k, perm=[0, 2, 1])), b.constant(4.0))
    if name == "causal":
        sizes = b.node("Concat", b.ints([6]), b.ints([6]), axis=0)
        seen = b.node("Cast", b.node("Trilu", b.node("Expand", b.constant(1.0), sizes), upper=0), to=TensorProto.BOOL)
        later = b.node("Where", seen, b.constant(0.0), b.constant(-np.inf))
        scores, hidden = b.node("Add", scores, later), b.node("Add", hidden, later)
    p = b.node("Softmax", b.node("Add", scores, hidden), axis=-1)
    onnx.save(b.model(b.node("MatMul", b.node("MatMul", p, v), b.weights(16, 8))), folder / f"{name}.onnx")
    lengths = rng.integers(2, 7, 16)
    np.savez(folder / f"{name}.npz", **{x: rng.standard_normal((16, 6, 16)).astype(np.float32),
                                        mask: (np.arange(6) < lengths[:, None]).astype(np.int64)})
