"""Models as exporters and optimizers write them: further forms beside those of forms.py.

ONNX Runtime's optimizer and its operators, functions of PyTorch's exporter, idioms of PyTorch, TensorFlow, Paddle and of
old converters.
"""

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from forms import form, pick

MICROSOFT = "com.microsoft"


def microsoft(b):
    b.domains[MICROSOFT] = 1


def ints_input(b, *shape, low=0, high=7):
    name = b.fresh("ids")
    b.inputs.append(helper.make_tensor_value_info(name, TensorProto.INT64, shape))
    b.feeds[name] = b.rng.integers(low, high, shape).astype(np.int64)
    return name


# ONNX Runtime's optimizer


@form(11, 13, 17, 21)
def ort_fused_conv(b):
    microsoft(b)
    x = b.input(1, 4, 6, 5)
    outputs = []
    for activation, parameters in (("Relu", []), ("Sigmoid", []), ("Tanh", []), ("LeakyRelu", [0.2]), ("Clip", [-0.5, 0.75]),
                                   ("HardSigmoid", [0.3, 0.4])):
        attributes = {"activation_params": parameters} if parameters else {}
        outputs.append(b.node("FusedConv", x, b.weights(6, 4, 3, 3), b.weights(6), domain=MICROSOFT, pads=[1, 1, 1, 1],
                              activation=activation, **attributes))
    outputs.append(b.node("FusedConv", x, b.weights(6, 4, 3, 3), b.weights(6), outputs[0], domain=MICROSOFT, pads=[1, 1, 1, 1],
                          activation="Relu"))
    return tuple(outputs)


@form(11, 17)
def ort_fused_products(b):
    microsoft(b)
    x, y = b.input(2, 3, 4), b.input(2, 5, 4)
    return (b.node("FusedMatMul", x, y, domain=MICROSOFT, transB=1, alpha=0.25),
            b.node("FusedMatMul", x, b.weights(3, 5), domain=MICROSOFT, transA=1, alpha=2.0),
            b.node("FusedGemm", b.input(3, 4), b.weights(4, 5), b.weights(5), domain=MICROSOFT, activation="Relu"),
            b.node("FusedGemm", b.input(3, 4), b.weights(5, 4), b.weights(5), domain=MICROSOFT, transB=1, activation="LeakyRelu",
                   activation_alpha=0.3))


@form(13, 17)
def ort_activations(b):
    microsoft(b)
    x = b.node("MatMul", b.input(2, 3, 6), b.weights(6, 8))
    bias = b.weights(8)
    return (b.node("Gelu", x, domain=MICROSOFT), b.node("BiasGelu", x, bias, domain=MICROSOFT),
            b.node("FastGelu", x, domain=MICROSOFT), b.node("FastGelu", x, bias, domain=MICROSOFT),
            b.node("QuickGelu", x, domain=MICROSOFT), b.node("QuickGelu", x, domain=MICROSOFT, alpha=1.0))


@form(12, 17)
def ort_norms(b):
    microsoft(b)
    x, skip = b.input(2, 3, 8), b.input(2, 3, 8)
    y = b.node("SkipLayerNormalization", x, skip, b.weights(8), b.weights(8), b.weights(8), domain=MICROSOFT, epsilon=1e-5)
    names = b.node("SkipLayerNormalization", y, skip, b.weights(8), b.weights(8), domain=MICROSOFT, epsilon=1e-5, outputs=4)
    b.nodes[-1].output[1] = b.nodes[-1].output[2] = ""
    z = b.node("LayerNormalization", names[0], b.weights(8), b.weights(8), epsilon=1e-5)
    w = b.node("SimplifiedLayerNormalization", z, b.weights(8), axis=-1, epsilon=1e-5)
    return y, b.node("Identity", names[3]), w, b.node("SkipSimplifiedLayerNormalization", w, skip, b.weights(8), domain=MICROSOFT, epsilon=1e-5)


@form(12, 17)
def ort_attention(b):
    microsoft(b)
    x = b.input(2, 5, 8)
    plain = b.node("Attention", x, b.weights(8, 24), b.weights(24), domain=MICROSOFT, num_heads=2)
    mask = b.fresh("mask")
    b.inputs.append(helper.make_tensor_value_info(mask, TensorProto.INT32, (2, 5)))
    b.feeds[mask] = np.int32([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]])
    return plain, b.node("Attention", x, b.weights(8, 24), b.weights(24), mask, domain=MICROSOFT, num_heads=4)


