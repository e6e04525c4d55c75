"""ONNX models of every form that the importer knows, small and seeded.

`cases(seed)` yields (name, model, feeds): a model with constant weights, and its inputs as arrays by name.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


class Builder:
    """Collects the nodes of one model."""

    def __init__(self, rng, opset):
        self.rng, self.opset = rng, opset
        self.nodes, self.initializers, self.inputs, self.feeds, self.count = [], [], [], {}, 0
        self.domains, self.functions = {}, []

    def fresh(self, stem="t"):
        self.count += 1
        return f"{stem}/{self.count}:0"

    def input(self, *shape):
        name = self.fresh("input")
        self.inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
        self.feeds[name] = self.rng.standard_normal(shape).astype(np.float32)
        return name

    def constant(self, array, raw=True, dtype=None):
        name = self.fresh("w")
        array = np.asarray(array, dtype or np.float32)
        if raw:
            self.initializers.append(numpy_helper.from_array(array, name))
        else:
            kind = helper.np_dtype_to_tensor_dtype(array.dtype)
            self.initializers.append(helper.make_tensor(name, kind, array.shape, array.flatten().tolist()))
        return name

    def weights(self, *shape):
        return self.constant(self.rng.standard_normal(shape) / max(1, np.prod(shape[1:])) ** 0.5)

    def ints(self, values, raw=True):
        return self.constant(values, raw, np.int64)

    def node(self, kind, *inputs, outputs=1, **attributes):
        names = [self.fresh(kind.lower()) for _ in range(outputs)]
        self.nodes.append(helper.make_node(kind, list(inputs), names, **attributes))
        return names[0] if outputs == 1 else names

    def axes(self, kind, x, axes, since, **attributes):
        """A node whose axes are an attribute or, in newer operator sets, an input."""
        if self.opset >= since:
            return self.node(kind, x, self.ints(axes), **attributes)
        return self.node(kind, x, axes=axes, **attributes)

    def model(self, *outputs):
        ports = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs]
        graph = helper.make_graph(self.nodes, "form", self.inputs, ports, self.initializers)
        sets = [helper.make_opsetid(domain, version) for domain, version in [("", self.opset), *self.domains.items()]]
        model = helper.make_model(graph, opset_imports=sets, functions=self.functions)
        model.ir_version = 8
        return model


FORMS = {}


def form(*opsets):
    def register(function):
        for opset in opsets or (7, 11, 13, 17, 21):
            FORMS[f"{function.__name__}-{opset}"] = (function, opset)
        return function

    return register


def pick(b, *choices):
    return choices[b.rng.integers(len(choices))]


@form()
def conv(b):
    groups = int(pick(b, 1, 1, 2, 4))
    n, c, o = int(b.rng.integers(1, 3)), 4, int(pick(b, 4, 8))
    k = [int(b.rng.integers(1, 4)), int(b.rng.integers(1, 4))]
    h, w = int(b.rng.integers(6, 11)), int(b.rng.integers(6, 11))
    attributes = {}
    if b.rng.random() < 0.8:
        attributes["kernel_shape"] = k
    if b.rng.random() < 0.7:
        attributes["strides"] = [int(b.rng.integers(1, 4)), int(b.rng.integers(1, 4))]
    if b.rng.random() < 0.3:
        attributes["dilations"] = [int(b.rng.integers(1, 3)), int(b.rng.integers(1, 3))]
    auto = pick(b, None, None, "SAME_UPPER", "SAME_LOWER", "VALID")
    if auto:
        attributes["auto_pad"] = auto
        attributes.pop("dilations", None)
    elif b.rng.random() < 0.7:
        attributes["pads"] = [int(v) for v in b.rng.integers(0, 3, 4)]
    inputs = [b.input(n, c, h, w), b.weights(o, c // groups, *k)]
    bias = pick(b, "none", "empty", "given")
    if bias != "none":
        inputs.append("" if bias == "empty" else b.weights(o))
    return b.node("Conv", *inputs, group=groups, **attributes)


@form()
def conv_1d(b):
    x = b.input(int(b.rng.integers(1, 3)), 3, 12)
    y = b.node("Conv", x, b.weights(6, 3, 3), b.weights(6), strides=[2], pads=[1, 2])
    y = b.node("MaxPool", y, kernel_shape=[2], strides=[1])
    y = b.node("Conv", b.node("Relu", y), b.weights(4, 6, 2), dilations=[2])
    return b.node("GlobalAveragePool", y) if b.rng.random() < 0.5 else y


@form()
def equal_sizes(b):
    """N = C = H = W: nothing can be told apart by its size."""
    x = b.input(4, 4, 4, 4)
    y = b.node("Conv", x, b.weights(4, 4, 1, 1))
    y = b.node("Transpose", y, perm=[0, 2, 1, 3])
    y = b.node("Add", y, b.constant(b.rng.standard_normal((4, 1, 1))))
    y = b.node("Conv", y, b.weights(4, 4, 3, 3), pads=[1, 1, 1, 1])
    y = b.node("Transpose", y, perm=[3, 1, 2, 0])
    z = b.node("Reshape", y, b.ints([16, 16]))
    return y, b.node("MatMul", z, b.weights(16, 3))


@form()
def flatten_gemm(b):
    n = int(b.rng.integers(1, 4))
    x = b.node("Relu", b.node("Conv", b.input(n, 2, 5, 6), b.weights(3, 2, 2, 2)))
    flat = b.node("Flatten", x) if b.rng.random() < 0.5 else b.node("Reshape", x, b.ints([0, -1]))
    if b.rng.random() < 0.5:
        flat = b.node("Relu", flat)
    return gemm_of(b, flat, n, 60)


def gemm_of(b, a, rows, depth, columns=5):
    trans_b = int(b.rng.integers(2))
    weights = b.weights(columns, depth) if trans_b else b.weights(depth, columns)
    inputs = [a, weights]
    shape = pick(b, (columns,), (1, columns), (rows, columns), (rows, 1), (1,), (), None)
    if shape is not None:
        inputs.append(b.constant(b.rng.standard_normal(shape)))
    elif b.opset < 11:
        inputs.append(b.weights(columns))
    attributes = {"alpha": 0.5} if b.rng.random() < 0.4 else {}
    if b.rng.random() < 0.4:
        attributes["beta"] = -2.0
    return b.node("Gemm", *inputs, transB=trans_b, **attributes)


@form()
def gemm(b):
    if b.rng.random() < 0.3:
        return b.node("Gemm", b.input(6, 3), b.weights(6, 4), b.weights(4), transA=1)
    return gemm_of(b, b.input(3, 6), 3, 6)


def gemm_bias(b):
    return b.constant(b.rng.standard_normal(pick(b, (4,), (1, 4), (3, 1), (1,), ())))


@form()
def gemm_computed(b):
    x, w = b.input(3, 6), b.input(4, 6)
    y = b.node("Gemm", x, w, b.input(3, 4), transB=1, alpha=0.5, beta=0.25)
    return b.node("MatMul", y, b.weights(4, 2)), b.node("Gemm", x, w, gemm_bias(b), transB=1, alpha=0.5, beta=-2.0)


@form()
def matmul(b):
    shapes = [((2, 3), (3, 4)), ((2, 5, 3), (3, 4)), ((2, 5, 3), (2, 3, 4)), ((3,), (3, 4)), ((2, 3), (3,)),
              ((1, 1, 3), (3, 4)), ((2, 3, 4, 5), (5, 6)), ((2, 3), (1, 3, 4)), ((3, 4, 5), (1, 5, 2))]
    left, right = shapes[b.rng.integers(len(shapes))]
    y = b.node("MatMul", b.input(*left), b.weights(*right))
    if b.rng.random() < 0.7 and len(right) > 1:
        y = b.node("Add", y, b.weights(right[-1])) if b.rng.random() < 0.5 else b.node("Add", b.weights(right[-1]), y)
    return y


@form()
def attention_like(b):
    """Products of two activations, with a permutation of axes between."""
    x = b.input(2, 4, 6)
    q = b.node("Transpose", b.node("Reshape", b.node("MatMul", x, b.weights(6, 6)), b.ints([0, 0, 2, 3])), perm=[0, 2, 1, 3])
    k = b.node("Transpose", b.node("Reshape", b.node("MatMul", x, b.weights(6, 6)), b.ints([0, 0, 2, 3])), perm=[0, 2, 3, 1])
    p = b.node("Softmax", b.node("MatMul", q, k), axis=3)
    o = b.node("Transpose", b.node("MatMul", p, q), perm=[0, 2, 1, 3])
    return b.node("MatMul", b.node("Reshape", o, b.ints([2, -1, 6])), b.weights(6, 2))


@form()
def batch_norm(b):
    channels = 5
    x = b.input(*pick(b, (2, channels, 4, 3), (2, channels), (1, channels, 1, 1), (2, channels, 7)))
    parameters = [b.weights(channels), b.weights(channels), b.weights(channels),
                  b.constant(b.rng.random(channels) + 0.5)]
    attributes = {"epsilon": 1e-3} if b.rng.random() < 0.5 else {}
    return b.node("BatchNormalization", x, *parameters, **attributes)


@form()
def constant_operands(b):
    """Sums and products with constants of every shape that is broadcast."""
    kind = pick(b, "Add", "Mul", "Sub", "Div")
    shape = pick(b, (5,), (1,), (), (3, 1, 1), (1, 3, 1, 1), (4, 5), (2, 3, 4, 5), (1, 1, 1, 5), (3, 4, 1), (2, 1, 1, 1))
    constant = b.constant(b.rng.random(shape) + 0.5)
    x = b.input(2, 3, 4, 5)
    if b.rng.random() < 0.5:
        x = b.node("Conv", x, b.weights(3, 3, 1, 1))
    if kind != "Div" and b.rng.random() < 0.5:
        return b.node(kind, constant, x)
    return b.node(kind, x, constant)


@form()
def sums(b):
    x, y = b.input(2, 3, 4, 4), b.input(2, 3, 4, 4)
    c = b.node("Conv", x, b.weights(3, 3, 1, 1))
    total = b.node("Sum", x, c, y)
    mean = b.node("Mean", total, y, b.constant(b.rng.standard_normal((3, 1, 1))))
    return b.node("Add", b.node("Sub", mean, c), x)


@form()
def extremes(b):
    x = b.node("Conv", b.input(2, 3, 4, 5), b.weights(3, 3, 1, 1))
    y = b.node("Max", x, b.input(2, 3, 4, 5), b.constant(0.25))
    return b.node("Min", y, b.constant([0.75]), x) if b.rng.random() < 0.5 else b.node("Min", x, y)


@form()
def clip(b):
    x = b.node("Relu", b.input(2, 3, 4))
    low, high = pick(b, (None, 0.5), (-0.25, None), (0.1, 0.7), (0.0, 6.0), (0.9, 0.2))
    if b.opset < 11:
        bounds = {k: v for k, v in (("min", low), ("max", high)) if v is not None}
        return b.node("Clip", b.node("Sub", x, b.constant(0.3)), **bounds)
    inputs = [b.constant(low) if low is not None else ""] + ([b.constant(high)] if high is not None else [])
    return b.node("Clip", b.node("Sub", x, b.constant(0.3)), *inputs)


@form()
def activations(b):
    x = b.node("Conv", b.input(1, 4, 3, 3), b.weights(4, 4, 1, 1))
    outputs = [b.node("LeakyRelu", x, alpha=0.2), b.node("LeakyRelu", x), b.node("PRelu", x, b.weights(4, 1, 1)),
               b.node("PRelu", x, b.constant(b.rng.random((4, 1, 1)) * 2)), b.node("PRelu", x, b.weights(1)), b.node("Abs", x), b.node("Neg", x), b.node("HardSigmoid", x),
               b.node("HardSigmoid", x, alpha=1 / 6, beta=0.5)]
    return tuple(outputs)


@form()
def pools(b):
    h, w = int(b.rng.integers(4, 9)), int(b.rng.integers(4, 9))
    kind = pick(b, "MaxPool", "AveragePool")
    attributes = {"kernel_shape": [int(b.rng.integers(2, 4)), int(b.rng.integers(2, 4))]}
    if b.rng.random() < 0.8:
        attributes["strides"] = [int(b.rng.integers(1, 4)), int(b.rng.integers(1, 4))]
    auto = pick(b, None, None, None, "SAME_UPPER", "SAME_LOWER", "VALID")
    if auto:
        attributes["auto_pad"] = auto
    elif b.rng.random() < 0.7:
        attributes["pads"] = [int(v) for v in b.rng.integers(0, 2, 4)]
    if b.opset >= 10 and not auto and b.rng.random() < 0.6:
        attributes["ceil_mode"] = 1
    if kind == "AveragePool" and b.rng.random() < 0.5:
        attributes["count_include_pad"] = 1
    if kind == "AveragePool" and b.opset >= 19 and b.rng.random() < 0.3 and not auto:
        attributes.update(dilations=[2, 1], ceil_mode=0, count_include_pad=1)
    return b.node(kind, b.input(2, 3, h, w), **attributes)


@form()
def global_pools(b):
    x = b.node("Conv", b.input(2, 3, 5, 4), b.weights(6, 3, 2, 2))
    y = b.node("Flatten", b.node("GlobalAveragePool", x))
    return b.node("MatMul", y, b.weights(6, 2)), b.node("GlobalMaxPool", x)


@form()
def reductions(b):
    x = b.input(2, 3, 4, 5)
    if b.rng.random() < 0.5:
        x = b.node("Conv", x, b.weights(3, 3, 1, 1))
    axes = pick(b, [2, 3], [-1], [1], [0, 2], [1, 2, 3], [3, 1])
    kind = pick(b, "ReduceMean", "ReduceMax", "ReduceMin", "ReduceSum")
    since = 13 if kind == "ReduceSum" else 18
    y = b.axes(kind, x, axes, since, keepdims=int(b.rng.integers(2)))
    return y, b.node("ReduceMean", x, keepdims=1)


@form()
def softmax(b):
    x = b.input(2, 3, 4, 5)
    if b.rng.random() < 0.5:
        x = b.node("Conv", x, b.weights(3, 3, 1, 1))
    attributes = {"axis": int(pick(b, 0, 1, 2, 3, -1, -2))} if b.rng.random() < 0.8 else {}
    return b.node("Softmax", x, **attributes)


@form()
def concat(b):
    x = b.node("Conv", b.input(2, 3, 4, 5), b.weights(3, 3, 1, 1))
    axis = int(pick(b, 1, 2, 3, -1, 0))
    shape = [2, 3, 4, 5]
    shape[axis] = 2
    y = b.node("Concat", x, b.input(*shape), b.constant(b.rng.standard_normal(shape)), axis=axis)
    return b.node("Relu", y)


@form()
def movement(b):
    x = b.node("Conv", b.input(2, 4, 4, 6), b.weights(8, 4, 1, 1))
    y = b.node("Transpose", x, perm=[0, 2, 3, 1])
    y = b.axes("Unsqueeze", y, [1, -1] if b.opset >= 11 else [1, 5], 13)
    y = b.axes("Squeeze", y, [1], 13)
    y = b.node("Reshape", y, b.ints([0, 2, -1, 8]))
    shuffle = b.node("Reshape", x, b.ints([2, 2, 4, 4, 6]))
    shuffle = b.node("Reshape", b.node("Transpose", shuffle, perm=[0, 2, 1, 3, 4]), b.ints([2, 8, 4, 6]))
    shuffle = b.node("Conv", shuffle, b.weights(8, 1, 3, 3), group=8)
    odd = b.node("Reshape", x, b.ints([2, 6, 4, 8]))
    return b.node("MatMul", y, b.weights(8, 3)), shuffle, b.node("Relu", odd), b.node("Transpose", x)


@form(11, 13, 18, 21)
def pad(b):
    x = b.node("Conv", b.input(1, 3, 4, 5), b.weights(3, 3, 1, 1))
    y = b.node("Pad", x, b.ints([0, 0, 1, 2, 0, 1, 0, 1]), b.constant(0.5))
    z = b.node("Pad", x, b.ints([0, 0, 1, 1, 0, 0, 1, 1]))
    if b.opset >= 18:
        y = b.node("Pad", y, b.ints([1, 2]), "", b.ints([-1]))
    return y, b.node("Conv", z, b.weights(2, 3, 3, 3))


@form(7, 10)
def old_pad(b):
    return b.node("Pad", b.input(1, 3, 4, 5), pads=[0, 0, 1, 2, 0, 1, 0, 1], value=0.5)


@form(13, 17)
def blocks(b):
    x = b.input(2, 8, 4, 6)
    return (b.node("DepthToSpace", x, blocksize=2), b.node("DepthToSpace", x, blocksize=2, mode="CRD"),
            b.node("SpaceToDepth", x, blocksize=2))


@form(11, 13, 18)
def resize(b):
    x = b.node("Conv", b.input(1, 3, 3, 4), b.weights(3, 3, 1, 1))
    modes = pick(b, dict(coordinate_transformation_mode="asymmetric", nearest_mode="floor"), {},
                 dict(coordinate_transformation_mode="half_pixel"))
    if b.rng.random() < 0.5:
        return b.node("Resize", x, b.constant([]), b.constant([1, 1, 2, 3]), mode="nearest", **modes)
    return b.node("Resize", x, "", "", b.ints([1, 3, 6, 8]), mode="nearest", **modes)


@form(9)
def upsample(b):
    return b.node("Upsample", b.input(1, 3, 3, 4), b.constant([1, 1, 2, 2]), mode="nearest")


@form(10)
def resize_10(b):
    return b.node("Resize", b.input(1, 3, 3, 4), b.constant([1, 1, 2, 2]), mode="nearest")


@form(11, 17)
def conv_transpose(b):
    x = b.node("Relu", b.input(2, 3, 3, 4))
    return b.node("ConvTranspose", x, b.weights(3, 5, 2, 3), b.weights(5), strides=[2, 3])


@form(11, 13, 21)
def conv_transpose_general(b):
    if b.rng.random() < 0.2:
        return b.node("ConvTranspose", b.input(2, 4, 6), b.weights(4, 3, 3), b.weights(3), strides=[2], pads=[1, 0])
    groups = int(pick(b, 1, 1, 2))
    kernel, strides = [int(v) for v in b.rng.integers(1, 4, 2)], [int(v) for v in b.rng.integers(1, 4, 2)]
    attributes = {"strides": strides, "group": groups}
    if b.rng.random() < 0.3:
        attributes["dilations"] = [int(v) for v in b.rng.integers(1, 3, 2)]
    if b.rng.random() < 0.6:
        attributes["pads"] = [int(v) for v in b.rng.integers(0, 2, 4)]
    if b.rng.random() < 0.3:
        attributes["output_padding"] = [int(b.rng.integers(0, stride)) for stride in strides]
    if b.rng.random() < 0.2:
        attributes = {"strides": strides, "group": groups, "auto_pad": pick(b, "SAME_UPPER", "SAME_LOWER")}
    if b.rng.random() < 0.2:
        attributes = {"strides": strides, "group": groups, "output_shape": [4 * strides[0] + 1, 3 * strides[1] + 1]}
    return b.node("ConvTranspose", b.input(2, 4, 5, 4), b.weights(4, 3, *kernel), b.weights(3 * groups), **attributes)


@form(8, 13, 17)
def computed_broadcasts(b):
    x = b.node("Conv", b.input(2, 3, 4, 5), b.weights(3, 3, 1, 1))
    y = b.input(*pick(b, (2, 3, 1, 1), (1, 3, 1, 5), (5,), (4, 1), ()))
    z = b.node(pick(b, "Add", "Sub", "Max", "Min"), x, y)
    w = b.node("Expand", b.input(3, 1), b.ints([2, 3, 4]))
    v = b.node("Add", b.input(1, 1, 4), b.constant(b.rng.standard_normal((2, 3, 1))))
    return z, b.node("Gemm", b.input(3, 4), b.weights(4, 5), b.input(1, 5)), w, v


@form()
def functions(b):
    """Functions of single elements, with their parameters given and left out."""
    x = b.node("Conv", b.input(1, 4, 3, 3), b.weights(4, 4, 1, 1))
    positive = b.node("Add", b.node("Abs", x), b.constant(0.5))
    plain = ["Sigmoid", "Tanh", "Softplus", "Softsign", "Exp", "Floor", "Ceil", "Neg", "Sin", "Cos", "Tan", "Atan"]
    plain += ["Erf", "Sign", "Sinh", "Cosh", "Asinh"] if b.opset >= 9 else []
    plain += ["Round"] if b.opset >= 11 else []
    plain += ["HardSwish"] if b.opset >= 14 else []
    plain += ["Mish"] if b.opset >= 18 else []
    outputs = [b.node(kind, x) for kind in plain]
    outputs += [b.node(kind, positive) for kind in ("Sqrt", "Log", "Reciprocal")]
    outputs += [b.node("Elu", x), b.node("Elu", x, alpha=0.3), b.node("Selu", x), b.node("Selu", x, alpha=1.5, gamma=0.9),
                b.node("HardSigmoid", x, alpha=0.3, beta=0.4)]
    if b.opset >= 10:
        outputs += [b.node("ThresholdedRelu", x), b.node("ThresholdedRelu", x, alpha=0.2), b.node("Shrink", x, lambd=0.4, bias=0.1)]
    if b.opset >= 12:
        outputs += [b.node("Celu", x), b.node("Celu", x, alpha=0.5)]
    if b.opset >= 20:
        outputs += [b.node("Gelu", x), b.node("Gelu", x, approximate="tanh")]
    return tuple(outputs)


@form()
def powers(b):
    x = b.node("Add", b.node("Abs", b.input(2, 3, 4)), b.constant(0.5))
    exponents = [b.constant(v) for v in (2.0, 3.0, 0.5, -0.5, -1.0, 1.0)] + [b.constant(b.rng.random((3, 1))), b.input(4)]
    return tuple(b.node("Pow", x, e) for e in exponents)


@form(8, 11, 13, 17, 21)
def products(b):
    """Arithmetic of two activations with every kind of broadcasting, such as squeeze-and-excitation."""
    x = b.node("Conv", b.input(2, 3, 4, 5), b.weights(3, 3, 1, 1))
    y = b.input(*pick(b, (2, 3, 1, 1), (1, 3, 1, 5), (5,), (4, 1), (), (2, 3, 4, 5), (3, 1, 1)))
    kind = pick(b, "Mul", "Div", "Sub", "Add", "Max", "Min")
    if kind == "Div":
        y = b.node("Add", b.node("Abs", y), b.constant(0.5))
    squeezed = b.node("Sigmoid", b.node("Conv", b.node("GlobalAveragePool", x), b.weights(3, 3, 1, 1)))
    small = b.input(3, 1)
    wide = b.constant(b.rng.random((2, 3, 4)) + 0.5)
    return (b.node(kind, x, y), b.node(kind, y, x) if kind != "Div" else b.node(kind, x, y), b.node("Mul", x, squeezed),
            b.node("Mul", small, wide), b.node("Sub", wide, small), b.node("Max", x, b.constant(b.rng.random((3, 1, 1)))),
            b.node("Sum", small, wide), b.node("Div", b.constant(1.0), b.node("Exp", small)),
            b.node("Div", b.constant([2.0, 3.0]), b.node("Exp", small)), b.node("PRelu", x, b.input(3, 1, 1)))


@form(9, 11, 13, 17, 21)
def choices(b):
    x, y = b.node("Conv", b.input(2, 3, 4, 5), b.weights(3, 3, 1, 1)), b.input(1, 3, 1, 5)
    less = b.node("Less", x, y)
    outputs = [b.node("Where", less, x, y), b.node("Where", b.node("Not", less), b.constant(0.5), x)]
    outputs.append(b.node("Cast", b.node("And", less, b.node("Greater", x, b.constant(0.0))), to=1))
    outputs.append(b.node("Where", b.constant(b.rng.random((3, 4, 1)) < 0.5, dtype=bool), x, b.constant(1.0)))
    if b.opset >= 12:
        outputs.append(b.node("Where", b.node("LessOrEqual", x, y), y, x))
    outputs.append(b.node("Cast", b.node("Cast", b.node("Mul", x, b.constant(5.0)), to=7), to=1))
    return tuple(outputs)


@form(8, 10, 11, 13, 18, 21)
def selections(b):
    """Slices, parts and gathers of images that lie with their channels last."""
    x = b.node("Conv", b.input(2, 4, 6, 5), b.weights(6, 4, 1, 1))

    def sliced(starts, ends, axes, steps):
        if b.opset < 10:
            return b.node("Slice", x, starts=starts, ends=ends, axes=axes)
        return b.node("Slice", x, b.ints(starts), b.ints(ends), b.ints(axes), b.ints(steps))

    outputs = [sliced([1], [3], [1], [1]), sliced([-4, 0], [2**31 - 1, 4], [2, 3], [1, 1]), sliced([0, 1], [-1, -1], [1, 3], [2, 1])
               if b.opset >= 10 else sliced([0], [-1], [1], [1])]
    if b.opset >= 10:
        outputs += [sliced([-1], [-100], [2], [-2]), sliced([4, 5], [0, -(2**31)], [1, 2], [-1, -1])]
    if b.opset >= 13:
        outputs += b.node("Split", x, b.ints([1, 2, 3]), outputs=3, axis=1)
    else:
        outputs += b.node("Split", x, outputs=3, axis=1, split=[1, 2, 3])
    if b.opset >= 18:
        outputs += b.node("Split", x, outputs=2, axis=3, num_outputs=2)
    else:
        outputs += b.node("Split", x, outputs=2, axis=2)
    last = -1 if b.opset >= 11 else 2
    outputs += [b.node("Gather", x, b.ints([2, 0, 2]), axis=1), b.node("Gather", x, b.constant(1, dtype=np.int64), axis=2),
                b.node("Gather", x, b.constant([[0, last], [1, 1]], dtype=np.int64), axis=3),
                b.node("Tile", x, b.ints([1, 2, 1, 3]))]
    return tuple(outputs)


@form(11, 13, 18, 21)
def pad_modes(b):
    x = b.node("Conv", b.input(1, 3, 4, 5), b.weights(3, 3, 1, 1))
    pads = b.ints([0, 0, 1, 2, 0, 1, 3, 1])
    outputs = [b.node("Pad", x, pads, mode="reflect"), b.node("Pad", x, pads, mode="edge"),
               b.node("Pad", x, b.ints([0, 0, -1, 2, 0, 0, 1, -1]), b.constant(0.5))]
    if b.opset >= 19:
        outputs.append(b.node("Pad", x, pads, mode="wrap"))
    return tuple(outputs)


@form(11, 13, 18, 19)
def resizes(b):
    x = b.node("Conv", b.input(1, 3, 5, 4), b.weights(3, 3, 1, 1))
    mode = pick(b, "nearest", "linear", "cubic")
    attributes = {"mode": mode}
    kinds = ["half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel"]
    attributes["coordinate_transformation_mode"] = pick(b, *kinds)
    if mode == "nearest":
        attributes["nearest_mode"] = pick(b, "round_prefer_floor", "round_prefer_ceil", "floor", "ceil")
    if mode == "cubic":
        attributes.update(pick(b, {}, {"cubic_coeff_a": -0.5}, {"exclude_outside": 1}))
    if b.rng.random() < 0.5:
        return b.node("Resize", x, b.constant([]), b.constant([1, 1, *pick(b, (2, 3), (1.5, 0.75), (0.6, 2.0))]), **attributes)
    return b.node("Resize", x, b.constant([]), b.constant([]), b.ints([1, 3, *pick(b, (10, 8), (7, 3), (3, 9))]), **attributes)


@form(9)
def upsample_linear(b):
    return b.node("Upsample", b.input(1, 3, 3, 4), b.constant([1, 1, 2, 2]), mode="linear")


@form(17, 21)
def layer_norms(b):
    x = b.input(2, 3, 4, 5)
    c = b.node("Conv", x, b.weights(3, 3, 1, 1))
    axis = int(pick(b, -1, 1, 2, 3))
    shape = [2, 3, 4, 5][axis:]
    y = b.node("LayerNormalization", c, b.weights(*shape), b.weights(*shape), axis=axis, epsilon=1e-3)
    z = b.node("LayerNormalization", x, b.weights(5))
    mean = b.node("LayerNormalization", x, b.weights(5), b.weights(5), outputs=3)
    return y, z, *mean


@form(7, 11, 13, 17, 21)
def norms(b):
    x = b.node("Conv", b.input(2, 4, 5, 6), b.weights(6, 4, 1, 1))
    return (b.node("InstanceNormalization", x, b.weights(6), b.weights(6), epsilon=1e-3),
            b.node("LRN", x, size=int(pick(b, 3, 5, 7)), alpha=0.2, beta=0.6, bias=1.5), b.node("LRN", x, size=3))


@form(7, 11, 13, 18, 21)
def composed_reductions(b):
    x = b.node("Abs", b.node("Conv", b.input(2, 3, 4, 5), b.weights(3, 3, 1, 1)))
    axes = pick(b, [2, 3], [1], [0, 2], [1, 2, 3], [3, 1])
    kinds = ["ReduceSumSquare", "ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceProd"]
    keep = int(b.rng.integers(2))
    softmax = b.node("LogSoftmax", x, axis=int(pick(b, 1, 2, 3)))
    return (*[b.axes(kind, x, axes, 18, keepdims=keep) for kind in kinds], softmax)


@form(9, 11, 13, 17)
def spelt_out(b):
    """Functions that exporters write in several operators, in several orders."""
    x = b.node("Conv", b.input(1, 4, 6, 6), b.weights(4, 4, 1, 1))
    shifted = b.node("Add", x, b.constant(3.0))
    if b.opset < 11:
        six = b.node("Clip", shifted, min=0.0, max=6.0)
    else:
        six = b.node("Clip", shifted, b.constant(0.0), b.constant(6.0))
    swish = pick(b, lambda: b.node("Div", b.node("Mul", x, six), b.constant(6.0)),
                 lambda: b.node("Mul", x, b.node("Mul", six, b.constant(1 / 6))),
                 lambda: b.node("Mul", b.node("Div", six, b.constant(6.0)), x))()
    silu = b.node("Mul", x, b.node("Sigmoid", x))
    erf = b.node("Add", b.node("Erf", b.node("Div", x, b.constant(2 ** 0.5))), b.constant(1.0))
    gelu = pick(b, lambda: b.node("Mul", b.node("Mul", x, erf), b.constant(0.5)),
                lambda: b.node("Mul", b.node("Mul", x, b.constant(0.5)), erf))()
    leaky = b.node("Max", x, b.node("Mul", x, b.constant(0.1)))
    mish = b.node("Mul", x, b.node("Tanh", b.node("Softplus", x)))
    return swish, silu, gelu, leaky, mish, b.node("Mul", x, b.node("Sigmoid", b.node("Neg", x)))


@form(7, 13, 17)
def small_constants(b):
    """What keeps a logarithm or a quotient finite is no rounding of the function before it."""
    x = b.node("Relu", b.input(2, 3, 8))
    square = b.node("Add", b.node("Mul", x, x), b.constant(1e-8))
    silu = b.node("Add", b.node("Mul", x, b.node("Sigmoid", x)), b.constant(1e-7))
    return b.node("Log", square), b.node("Div", x, b.node("Sqrt", square)), b.node("Log", silu)


@form(7, 11, 13, 17)
def norm_spelt_out(b):
    x = b.node("MatMul", b.input(2, 3, 8), b.weights(8, 6))
    mean = b.node("ReduceMean", x, axes=[-1] if b.opset >= 11 else [2])
    centered = b.node("Sub", x, mean)
    square = b.node("Mul", centered, centered) if b.rng.random() < 0.5 else b.node("Pow", centered, b.constant(2.0))
    variance = b.node("Add", b.node("ReduceMean", square, axes=[2]), b.constant(1e-5))
    if b.rng.random() < 0.5:
        y = b.node("Div", centered, b.node("Sqrt", variance))
    else:
        y = b.node("Mul", centered, b.node("Reciprocal", b.node("Sqrt", variance)))
    return b.node("Add", b.node("Mul", y, b.weights(6)), b.weights(6))


@form(11, 13, 19)
def volumes(b):
    x = b.input(2, 3, 5, 6, 4)
    y = b.node("Conv", x, b.weights(4, 3, 2, 3, 2), b.weights(4), strides=[2, 1, 1], pads=[1, 1, 0, 0, 1, 1])
    z = b.node("ConvTranspose", x, b.weights(3, 2, 2, 2, 3), b.weights(2), strides=[2, 1, 2])
    pools = [b.node("MaxPool", y, kernel_shape=[2, 2, 2], strides=[1, 2, 1], pads=[1, 0, 1, 0, 1, 0]),
             b.node("AveragePool", y, kernel_shape=[2, 2, 2], pads=[1, 0, 1, 0, 1, 0]),
             b.node("AveragePool", y, kernel_shape=[2, 2, 2], pads=[1, 0, 1, 0, 1, 0], count_include_pad=1),
             b.node("MaxPool", b.input(1, 2, 9, 9), kernel_shape=[3, 2], dilations=[2, 3], pads=[1, 0, 1, 1])]
    return y, z, *pools, b.node("GlobalAveragePool", y)


@form(11, 13, 17)
def embedding(b):
    """Token ids, and numbers that are whole ones."""
    ids = b.fresh("ids")
    b.inputs.append(helper.make_tensor_value_info(ids, TensorProto.INT64, (2, 5)))
    b.feeds[ids] = b.rng.integers(-7, 7, (2, 5)).astype(np.int64)
    x = b.node("Gather", b.weights(7, 6), ids)
    hot = b.node("OneHot", ids, b.constant(7, dtype=np.int64), b.constant([0.25, 2.0]), axis=int(pick(b, -1, 0, 1)))
    half = b.node("Cast", b.node("Div", ids, b.constant(2, dtype=np.int64)), to=1)
    mask = b.node("Cast", b.node("Equal", ids, b.constant(3, dtype=np.int64)), to=1)
    return b.node("MatMul", x, b.weights(6, 3)), hot, half, mask


@form(10, 13, 19)
def integers(b):
    """Real numbers to integers and back, and their products."""
    x = b.input(2, 6)
    scale, zero = b.constant(0.05), b.constant(130, dtype=np.uint8)
    q = b.node("QuantizeLinear", x, scale, zero)
    w = b.constant(b.rng.integers(-127, 128, (6, 4)), dtype=np.int8)
    if b.opset >= 13:
        real = b.node("DequantizeLinear", w, b.constant(b.rng.random(4) * 0.01 + 0.005), b.constant(np.zeros(4), dtype=np.int8), axis=1)
    else:
        real = b.node("DequantizeLinear", w, b.constant(0.01), b.constant(0, dtype=np.int8))
    w8 = b.constant(b.rng.integers(0, 256, (6, 4)), dtype=np.uint8)
    product = b.node("QLinearMatMul", q, scale, zero, w8, b.constant(0.01), b.constant(120, dtype=np.uint8), b.constant(0.1),
                     b.constant(128, dtype=np.uint8))
    sums = b.node("Cast", b.node("MatMulInteger", q, w8, zero, b.constant(120, dtype=np.uint8)), to=1)
    return (b.node("MatMul", b.node("DequantizeLinear", q, scale, zero), real), sums,
            b.node("DequantizeLinear", product, b.constant(0.1), b.constant(128, dtype=np.uint8)))


@form()
def shape_arithmetic(b):
    """What PyTorch writes for x.view(x.size(0), -1), and more of the kind."""
    x = b.node("Conv", b.input(2, 3, 4, 5), b.weights(4, 3, 1, 1))
    shape = b.node("Shape", x)
    batch = b.node("Gather", shape, b.ints(0), axis=0)
    rest = b.node("Mul", b.node("Gather", shape, b.ints(1)), b.node("Mul", b.node("Gather", shape, b.ints(-2)),
                                                                    b.node("Gather", shape, b.ints(3))))
    target = b.node("Concat", b.axes("Unsqueeze", batch, [0], 13), b.axes("Unsqueeze", rest, [0], 13), axis=0)
    y = b.node("Gemm", b.node("Reshape", x, target), b.weights(80, 3), b.weights(3))
    if b.opset >= 9:
        zeros = b.node("ConstantOfShape", shape, value=helper.make_tensor("v", TensorProto.FLOAT, [1], [0.5]))
        z = b.node("Add", x, zeros)
        return y, z
    return y


@form(11, 13)
def shape_slices(b):
    x = b.input(1, 6, 4, 4)
    shape = b.node("Cast", b.node("Shape", x), to=TensorProto.FLOAT)
    half = b.node("Cast", b.node("Floor", b.node("Div", shape, b.constant(2.0))), to=TensorProto.INT64)
    part = b.node("Slice", half, b.ints([1]), b.ints([2**63 - 1]))
    back = b.node("Slice", part, b.ints([-1]), b.ints([-(2**63)]), b.ints([0]), b.ints([-1]))
    target = b.node("Concat", b.ints([1]), back, b.ints([-1]), axis=0)
    return b.node("Relu", b.node("Reshape", x, target))


@form(13)
def branches(b):
    x = b.input(1, 4, 3, 3)
    rank = b.node("Size", b.node("Shape", x))
    condition = b.node("Equal", rank, b.ints(4))
    value = helper.make_tensor_value_info
    then = helper.make_graph([helper.make_node("Relu", [x], ["then.out"])], "then", [],
                             [value("then.out", TensorProto.FLOAT, None)])
    other = helper.make_graph([helper.make_node("Flatten", [x], ["else.out"])], "else", [],
                              [value("else.out", TensorProto.FLOAT, None)])
    return b.node("If", condition, then_branch=then, else_branch=other)


@form()
def constants(b):
    x = b.input(2, 3)
    y = b.node("Add", x, b.node("Constant", value=numpy_helper.from_array(np.float32([1, 2, 3]))))
    y = b.node("Add", y, b.constant([0.5, 0.25, 0.125], raw=False))
    y = b.node("Mul", y, b.node("Cast", b.constant([2, 3, 4], False, np.int8), to=TensorProto.FLOAT))
    y = b.node("Mul", y, b.node("Cast", b.constant([2, 3, 4], True, np.int32), to=TensorProto.FLOAT))
    y = b.node("Add", y, b.node("Cast", b.constant([2, 3, 4], False, np.float64), to=TensorProto.FLOAT))
    y = b.node("Add", y, b.node("Cast", b.constant([2.5, 3, -4], False, np.float16), to=TensorProto.FLOAT))
    y = b.node("Add", y, b.node("Cast", b.constant([2.5, 3, -4], True, np.float16), to=TensorProto.FLOAT))
    if b.opset >= 13:
        y = b.node("Add", y, b.node("Constant", value_floats=[1.0, 2.0, 3.0]))
        y = b.node("Mul", y, b.node("Constant", value_float=0.5))
    transposed = b.node("Transpose", b.constant(b.rng.standard_normal((4, 3))), perm=[1, 0])
    return b.node("MatMul", b.node("Identity", b.node("Dropout", y)), transposed)


@form()
def tf2onnx(b):
    """NHWC inputs with a Transpose in front, as converters from TensorFlow write."""
    x = b.node("Transpose", b.input(2, 5, 6, 3), perm=[0, 3, 1, 2])
    y = b.node("Relu", b.node("Conv", x, b.weights(4, 3, 3, 3), auto_pad="SAME_UPPER", strides=[2, 2]))
    y = b.node("Transpose", y, perm=[0, 2, 3, 1])
    y = b.node("Reshape", y, b.ints([-1, 36]))
    return b.node("Add", b.node("MatMul", y, b.weights(36, 4)), b.weights(4))


@form()
def residual(b):
    x = b.node("Conv", b.input(1, 4, 6, 6), b.weights(8, 4, 3, 3), b.weights(8), pads=[1, 1, 1, 1])
    y = b.node("Conv", b.node("Relu", x), b.weights(8, 8, 3, 3), pads=[1, 1, 1, 1])
    z = b.node("Relu", b.node("Add", y, x))
    return b.node("Concat", z, b.node("Conv", z, b.weights(2, 8, 1, 1)), axis=1)


def cases(seed, repeats=3):
    for name, (function, opset) in FORMS.items():
        for repeat in range(repeats):
            rng = np.random.default_rng([seed, repeat, sum(name.encode())])
            builder = Builder(rng, opset)
            outputs = function(builder)
            outputs = outputs if isinstance(outputs, tuple) else (outputs,)
            yield f"{name}-{repeat}", builder.model(*outputs), builder.feeds
