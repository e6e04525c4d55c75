"""A model that counts the positions of tokens that are not padding, and samples: written into a folder.

usage: positions.py FOLDER
"""

import pathlib
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper

from forms import Builder

folder = pathlib.Path(sys.argv[1])
rng = np.random.default_rng(1)
b = Builder(rng, 13)
ids = "ids"
b.inputs.append(helper.make_tensor_value_info(ids, TensorProto.INT64, (1, 7)))
seen = b.node("Cast", b.node("Not", b.node("Equal", ids, b.ints(1))), to=TensorProto.INT32)
places = b.node("Mul", b.node("CumSum", seen, b.constant(1, dtype=np.int32)), seen)
places = b.node("Add", b.node("Cast", places, to=TensorProto.INT64), b.ints(1))
x = b.node("Add", b.node("Gather", b.weights(9, 6), ids), b.node("Gather", b.weights(10, 6), places))
# The last token that is none of padding.
count = b.node("ReduceSum", b.node("Cast", seen, to=1), b.ints([1]), keepdims=0)
last = b.node("Gather", b.weights(8, 6), b.node("Sub", b.node("Cast", count, to=TensorProto.INT64), b.ints(1)))
y = b.node("MatMul", b.node("Add", x, b.node("Unsqueeze", last, b.ints([1]))), b.weights(6, 4))
onnx.save(b.model(y), folder / "positions.onnx")
tokens = rng.integers(2, 9, (8, 7))
tokens[np.arange(7) >= rng.integers(2, 8, 8)[:, None]] = 1
np.savez(folder / "positions.npz", ids=tokens.astype(np.int64))
