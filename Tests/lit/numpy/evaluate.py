"""Evaluates a lowered graph in numpy and compares with what the machine computed, bit for bit.

    evaluate.py GRAPH.spx --input NAME=FILE.npy --output FILE.npy

GRAPH comes from `spadix compile --emit=npu`; the outputs, in the graph's order, from `spadix run`. A third opinion beside
the compiler's integer reference and the machine: another language, other algorithms (products in Float64, which holds all
sums exactly), written from docs/language.md. A leading axis longer than the graph's is a number of samples.
"""

import argparse
import sys

import numpy as np

from graph_text import read_graph


def store(accumulator, scales, zero_point=0, clamp=(-128, 127)):
    """int32, which wraps; times a Float32; to the nearest even integer; plus zero point; within the clamp."""
    accumulator = accumulator.astype(np.int64).astype(np.int32)
    rounded = np.rint(accumulator.astype(np.float32) * np.asarray(scales, np.float32)).astype(np.float64)
    return np.clip(rounded + zero_point, *clamp).astype(np.int8)


def output_stage(accumulator, attributes):
    scales = attributes["scales"] if "scales" in attributes else [attributes["scale"]]
    result = store(accumulator, scales, attributes.get("output_zero_point", 0), attributes.get("clamp", (-128, 127)))
    return looked_up(result, attributes)


def looked_up(result, attributes):
    """Two hexadecimal digits for each of -128 to 127."""
    if "table" not in attributes:
        return result
    return np.frombuffer(bytes.fromhex(attributes["table"]), np.int8)[result.astype(np.int32) + 128]


def binary(operands, attributes):
    """Sum or product of two activations; the zero point stands inside the rounding."""
    a, b = (x.astype(np.int32) for x in operands)
    offset = np.float32(attributes.get("offset", 0))
    factors = np.asarray(attributes["factors"], np.float32)
    shift = 128 if attributes.get("unsigned") else 0
    if attributes["function"] == "product":
        zeros = attributes.get("zero_points", [0, 0])
        real = ((a - zeros[0]) * (b - zeros[1])).astype(np.float32) * factors[0] + offset
    else:
        # Products of int8 and Float32 are exact in Float64; each sum is rounded once to Float32.
        inner = np.float32((b + shift) * np.float64(factors[1]) + np.float64(offset))
        real = np.float32((a + shift) * np.float64(factors[0]) + np.float64(inner))
    rounded = np.rint(real).astype(np.float64) - shift
    return looked_up(np.clip(rounded, *attributes.get("clamp", (-128, 127))).astype(np.int8), attributes)