@form(11, 17)
def ort_dynamic(b):
    """What its dynamic quantization writes."""
    microsoft(b)
    x = b.node("Relu", b.input(3, 8))
    w = b.constant(b.rng.integers(-127, 128, (8, 4)), dtype=np.int8)
    y = b.node("DynamicQuantizeMatMul", x, w, b.constant(0.01), b.constant(0, dtype=np.int8), b.weights(4), domain=MICROSOFT)
    q, scale, zero = b.node("DynamicQuantizeLinear", x, outputs=3)
    z = b.node("MatMulIntegerToFloat", q, w, scale, b.constant(0.02), zero, domain=MICROSOFT)
    i = b.node("MatMulInteger", q, w, zero, b.constant(0, dtype=np.int8))
    return y, z, b.node("Mul", b.node("Cast", i, to=1), b.node("Mul", scale, b.constant(0.01)))


# Functions of the model


@form(13, 18)
def local_functions(b):
    """Operators as functions, one of which calls another, with attributes and an input that is left out."""
    domain = "pkg.example"
    b.domains[domain] = 1
    sets = [helper.make_opsetid("", b.opset), helper.make_opsetid(domain, 1)]
    alpha = helper.make_node("LeakyRelu", ["x"], ["y"])
    reference = alpha.attribute.add()
    reference.name, reference.ref_attr_name, reference.type = "alpha", "slope", 1
    leaky = helper.make_function(domain, "Leaky", ["x"], ["y"], [alpha], sets, ["slope"])
    body = [helper.make_node("MatMul", ["x", "w"], ["t"]), helper.make_node("Leaky", ["t"], ["u"], domain=domain, slope=0.25),
            helper.make_node("Clip", ["u", "low", "high"], ["y"])]
    linear = helper.make_function(domain, "Linear", ["x", "w", "low", "high"], ["y"], body, sets)
    b.functions += [leaky, linear]
    x = b.input(2, 4)
    y = b.node("Linear", x, b.weights(4, 5), "", b.constant(0.5), domain=domain)
    z = b.node("Linear", y, b.weights(5, 3), domain=domain)
    return y, z, b.node("Leaky", x, domain=domain, slope=0.125)


@form(18)
def torch_functions(b):
    """The style of PyTorch's exporter of 2.1 to 2.4: operators as functions, types by CastLike."""
    domain = "pkg.onnxscript.torch_lib"
    b.domains[domain] = 1
    sets = [helper.make_opsetid("", 18)]
    add = helper.make_function(domain, "aten_add", ["a", "b"], ["y"], [
        helper.make_node("Constant", [], ["one"], value_float=1.0), helper.make_node("CastLike", ["one", "b"], ["alpha"]),
        helper.make_node("Mul", ["b", "alpha"], ["scaled"]), helper.make_node("Add", ["a", "scaled"], ["y"])], sets)
    flat = helper.make_function(domain, "aten_view", ["x", "size"], ["y"], [
        helper.make_node("Cast", ["size"], ["shape"], to=7), helper.make_node("Reshape", ["x", "shape"], ["y"])], sets)
    b.functions += [add, flat]
    x = b.node("Conv", b.input(2, 3, 4, 4), b.weights(4, 3, 3, 3), pads=[1, 1, 1, 1])
    y = b.node("aten_add", x, b.node("Relu", x), domain=domain)
    z = b.node("aten_view", y, b.constant([2, -1], dtype=np.int32), domain=domain)
    return b.node("Gemm", z, b.weights(3, 64), b.weights(3), transB=1)


# Operators by place


@form(9, 11, 13, 17)
def arguments(b):
    x = b.node("Conv", b.input(2, 3, 4, 5), b.weights(6, 3, 1, 1))
    axis = int(pick(b, 0, 1, 2, 3))
    outputs = [b.node("ArgMax", x, axis=axis, keepdims=1), b.node("ArgMin", x, axis=axis, keepdims=0), b.node("Hardmax", x, axis=axis)]
    ties = b.node("Round", b.input(2, 3, 6)) if b.opset >= 11 else b.node("Floor", b.input(2, 3, 6))
    outputs.append(b.node("ArgMax", ties, axis=2, keepdims=0))
    if b.opset >= 12:
        outputs.append(b.node("ArgMax", ties, axis=-1, select_last_index=1))
    return tuple(b.node("Cast", o, to=1) for o in outputs)


