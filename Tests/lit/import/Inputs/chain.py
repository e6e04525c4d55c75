"""Writes a model of many nodes, one after the other. usage: chain.py FILE NODES"""

import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

count = int(sys.argv[2])
nodes = [helper.make_node("Relu", ["x"], ["t0"])]
for index in range(count - 1):
    inputs = [f"t{index}", f"t{max(0, index - 7)}"] if index % 2 == 0 else [f"t{index}"]
    nodes.append(helper.make_node("Add" if index % 2 == 0 else "Relu", inputs, [f"t{index + 1}"]))
port = helper.make_tensor_value_info
graph = helper.make_graph(nodes, "chain", [port("x", TensorProto.FLOAT, [1, 4])],
                          [port(f"t{count - 1}", TensorProto.FLOAT, None)])
onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)]), sys.argv[1])
