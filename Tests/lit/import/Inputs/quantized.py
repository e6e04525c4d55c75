"""Models that ONNX Runtime's quantizer makes of small networks, as operators on integers: every byte against ONNX Runtime.

usage: quantized.py SPADIX FOLDER [--seed N]

Both types are alike, s8 or u8: only then are ONNX Runtime's sums exact on every machine.
"""

import argparse
import logging
import pathlib
import sys

import numpy as np
import onnx
import onnxruntime
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

from differential import run_spadix
from forms import Builder
from runtime import session


def plain(b):
    """A classifier whose image is flattened before the last product."""
    x = b.node("Relu", b.node("Conv", b.input(1, 3, 12, 10), b.weights(8, 3, 3, 3), b.weights(8), pads=[1, 1, 1, 1]))
    x = b.node("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
    x = b.node("Relu", b.node("Conv", x, b.weights(6, 8, 3, 3), b.weights(6), strides=[2, 1], pads=[1, 0, 0, 1]))
    x = b.node("Flatten", x)
    return b.node("Gemm", x, b.weights(7, 72), b.weights(7), transB=1)


def mobile(b):
    """Depthwise and pointwise convolutions, and means of images."""
    x = b.node("Clip", b.node("Conv", b.input(1, 3, 11, 11), b.weights(8, 3, 3, 3), b.weights(8), strides=[2, 2], pads=[1, 1, 1, 1]),
               b.constant(0.0), b.constant(6.0))
    x = b.node("Conv", x, b.weights(8, 1, 3, 3), b.weights(8), group=8, pads=[1, 1, 1, 1])
    x = b.node("Conv", b.node("Relu", x), b.weights(12, 4, 1, 1), group=2)
    x = b.node("GlobalAveragePool", x)
    return b.node("MatMul", b.node("Reshape", x, b.ints([1, 12])), b.weights(12, 5))


def joined(b):
    """Parts side by side, of different scales, and functions of elements."""
    x = b.node("LeakyRelu", b.node("Conv", b.input(1, 4, 8, 8), b.weights(6, 4, 3, 3), b.weights(6)), alpha=0.1)
    y = b.node("Concat", x, b.node("Conv", x, b.weights(4, 6, 1, 1), b.weights(4)), axis=1)
    y = b.node("AveragePool", y, kernel_shape=[2, 2], strides=[2, 2])
    return b.node("Conv", y, b.weights(3, 10, 3, 3), b.weights(3))


def residual(b):
    """Sums and products of two tensors, one of which is broadcast."""
    x = b.node("Relu", b.node("Conv", b.input(1, 4, 16, 16), b.weights(8, 4, 3, 3), b.weights(8), pads=[1, 1, 1, 1]))
    y = b.node("Add", b.node("Conv", x, b.weights(8, 8, 3, 3), b.weights(8), pads=[1, 1, 1, 1]), x)
    gate = b.node("Conv", b.node("GlobalAveragePool", y), b.weights(8, 8, 1, 1), b.weights(8))
    return b.node("Conv", b.node("Mul", y, gate), b.weights(5, 8, 1, 1), b.weights(5))


def line(b):
    x = b.node("Relu", b.node("Conv", b.input(1, 4, 20), b.weights(6, 4, 3), b.weights(6), strides=[2]))
    x = b.node("Conv", x, b.weights(5, 6, 2), b.weights(5), dilations=[2])
    return b.node("Transpose", x, perm=[0, 2, 1])


def shares(b):
    """A softmax in many rows."""
    return b.node("Softmax", b.node("MatMul", b.input(1, 2000, 4), b.weights(4, 3)), axis=-1)


class Samples(CalibrationDataReader):
    def __init__(self, feeds, rng):
        self.rest = [{k: rng.standard_normal(v.shape).astype(np.float32) for k, v in feeds.items()} for _ in range(8)]

    def get_next(self):
        return self.rest.pop() if self.rest else None


def parse_arguments():
    """Of a script SPADIX FOLDER [--seed SEED], with the folder made and ONNX Runtime kept quiet."""
    parser = argparse.ArgumentParser()
    parser.add_argument("spadix")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    logging.disable(logging.WARNING)
    onnxruntime.set_default_logger_severity(4)
    return arguments


def main():
    arguments = parse_arguments()
    failed = 0
    for number, form in enumerate(FORMS):
        for name, kind in (("s8s8", QuantType.QInt8), ("u8u8", QuantType.QUInt8)):
            for per_channel in (False, True):
                rng = np.random.default_rng([arguments.seed, number])
                b = Builder(rng, 13)
                output = form(b)
                source, path = arguments.folder / "float.onnx", arguments.folder / f"{form.__name__}-{name}-{per_channel}.onnx"
                onnx.save(b.model(output), source)
                quantize_static(source, path, Samples(b.feeds, rng), quant_format=QuantFormat.QOperator, activation_type=kind,
                                weight_type=kind, per_channel=per_channel)
                label = f"{form.__name__} {name} {'per channel' if per_channel else 'per tensor'}"
                kinds = sorted({node.op_type for node in onnx.load(path).graph.node})
                expected = session(path).run(None, b.feeds)
                found, message = run_spadix(arguments.spadix, arguments.folder, path, b.feeds)
                differing = "all" if found is None else sum(int((a != e).sum()) for a, e in zip(found, expected))
                failed += differing != 0
                print(f"{label}: {differing} elements differ; {', '.join(kinds)} {message.strip()}")
    sys.exit(1 if failed else 0)


FORMS = (plain, mobile, joined, residual, line, shares)

if __name__ == "__main__":
    main()
