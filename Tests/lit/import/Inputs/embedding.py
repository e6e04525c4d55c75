"""A model whose inputs are token ids and positions.

usage: embedding.py FILE
"""

import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

rng = np.random.default_rng(1)
tables = [numpy_helper.from_array(rng.standard_normal((rows, 8)).astype(np.float32), name)
          for name, rows in (("words", 11), ("places", 5))]
weights = numpy_helper.from_array(rng.standard_normal((8, 4)).astype(np.float32), "weights")
offset = numpy_helper.from_array(np.array(3, np.int64), "offset")
nodes = [
    helper.make_node("Gather", ["words", "ids"], ["word"]),
    helper.make_node("Add", ["position", "offset"], ["moved"]),
    helper.make_node("Gather", ["places", "moved"], ["place"]),
    helper.make_node("Add", ["word", "place"], ["sum"]),
    helper.make_node("MatMul", ["sum", "weights"], ["y"]),
]
inputs = [helper.make_tensor_value_info(name, TensorProto.INT64, [1, 6]) for name in ("ids", "position")]
outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)]
graph = helper.make_graph(nodes, "embedding", inputs, outputs, [*tables, weights, offset])
onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)]), sys.argv[1])
