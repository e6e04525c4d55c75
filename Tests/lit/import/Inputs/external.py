"""A model whose weights lie in the file named: external.py FOLDER LOCATION."""

import os
import sys

import numpy
import onnx
from onnx import helper, numpy_helper

folder, location = sys.argv[1:]
weights = numpy_helper.from_array(numpy.random.default_rng(1).normal(size=(64, 64)).astype("f4"), "w")
x = helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [2, 64])
y = helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, None)
graph = helper.make_graph([helper.make_node("MatMul", ["x", "w"], ["y"])], "g", [x], [y], [weights])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
path = os.path.join(folder, location)
if os.path.exists(path):
    os.remove(path)
onnx.save(
    model, os.path.join(folder, "m.onnx"), save_as_external_data=True, location=location, size_threshold=0)
numpy.save(os.path.join(folder, "x.npy"), numpy.ones((2, 64), "f4"))