@form(11, 13, 16)
def by_index(b):
    x = b.node("Conv", b.input(2, 4, 3, 5), b.weights(4, 4, 1, 1))
    outputs = [b.node("GatherElements", x, b.constant(b.rng.integers(-3, 3, (2, 4, 2, 5)), dtype=np.int64), axis=2),
               b.node("GatherND", x, b.constant([[0, 1], [1, -1], [1, 0]], dtype=np.int64)),
               b.node("GatherND", x, b.constant([[[1]], [[0]]], dtype=np.int64)),
               b.node("ScatterND", x, b.constant([[0, 1], [1, 3]], dtype=np.int64), b.input(2, 3, 5)),
               b.node("ScatterND", x, b.constant([[0, 1, 2, 4]], dtype=np.int64), b.constant([0.5])),
               b.node("ScatterElements", x, b.constant([[[[2, 0, 1, 1, 0]]]], dtype=np.int64), b.input(1, 1, 1, 5), axis=2)]
    return tuple(outputs)


@form(14, 17)
def triangles(b):
    x = b.node("MatMul", b.input(2, 4, 4), b.weights(4, 4))
    mask = b.node("Trilu", b.constant(np.full((4, 4), -np.inf)), b.constant(1, dtype=np.int64))
    causal = b.node("Softmax", b.node("Add", x, b.node("Trilu", b.constant(np.full((4, 4), -1e4)), b.constant(1, dtype=np.int64))))
    eye = b.node("EyeLike", b.constant(np.zeros((4, 4))), k=1)
    hidden = b.node("Where", b.node("Equal", mask, b.constant(-np.inf)), b.constant(0.0), x)
    return (causal, hidden, b.node("Trilu", x, upper=0), b.node("Add", x, eye),
            b.node("CumSum", x, b.constant(1, dtype=np.int64)), b.node("CumSum", x, b.constant(-1, dtype=np.int64), exclusive=1),
            b.node("CumSum", x, b.constant(2, dtype=np.int64), reverse=1))


@form(12, 17)
def einsums(b):
    x, y = b.input(2, 3, 4, 5), b.input(2, 6, 4, 5)
    w = b.weights(5, 4, 7)
    return (b.node("Einsum", x, y, equation="bqhd,bkhd->bhqk"), b.node("Einsum", x, w, equation="bshd,dhe->bse"),
            b.node("Einsum", x, w, equation="bshd, dhe -> bshe"), b.node("Einsum", x, equation="bshd->bhsd"),
            b.node("Einsum", b.input(3, 4), b.input(4, 5), equation="ij,jk"), b.node("Einsum", x, b.input(5, 6), equation="...d,de->...e"),
            b.node("Einsum", b.input(3), b.input(4), equation="i,j->ij"), b.node("Einsum", x, b.input(2, 3, 4, 5), equation="bshd,bshd->bs"),
            b.node("Einsum", b.input(2, 3), b.input(3, 4), b.input(4, 5), equation="ij,jk,kl->il"), b.node("Einsum", x, equation="bshd->b"))


@form(11, 13, 18)
def computed_bounds(b):
    """Spectra in decibels, kept within 80 dB of the greatest."""
    x = b.node("Add", b.node("Abs", b.input(1, 1, 6, 5)), b.constant(0.01))
    decibels = b.node("Mul", b.node("Log", x), b.constant(4.34))
    floor = b.node("Sub", b.node("ReduceMax", decibels, keepdims=0), b.constant(3.0))
    return b.node("Clip", decibels, floor), b.node("Clip", decibels, "", b.node("Squeeze", floor))


