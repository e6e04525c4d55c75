"""From ONNX to int8 and back: round_trip.py SPADIX. What ONNX Runtime makes of the exported model is what the machine does.

Three models with random weights are imported, quantized and exported with QuantizeLinear and DequantizeLinear. On random
inputs ONNX Runtime's outputs may differ from the machine's by one step of the output's scale, since it adds in floating
point what the array adds in integers.
"""

import subprocess
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from runtime import session

SAMPLES = 8


class Model:
    """Nodes one after the other, each on the result of the one before unless it says otherwise."""

    def __init__(self, name, shape, seed):
        self.name, self.shape = name, shape
        self.nodes, self.initializers, self.last = [], [], "image"
        self.generator = np.random.default_rng(seed)

    def weights(self, *shape, fan=None):
        fan = fan or int(np.prod(shape[1:]))
        name = f"w{len(self.initializers)}"
        values = self.generator.normal(0, 1.5 / np.sqrt(fan), shape).astype(np.float32)
        self.initializers.append(numpy_helper.from_array(values, name))
        return name

    def node(self, kind, *operands, **attributes):
        result = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, [*(operands or [self.last])], [result], name=result, **attributes))
        self.last = result
        return result

    def conv(self, outputs, inputs, kernel, group=1, **attributes):
        w = self.weights(outputs, inputs // group, kernel, kernel)
        b = self.weights(outputs, fan=40)
        return self.node("Conv", self.last, w, b, group=group, pads=[kernel // 2] * 4, **attributes)

    def save(self, path, classes):
        image = helper.make_tensor_value_info("image", TensorProto.FLOAT, self.shape)
        scores = helper.make_tensor_value_info(self.last, TensorProto.FLOAT, [self.shape[0], classes])
        graph = helper.make_graph(self.nodes, self.name, [image], [scores], self.initializers)
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)]), path)


def residual():
    it = Model("residual", [1, 3, 24, 24], 1)
    it.conv(16, 3, 3, strides=[2, 2])
    skip = it.node("Relu")
    it.conv(16, 16, 3)
    it.node("Relu")
    it.conv(16, 16, 3)
    it.node("Add", it.last, skip)
    it.node("Relu")
    it.node("MaxPool", kernel_shape=[2, 2], strides=[2, 2])
    it.conv(32, 16, 1)
    it.node("GlobalAveragePool")
    it.node("Flatten")
    it.node("Gemm", it.last, it.weights(10, 32), it.weights(10, fan=40), transB=1)
    return it, 10


def mobile():
    it = Model("mobile", [1, 3, 20, 20], 2)
    for outputs, inputs, kernel, group in [(16, 3, 3, 1), (16, 16, 3, 16), (24, 16, 1, 1), (24, 24, 3, 24)]:
        it.conv(outputs, inputs, kernel, group)
        low, high = (f"{name}{len(it.initializers)}" for name in ("low", "high"))
        it.initializers += [numpy_helper.from_array(np.float32(v), n) for n, v in ((low, 0), (high, 3))]
        it.node("Clip", it.last, low, high)
    it.node("AveragePool", kernel_shape=[4, 4], strides=[4, 4])
    it.node("Flatten")
    it.node("Gemm", it.last, it.weights(12, 24 * 25), it.weights(12, fan=40), transB=1)
    return it, 12


def branches():
    it = Model("branches", [1, 4, 16, 16], 3)
    it.conv(8, 4, 3)
    stem = it.node("Relu")
    it.conv(8, 8, 1)
    left = it.node("Relu")
    it.last = stem
    it.conv(8, 8, 5)
    right = it.node("Relu")
    it.node("Concat", left, right, axis=1)
    it.conv(16, 16, 3, strides=[2, 2])
    it.node("Relu")
    it.node("MaxPool", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    it.node("Flatten")
    it.node("Gemm", it.last, it.weights(9, 256), it.weights(9, fan=40), transB=1)
    return it, 9


def output_step(path):
    """The scale of the last DequantizeLinear."""
    graph = onnx.load(path).graph
    constants = {it.name: numpy_helper.to_array(it) for it in graph.initializer}
    last = [it for it in graph.node if it.op_type == "DequantizeLinear"][-1]
    return float(constants[last.input[1]])


def main():
    spadix = sys.argv[1]

    def run(*arguments):
        subprocess.run([spadix, *arguments], check=True, capture_output=True)

    for build in (residual, mobile, branches):
        for target, phase in (("spadix", "quantized"), ("gemmini", "npu")):
            model, classes = build()
            name = f"{model.name}-{target}"
            model.save(f"{name}.onnx", classes)
            samples = model.generator.normal(0, 1, (SAMPLES, *model.shape[1:])).astype(np.float32)
            np.save("samples.npy", samples)
            options = ["--target", target]
            run("compile", f"{name}.onnx", *options, "--calibrate", "samples.npy", f"--emit={phase}", "-o", f"{name}.spx")
            run("opt", f"{name}.spx", "--format=onnx", "-o", f"{name}-back.onnx")
            run("compile", f"{name}.spx", *options, "-o", f"{name}.spxo", "--report=none")
            run("run", f"{name}.spxo", "--input", "samples.npy", "-o", name)
            onnx.checker.check_model(f"{name}-back.onnx", full_check=True)
            back = session(f"{name}-back.onnx")
            port = back.get_inputs()[0].name
            found = np.concatenate([back.run(None, {port: sample[None]})[0] for sample in samples])
            expected = np.load(f"{name}/{back.get_outputs()[0].name}.npy")
            steps = np.rint(np.abs(found - expected) / output_step(f"{name}-back.onnx"))
            assert found.shape == expected.shape and len(np.unique(expected)) > classes, name
            equal = 100 * float((steps == 0).mean())
            print(f"{name} ({phase}): {equal:.1f} % of {steps.size} outputs equal, the others {int(steps.max())} step off")
            assert steps.max() <= 1, name


if __name__ == "__main__":
    main()
