"""Writes the models that the file tests of `spadix import` look at.

usage: examples.py FOLDER
"""

import pathlib
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FOLDER = pathlib.Path(sys.argv[1])


def port(name, shape=None, kind=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


def weights(name, *shape):
    values = np.random.default_rng(len(name)).uniform(-1, 1, shape).astype(np.float32)
    return numpy_helper.from_array(values, name)


def save(name, nodes, inputs, outputs, initializers, opset=13, ir_version=8, **options):
    graph = helper.make_graph(nodes, name, inputs, outputs, initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], producer_name="examples.py")
    model.ir_version = ir_version
    onnx.save(model, FOLDER / f"{name}.onnx", **options)


def classifier():
    nodes = [
        helper.make_node("Conv", ["input:0", "conv/w", "conv/b"], ["c"], "conv", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("MaxPool", ["r"], ["p"], "pool", kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Flatten", ["p"], ["f"]),
        helper.make_node("MatMul", ["f", "dense"], ["m"]),
        helper.make_node("Add", ["m", "bias"], ["scores {x}"]),
        helper.make_node("Identity", ["r"], ["features"]),
    ]
    parameters = [weights("conv/w", 4, 3, 3, 3), weights("conv/b", 4), weights("dense", 64, 5), weights("bias", 5)]
    return nodes, [port("input:0", ["N", 3, 8, 8])], [port("scores {x}"), port("features")], parameters


def refused():
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], "conv"),
        helper.make_node("LSTM", ["c", "w", "w"], ["l"], "rnn", hidden_size=4),
        helper.make_node("Relu", ["l"], ["after"]),
        helper.make_node("NonMaxSuppression", ["after", "after"], ["n"]),
        helper.make_node("Pad", ["c", "c"], ["p"]),
        helper.make_node("FancyNorm", ["c"], ["z"], "norm", domain="com.example"),
        helper.make_node("TopK", ["c", "k"], ["t", ""]),
        helper.make_node("Relu", ["c"], ["nobody"]),
    ]
    parameters = [weights("w", 4, 3, 3, 3), numpy_helper.from_array(np.int64([1]), "k")]
    return nodes, [port("x", [1, 3, 8, 8])], [port(name) for name in "npzt"], parameters


def old_style():
    """IR version 3: initializers are inputs as well."""
    nodes, inputs, outputs, parameters = classifier()
    inputs += [port(tensor.name, list(tensor.dims)) for tensor in parameters]
    return nodes, inputs, outputs, parameters


FOLDER.mkdir(parents=True, exist_ok=True)
save("classifier", *classifier())
save("old", *old_style(), opset=9, ir_version=3)
save("refused", *refused())
save("external", *classifier(), save_as_external_data=True, location="weights.bin", size_threshold=0)
nodes, inputs, outputs, parameters = classifier()
save("newer", nodes, inputs, outputs, parameters, opset=22)
save("unsorted", nodes[::-1], inputs, outputs, parameters)