@form(11, 13, 17)
def torch_norms(b):
    """F.normalize, weight_norm, and the norms of old converters."""
    x = b.input(2, 6, 4)
    axes = dict(axes=[1], keepdims=1)
    length = b.node("ReduceL2", x, **axes)
    if b.opset < 12:
        length = b.node("Clip", length, b.constant(1e-12))
    else:
        length = b.node("Max", length, b.constant(1e-12))
    normal = b.node("Div", x, b.node("Expand", length, b.node("Shape", x)))
    v = b.weights(5, 6, 3)
    norm = b.node("ReduceL2", v, axes=[1, 2], keepdims=1)
    w = b.node("Mul", b.node("Div", v, norm), b.weights(5, 1, 1))
    return (normal, b.node("Conv", x, w, b.weights(5), pads=[1, 1]), b.node("LpNormalization", x, axis=1, p=int(pick(b, 1, 2))),
            b.node("LpPool", b.input(1, 2, 4, 6), kernel_shape=[2, 3], strides=[1, 2], p=2), b.node("GlobalLpPool", b.input(1, 2, 4, 6)))


@form(9, 11, 13)
def old_ranges(b):
    """torch.arange, before there was an operator for it, and positions from it."""
    x = b.input(1, 5, 6)
    count = b.node("Gather", b.node("Shape", x), b.ints(1), axis=0)
    ones = b.node("ConstantOfShape", b.axes("Unsqueeze", count, [0], 13), value=helper.make_tensor("v", TensorProto.INT64, [1], [1]))
    places = b.axes("Squeeze", b.node("Transpose", b.node("NonZero", ones)), [1], 13)
    embedded = b.node("Gather", b.weights(9, 6), places)
    angles = b.node("Cast", places, to=1)
    return b.node("Add", x, embedded), b.node("Mul", x, b.axes("Unsqueeze", b.node("Sin", angles), [1], 13))


@form(10, 13, 20)
def not_numbers(b):
    x = b.input(2, 3)
    y = b.node("Div", x, b.constant([1.0, 0.0, 2.0]))
    outputs = [b.node("Where", b.node("IsNaN", y), b.constant(0.0), x), b.node("Where", b.node("IsInf", y), b.constant(1.0), x),
               b.node("Where", b.node("IsInf", y, detect_negative=0), b.constant(1.0), x)]
    return tuple(outputs)


@form(13, 17)
def half_precision(b):
    """Weights of 16 bits behind casts, and inputs of 16 bits."""
    x = b.node("Cast", b.input(2, 3, 5, 5), to=TensorProto.FLOAT16)
    w = b.constant(b.rng.standard_normal((4, 3, 3, 3)) / 5, dtype=np.float16)
    y = b.node("Cast", b.node("Relu", b.node("Cast", b.node("Conv", x, w), to=1)), to=1)
    return (b.node("Round", y),)


@form(11, 13, 17)
def windows_attention(b):
    """Shifted windows: rolls by slices, partitions by reshapes, a mask that is written piece by piece."""
    x = b.input(1, 4, 6, 8)
    two = b.ints([2])
    rolled = b.node("Concat", b.node("Slice", x, two, b.ints([2**63 - 1]), b.ints([1])), b.node("Slice", x, b.ints([0]), two, b.ints([1])), axis=1)
    parts = b.node("Transpose", b.node("Reshape", rolled, b.ints([1, 2, 2, 3, 2, 8])), perm=[0, 1, 3, 2, 4, 5])
    tokens = b.node("Reshape", parts, b.ints([-1, 4, 8]))
    qkv = b.node("Transpose", b.node("Reshape", b.node("MatMul", tokens, b.weights(8, 24)), b.ints([6, 4, 3, 2, 4])), perm=[2, 0, 3, 1, 4])
    q, k, v = [b.node("Gather", qkv, b.ints(i), axis=0) for i in range(3)]
    scores = b.node("MatMul", b.node("Mul", q, b.constant(0.5)), b.node("Transpose", k, perm=[0, 1, 3, 2]))
    mask = b.node("ScatterND", b.constant(np.zeros((6, 1, 4, 4))), b.constant([[1], [4]], dtype=np.int64), b.constant(np.full((2, 1, 4, 4), -9.0)))
    p = b.node("Softmax", b.node("Add", scores, mask), axis=3)
    out = b.node("Reshape", b.node("Transpose", b.node("MatMul", p, v), perm=[0, 2, 1, 3]), b.ints([6, 4, 8]))
    return b.node("MatMul", out, b.weights(8, 5))