def windows(x, size, attributes, fill, prefix=""):
    """The elements under each position of a window, one array [N, OH, OW, C] a tap."""
    strides = attributes.get(prefix + "strides", [1, 1])
    dilations = attributes.get("dilations", [1, 1]) if not prefix else [1, 1]
    top, left, bottom, right = attributes.get(prefix + "padding", [0, 0, 0, 0])
    x = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)), constant_values=fill)
    extent = [(size[axis] - 1) * dilations[axis] + 1 for axis in range(2)]
    count = [(x.shape[1 + axis] - extent[axis]) // strides[axis] + 1 for axis in range(2)]
    for r in range(size[0]):
        for s in range(size[1]):
            y0, x0 = r * dilations[0], s * dilations[1]
            yield x[:, y0 : y0 + count[0] * strides[0] : strides[0], x0 : x0 + count[1] * strides[1] : strides[1], :][
                :, : count[0], : count[1], :]


def max_pool(x, size, attributes, prefix=""):
    return np.maximum.reduce(list(windows(x, size, attributes, -128, prefix)))


def conv2d(operands, attributes):
    x, weights, *rest = operands
    addend = rest.pop() if attributes.get("residual") else None
    groups, outputs = attributes.get("groups", 1), weights.shape[3]
    x = x.astype(np.float64) - attributes.get("input_zero_point", 0)
    accumulator = 0
    taps = weights.astype(np.float64).reshape(-1, weights.shape[2], outputs)
    for part, tap in zip(windows(x, weights.shape[:2], attributes, 0), taps):
        # [..., groups, inputs of a group] times [groups, inputs of a group, outputs of a group]
        grouped = part.reshape(*part.shape[:3], groups, 1, -1)
        matrices = tap.reshape(tap.shape[0], groups, -1).transpose(1, 0, 2)
        accumulator = accumulator + (grouped @ matrices).reshape(*part.shape[:3], outputs)
    if rest:
        accumulator = accumulator + rest[0]
    if addend is not None:
        multipliers = np.array(attributes.get("residual_multipliers", [1]), np.float64)
        accumulator = accumulator + multipliers * (addend.astype(np.float64) - attributes.get("residual_zero_point", 0))
    result = output_stage(accumulator, attributes)
    if "pool_window" in attributes:
        result = max_pool(result, attributes["pool_window"], attributes, "pool_")
    return result


def matmul(operands, attributes):
    a = operands[0].astype(np.float64) - attributes.get("input_zero_point", 0)
    b = operands[1].astype(np.float64)
    a = a.swapaxes(-1, -2) if attributes.get("transpose_a") else a
    b = b.swapaxes(-1, -2) if attributes.get("transpose_b") else b
    accumulator = a @ b
    return output_stage(accumulator + operands[2] if len(operands) > 2 else accumulator, attributes)


def add(operands, attributes):
    multipliers, zero_points = attributes.get("multipliers", [1, 1]), attributes.get("zero_points", [0, 0])
    parts = [k * (x.astype(np.float64) - z) for x, k, z in zip(operands, multipliers, zero_points)]
    return output_stage(parts[0] + parts[1], attributes)


def shifted(x, attributes):
    return x.astype(np.float64) - attributes.get("input_zero_point", 0)


def quantize(x, type):
    """f32 to q8; the scale's axis, if any, is the last one."""
    rounded = np.rint(x / type.scales).astype(np.float64) + type.zero_points
    return np.clip(rounded, -128, 127).astype(np.int8)


def dequantize(x, type):
    return (x.astype(np.int32) - type.zero_points).astype(np.float32) * type.scales


def softmax(x, axis):
    """Exponentials in Float64 rounded to Float32, summed in order."""
    x = np.moveaxis(x, axis, -1)
    exponentials = np.exp((x - x.max(axis=-1, keepdims=True)).astype(np.float64)).astype(np.float32)
    total = np.cumsum(exponentials, axis=-1, dtype=np.float32)[..., -1:]
    return np.moveaxis(exponentials / total, -1, axis)


def apply(operation, operands, types, data):
    """The result of one operation, by its name."""
    name, attributes, type = operation.name, operation.attributes, operation.type
    if name == "constant":
        return data
    x = operands[0]
    if name == "npu.conv2d":
        return conv2d(operands, attributes)
    if name == "npu.matmul":
        return matmul(operands, attributes)
    if name == "npu.add":
        return add(operands, attributes)
    if name == "npu.binary":
        return binary(operands, attributes)
    if name == "npu.mul":
        return output_stage(shifted(x, attributes) * operands[1], attributes)
    if name == "npu.requantize":
        return output_stage(shifted(x, attributes), attributes)
    if name == "npu.max_pool2d":
        return max_pool(x, attributes["window"], attributes)
    if name == "npu.avg_pool2d":
        return output_stage(sum(windows(shifted(x, attributes), attributes["window"], attributes, 0)), attributes)
    if name in ("npu.reshape", "nn.reshape"):
        return x.reshape(type.shape)
    if name in ("npu.transpose", "nn.transpose"):
        return x.transpose(attributes["permutation"])
    if name in ("npu.concat", "nn.concat"):
        return np.concatenate(operands, axis=attributes["axis"])
    if name == "npu.pad":
        borders = list(zip(attributes["low"], attributes["high"]))
        return np.pad(x, borders, constant_values=attributes.get("value", 0))
    if name == "nn.quantize":
        return quantize(x, type)
    if name == "nn.dequantize":
        return dequantize(x, types[0])
    if name == "nn.softmax":
        return quantize(softmax(dequantize(x, types[0]), attributes.get("axis", -1)), type)
    raise ValueError(f"operator {name}")


def evaluate(graph, inputs):
    values, types = dict(inputs), dict(graph.inputs)
    for operation in graph.operations:
        names = [operand for operand in operation.operands if operand.startswith("%")]
        data = [graph.data[operand[1:]] for operand in operation.operands if operand.startswith("@")]
        result = apply(operation, [values[name] for name in names], [types[name] for name in names], *data or [None])
        if list(result.shape) != operation.type.shape:
            raise ValueError(f"{operation.result} = {operation.name}: {result.shape}, expected {operation.type.shape}")
        values[operation.result], types[operation.result] = result, operation.type
    return [values[name] for name in graph.outputs]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("graph")
    parser.add_argument("--input", action="append", default=[])
    parser.add_argument("--output", action="append", default=[])
    options = parser.parse_args()
    graph = read_graph(options.graph)
    given = {"%" + name: np.load(path) for name, path in (text.split("=", 1) for text in options.input)}
    expected = [np.load(text) for text in options.output]
    first, type = graph.inputs[0]
    samples = given[first].shape[0] // type.shape[0]
    equal = 0
    for sample in range(samples):
        inputs = {}
        for name, type in graph.inputs:
            batch = type.shape[0]
            inputs[name] = given[name][sample * batch : (sample + 1) * batch].reshape(type.shape)
        results = evaluate(graph, inputs)
        equal += all(
            np.array_equal(result, output.reshape(samples, *result.shape)[sample])
            for result, output in zip(results, expected, strict=True))
    print(f"{equal} of {samples} equal, bit for bit")
    return 0 if samples and equal == samples else 1


if __name__ == "__main__":
    sys.exit(main())