@form(11, 13)
def paddle(b):
    """HardSwish by its pieces, squeeze-and-excitation, shapes from slices, a split of a reshaped product."""
    x = b.node("Conv", b.input(1, 3, 8, 8), b.weights(8, 3, 3, 3), pads=[1, 1, 1, 1], strides=[2, 2])
    x = b.node("BatchNormalization", x, b.weights(8), b.weights(8), b.weights(8), b.constant(b.rng.random(8) + 0.5))
    h = b.node("Div", b.node("Mul", x, b.node("Clip", b.node("Add", x, b.constant(3.0)), b.constant(0.0), b.constant(6.0))), b.constant(6.0))
    s = b.node("Conv", b.node("GlobalAveragePool", h), b.weights(2, 8, 1, 1))
    s = b.node("HardSigmoid", b.node("Conv", b.node("Relu", s), b.weights(8, 2, 1, 1)), alpha=0.2, beta=0.5)
    y = b.node("Mul", h, s)
    shape = b.node("Slice", b.node("Shape", y), b.ints([2]), b.ints([4]), b.ints([0]))
    empty = b.constant([]) if b.opset < 13 else ""
    up = b.node("Resize", b.node("AveragePool", y, kernel_shape=[2, 2], strides=[2, 2]), empty, empty,
                b.node("Concat", b.node("Slice", b.node("Shape", y), b.ints([0]), b.ints([2])), shape, axis=0),
                mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor")
    z = b.node("Concat", up, y, axis=1)
    flat = b.node("Reshape", z, b.node("Concat", b.ints([-1]), b.node("Gather", b.node("Shape", z), b.ints([1])), b.ints([16]), axis=0))
    return b.node("Add", b.node("MatMul", flat, b.weights(16, 4)), b.weights(4)), z


@form(9, 11, 13)
def keras(b):
    """Lines of time steps: transposes around each convolution, flattening of channels last."""
    x = b.node("Transpose", b.input(2, 9, 3), perm=[0, 2, 1])
    y = b.node("Conv", b.axes("Unsqueeze", x, [2], 13), b.weights(4, 3, 1, 3), auto_pad="SAME_UPPER")
    y = b.axes("Squeeze", y, [2], 13)
    y = b.node("Transpose", b.node("Relu", y), perm=[0, 2, 1])
    y = b.node("MaxPool", b.node("Transpose", y, perm=[0, 2, 1]), kernel_shape=[2], strides=[2], auto_pad="SAME_LOWER")
    y = b.node("Reshape", b.node("Transpose", y, perm=[0, 2, 1]), b.ints([0, -1]))
    return b.node("Softmax", b.node("Add", b.node("MatMul", y, b.weights(20, 4)), b.weights(4)))


@form(9, 12, 15)
def keras_norms(b):
    """Normalizations as a scale and an offset of each row, and as a batch normalization by its own statistics."""
    x = b.node("Relu", b.input(1, 12, 8))
    axis = int(pick(b, 1, 2))
    shape = (1, 12, 1) if axis == 1 else (8,)
    mean = b.node("ReduceMean", x, axes=[axis])
    distance = b.node("Sub", x, mean)
    variance = b.node("ReduceMean", b.node("Mul", distance, distance), axes=[axis])
    inverse = b.node("Reciprocal", b.node("Sqrt", b.node("Add", variance, b.constant(1e-3))))
    m = b.node("Mul", inverse, b.weights(*shape))
    y = b.node("Add", b.node("Mul", x, m), b.node("Sub", b.weights(*shape), b.node("Mul", mean, m)))
    rows = b.node("Reshape", y, b.ints([1, 12, 8, 1]))
    center = b.node("ReduceMean", rows, axes=[0, 2, 3])
    squares = b.node("ReduceSumSquare", b.node("Sub", rows, center), axes=[0, 2, 3], keepdims=0)
    flat = b.axes("Squeeze", center, [0, 2, 3], 13)
    z = b.node("BatchNormalization", rows, b.constant(np.ones(12)), b.constant(np.zeros(12)), flat,
               b.node("Div", squares, b.constant(8.0)), epsilon=1e-3)
    return y, b.node("Reshape", z, b.ints([1, 12, 8]))


# Attention and places as PyTorch's exporter writes them


@form(14, 17)
def dot_product_attention(b):
    """F.scaled_dot_product_attention: a scale made of the shape, a causal mask of infinities made of constants."""
    x = b.input(1, 6, 8)
    joined = b.node("Add", b.weights(24), b.node("MatMul", x, b.weights(8, 24)))
    q, k, v = [b.node("Transpose", b.node("Reshape", part, b.ints([1, 6, 2, 4])), perm=[0, 2, 1, 3])
               for part in b.node("Split", joined, b.ints([8] * 3), axis=2, outputs=3)]
    sizes = b.node("Shape", q)
    width = b.node("Slice", sizes, b.ints([-1]), b.ints([2**63 - 1]))
    scale = b.node("Sqrt", b.node("Div", b.constant([1.0]), b.node("Sqrt", b.node("Cast", width, to=1))))
    square = b.node("Concat", *[b.node("Slice", b.node("Shape", z), b.ints([-2]), b.ints([-1])) for z in (q, k)], axis=0)
    seen = b.node("Cast", b.node("Trilu", b.node("Expand", b.constant(1.0), square), upper=0), to=9)
    mask = b.node("Where", seen, b.constant(0.0), b.constant(-np.inf))
    scores = b.node("MatMul", b.node("Mul", q, scale), b.node("Mul", b.node("Transpose", k, perm=[0, 1, 3, 2]), scale))
    padding = b.constant(np.float32([0, 0, 0, 0, 0, np.finfo(np.float32).min]))
    p = b.node("Softmax", b.node("Add", b.node("Add", scores, mask), padding), axis=-1)
    return b.node("Reshape", b.node("Transpose", b.node("MatMul", p, v), perm=[0, 2, 1, 3]), b.ints([6, 8]))


@form(11, 13, 17)
def relative_places(b):
    """T5's buckets: logarithms of distances, of which some are 0, become places, and are replaced afterwards."""
    ids = ints_input(b, 1, 5)
    places = b.node("Range", b.ints(0), b.node("Gather", b.node("Shape", ids), b.ints(1)), b.ints(1))
    distance = b.node("Sub", b.axes("Unsqueeze", places, [0], 13), b.axes("Unsqueeze", places, [1], 13))
    size = b.node("Abs", distance)
    real = b.node("Log", b.node("Div", b.node("Cast", size, to=1), b.constant(2.0)))
    far = b.node("Add", b.node("Cast", b.node("Mul", b.node("Div", real, b.constant(2.7)), b.constant(2.0)), to=7), b.ints(2))
    far = b.node("Where", b.node("Less", far, b.ints(3)), far, b.ints(3))
    bucket = b.node("Mul", b.node("Cast", b.node("Greater", distance, b.ints(0)), to=7), b.ints(4))
    bucket = b.node("Add", bucket, b.node("Where", b.node("Less", size, b.ints(2)), size, far))
    bias = b.node("Transpose", b.node("Gather", b.weights(8, 2), bucket), perm=[2, 0, 1])
    return b.node("Add", b.node("Gather", b.weights(7, 5), ids), bias)


@form(9, 16)
def slopes(b):
    """PRelu with slopes of every shape, some of them below 0 and above 1."""
    x, y = b.node("Conv", b.input(1, 4, 3, 5), b.weights(4, 4, 1, 1)), b.node("MatMul", b.input(2, 3, 6), b.weights(6, 4))
    line = b.node("Conv", b.input(1, 3, 8), b.weights(4, 3, 3))
    return (*[b.node("PRelu", x, b.constant(b.rng.standard_normal(shape))) for shape in ((1, 4, 1, 1), (4, 3, 5), (5,), (1, 3, 1))],
            b.node("PRelu", y, b.weights(4)), b.node("PRelu", y, b.constant(np.full(4, 0.2))), b.node("PRelu", line, b.weights(4, 1)))


@form(9, 17)
def large_constants(b):
    """Weights that are one number."""
    ones = b.node("ConstantOfShape", b.ints([300, 250]), value=helper.make_tensor("v", TensorProto.FLOAT, [1], [0.01]))
    return b.node("Gemm", b.input(2, 250), ones, b.weights(300), transB=1)
