"""Parts of networks as PyTorch, TensorFlow and Keras are exported: blocks of several operators, for `make fuzz-onnx`.

They are compared with ONNX Runtime like the forms of forms.py, and compiled and verified for every target.
"""

import numpy as np
from onnx import TensorProto, helper, numpy_helper
from forms import form, pick

LAST = 2**63 - 1


def typed_input(b, dtype, *shape, array=None, name=None):
    name = name or b.fresh("in")
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    b.inputs.append(helper.make_tensor_value_info(name, kind, shape))
    b.feeds[name] = (array if array is not None else b.rng.standard_normal(shape)).astype(dtype)
    return name


def given(b, array, dtype=np.float32):
    """As a node, not as an initializer."""
    return b.node("Constant", value=numpy_helper.from_array(np.asarray(array, dtype)))


def ints(b, v):
    return given(b, v, dtype=np.int64)


@form(9, 11, 13, 17, 20)
def torch_group_norm(b):
    x = b.node("Conv", b.input(2, 3, 6, 5), b.weights(8, 3, 3, 3), b.weights(8))
    g = b.node("Reshape", x, ints(b, [0, 4, -1]))
    n = b.node("InstanceNormalization", g, given(b, np.ones(4)), given(b, np.zeros(4)), epsilon=1e-5)
    n = b.node("Reshape", n, b.node("Shape", x))
    y = b.node("Add", b.node("Mul", n, b.weights(8, 1, 1)), b.weights(8, 1, 1))
    return b.node("Relu", y)


@form(11, 13, 17)
def torch_interpolate(b):
    x = b.node("Conv", b.input(1, 3, 6, 4), b.weights(4, 3, 3, 3), pads=[1, 1, 1, 1])
    s = b.node("Shape", x)
    hw = b.node("Slice", s, ints(b, [2]), ints(b, [4]), ints(b, [0]))
    up = b.node("Cast", b.node("Floor", b.node("Mul", b.node("Cast", hw, to=1), given(b, [2.0, 1.5]))), to=7)
    size = b.node("Concat", b.node("Slice", s, ints(b, [0]), ints(b, [2]), ints(b, [0])), up, axis=0)
    empty = given(b, np.zeros(0))
    mode = pick(
        b,
        dict(mode="linear", coordinate_transformation_mode="align_corners"),
        dict(mode="linear", coordinate_transformation_mode="pytorch_half_pixel", cubic_coeff_a=-0.75),
        dict(mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor"),
        dict(mode="cubic", coordinate_transformation_mode="half_pixel", cubic_coeff_a=-0.75),
    )
    roi = empty if b.opset < 13 else ""
    sc = empty if b.opset < 13 else ""
    y = b.node("Resize", x, roi, sc, size, **mode)
    return b.node("Conv", y, b.weights(2, 4, 1, 1)), b.node("Relu", b.node("Resize", x, roi, given(b, [1.0, 1.0, 2.0, 2.0]), **mode))


@form(9, 11, 13)
def torch_mha(b):
    """nn.MultiheadAttention: time first, heads folded into the batch."""
    t, n, e, h = 5, 2, 8, 2
    x = b.input(t, n, e)
    qkv = b.node("Add", b.node("MatMul", x, b.weights(e, 3 * e)), b.weights(3 * e))
    parts = []
    for i in range(3):
        if b.opset < 10:
            parts.append(b.node("Slice", qkv, axes=[2], starts=[i * e], ends=[(i + 1) * e]))
        else:
            parts.append(b.node("Slice", qkv, ints(b, [i * e]), ints(b, [(i + 1) * e]), ints(b, [2]), ints(b, [1])))
    q, k, v = parts
    q = b.node("Mul", q, given(b, 0.5))
    q, k, v = [b.node("Transpose", b.node("Reshape", z, ints(b, [t, n * h, e // h])), perm=[1, 0, 2]) for z in (q, k, v)]
    p = b.node("Softmax", b.node("MatMul", q, b.node("Transpose", k, perm=[0, 2, 1])), axis=2)
    o = b.node("Reshape", b.node("Transpose", b.node("MatMul", p, v), perm=[1, 0, 2]), ints(b, [t, n, e]))
    avg = b.node("Reshape", p, ints(b, [n, h, t, t]))
    mean = (
        b.node("Div", b.node("ReduceSum", avg, axes=[1], keepdims=0), given(b, 2.0))
        if b.opset < 13
        else b.node("Div", b.node("ReduceSum", avg, ints(b, [1]), keepdims=0), given(b, 2.0))
    )
    return b.node("Add", b.node("MatMul", o, b.weights(e, e)), b.weights(e)), mean


@form(11, 14, 17)
def vit(b):
    x = b.node("Conv", b.input(2, 3, 8, 8), b.weights(8, 3, 4, 4), b.weights(8), strides=[4, 4], kernel_shape=[4, 4])
    s = b.node("Shape", x)
    sh = b.node("Concat", b.node("Slice", s, ints(b, [0]), ints(b, [2])), ints(b, [-1]), axis=0)
    x = b.node("Transpose", b.node("Reshape", x, sh), perm=[0, 2, 1])
    cls = (
        b.node("Expand", b.weights(1, 1, 8), b.node("Concat", b.node("Slice", s, ints(b, [0]), ints(b, [1])), ints(b, [-1, -1]), axis=0))
        if False
        else b.node("Expand", b.weights(1, 1, 8), b.node("Concat", b.node("Slice", s, ints(b, [0]), ints(b, [1])), ints(b, [1, 8]), axis=0))
    )
    x = b.node("Add", b.node("Concat", cls, x, axis=1), b.weights(1, 5, 8))
    if b.opset >= 17:
        y = b.node("LayerNormalization", x, b.weights(8), b.weights(8), axis=-1, epsilon=1e-6)
    else:
        m = b.node("ReduceMean", x, axes=[-1])
        d = b.node("Sub", x, m)
        v = b.node("ReduceMean", b.node("Pow", d, given(b, 2.0)), axes=[-1])
        y = b.node("Add", b.node("Mul", b.node("Div", d, b.node("Sqrt", b.node("Add", v, given(b, 1e-6)))), b.weights(8)), b.weights(8))
    z = b.node("Add", x, b.node("MatMul", y, b.weights(8, 8)))
    one = b.node("Gather", z, ints(b, 0), axis=1)
    return b.node("Gemm", one, b.weights(4, 8), b.weights(4), transB=1), z


@form(9, 13, 17)
def convnext(b):
    x = b.node("Conv", b.input(1, 8, 6, 6), b.weights(8, 1, 7, 7), b.weights(8), group=8, pads=[3, 3, 3, 3])
    y = b.node("Transpose", x, perm=[0, 2, 3, 1])
    if b.opset >= 17:
        y = b.node("LayerNormalization", y, b.weights(8), b.weights(8), epsilon=1e-6)
    y = b.node("Add", b.node("MatMul", y, b.weights(8, 16)), b.weights(16))
    y = b.node("Mul", b.node("Mul", y, b.node("Add", b.node("Erf", b.node("Div", y, given(b, 1.4142135))), given(b, 1.0))), given(b, 0.5))
    y = b.node("Add", b.node("MatMul", y, b.weights(16, 8)), b.weights(8))
    y = b.node("Transpose", b.node("Mul", b.weights(8), y), perm=[0, 3, 1, 2])
    return b.node("ReduceMean", b.node("Add", b.node("Identity", y), x), axes=[-2, -1], keepdims=0) if b.opset < 18 else y


@form(11, 12, 17)
def yolo_head(b):
    x = b.input(1, 3, 8, 8)

    def s(z, a, st):
        return b.node("Slice", z, ints(b, [st]), ints(b, [LAST]), ints(b, [a]), ints(b, [2]))

    f = b.node("Concat", s(s(x, 2, 0), 3, 0), s(s(x, 2, 1), 3, 0), s(s(x, 2, 0), 3, 1), s(s(x, 2, 1), 3, 1), axis=1)
    c = b.node("Conv", f, b.weights(8, 12, 3, 3), b.weights(8), pads=[1, 1, 1, 1])
    c = b.node("Mul", c, b.node("Sigmoid", c))
    p1 = b.node("MaxPool", c, kernel_shape=[5, 5], pads=[2, 2, 2, 2], strides=[1, 1])
    p2 = b.node("MaxPool", p1, kernel_shape=[5, 5], pads=[2, 2, 2, 2], strides=[1, 1])
    c = b.node("Concat", c, p1, p2, axis=1)
    d = b.node("Conv", c, b.weights(2 * 7, 24, 1, 1), b.weights(14))
    r = b.node("Transpose", b.node("Reshape", d, ints(b, [1, 2, 7, 4, 4])), perm=[0, 1, 3, 4, 2])
    g = b.node("Sigmoid", r)
    if b.opset < 13:
        xy, wh, cl = b.node("Split", g, axis=4, split=[2, 2, 3], outputs=3)
    else:
        xy, wh, cl = b.node("Split", g, ints(b, [2, 2, 3]), axis=4, outputs=3)
    grid = given(b, b.rng.random((1, 1, 4, 4, 2)))
    xy = b.node("Mul", b.node("Add", b.node("Mul", xy, given(b, 2.0)), grid), given(b, 8.0))
    wh = b.node("Mul", b.node("Pow", b.node("Mul", wh, given(b, 2.0)), given(b, 2.0)), given(b, b.rng.random((1, 2, 4, 4, 2))))
    return b.node("Reshape", b.node("Concat", xy, wh, cl, axis=4), ints(b, [1, -1, 7]))


@form(11, 13, 17)
def yolo8_head(b):
    x = b.node("Conv", b.input(1, 4, 4, 4), b.weights(16 + 3, 4, 1, 1), b.weights(19))
    y = b.node("Conv", b.input(1, 4, 2, 2), b.weights(16 + 3, 4, 1, 1), b.weights(19))
    z = b.node("Concat", b.node("Reshape", x, ints(b, [1, 19, -1])), b.node("Reshape", y, ints(b, [1, 19, -1])), axis=2)
    if b.opset < 13:
        box, cls = b.node("Split", z, axis=1, split=[16, 3], outputs=2)
    else:
        box, cls = b.node("Split", z, ints(b, [16, 3]), axis=1, outputs=2)
    d = b.node("Softmax", b.node("Transpose", b.node("Reshape", box, ints(b, [1, 4, 4, 20])), perm=[0, 2, 1, 3]), axis=1)
    d = b.node("Reshape", b.node("Conv", d, b.constant(np.arange(4).reshape(1, 4, 1, 1))), ints(b, [1, 4, 20]))
    lt = b.node("Slice", d, ints(b, [0]), ints(b, [2]), ints(b, [1]))
    rb = b.node("Slice", d, ints(b, [2]), ints(b, [4]), ints(b, [1]))
    anchors = given(b, b.rng.random((1, 2, 20)) * 4)
    x1, x2 = b.node("Sub", anchors, lt), b.node("Add", anchors, rb)
    c = b.node("Div", b.node("Add", x1, x2), given(b, 2.0))
    w = b.node("Sub", x2, x1)
    boxes = b.node("Mul", b.node("Concat", c, w, axis=1), given(b, np.array([[8.0] * 16 + [16.0] * 4])))
    return b.node("Concat", boxes, b.node("Sigmoid", cls), axis=1)


@form(9, 11, 13)
def wavenet(b):
    x = b.node("Conv", b.input(1, 2, 24), b.weights(8, 2, 1), b.weights(8))
    skip = None
    for d in (1, 2, 4):
        y = b.node("Conv", x, b.weights(16, 8, 2), b.weights(16), dilations=[d], pads=[d, 0])
        if b.opset < 13:
            f, g = b.node("Split", y, axis=1, split=[8, 8], outputs=2)
        else:
            f, g = b.node("Split", y, axis=1, outputs=2)
        z = b.node("Mul", b.node("Tanh", f), b.node("Sigmoid", g))
        s = b.node("Conv", z, b.weights(4, 8, 1), b.weights(4))
        skip = s if skip is None else b.node("Add", skip, s)
        x = b.node("Add", x, b.node("Conv", z, b.weights(8, 8, 1)))
    return b.node("ReduceMean", b.node("Relu", skip), axes=[2], keepdims=0), b.node("Transpose", skip, perm=[0, 2, 1])


@form(9, 11, 13, 17)
def streaming(b):
    """A cache of past frames in, a cache out."""
    cache, frame = b.input(1, 4, 6), b.input(1, 4, 2)
    x = b.node("Concat", cache, frame, axis=2)
    y = b.node("Relu", b.node("Conv", x, b.weights(6, 4, 5), b.weights(6), strides=[1]))
    if b.opset < 10:
        out = b.node("Slice", x, axes=[2], starts=[-6], ends=[LAST])
    else:
        out = b.node("Slice", x, ints(b, [-6]), ints(b, [LAST]), ints(b, [2]))
    return y, out, b.node("Identity", frame)


@form(9, 11, 13)
def glu_snake(b):
    x = b.node("Conv", b.input(1, 3, 10), b.weights(8, 3, 3), b.weights(8), pads=[1, 1], group=1)
    if b.opset < 13:
        a, g = b.node("Split", x, axis=1, outputs=2, split=[4, 4])
    else:
        a, g = b.node("Split", x, axis=1, outputs=2)
    y = b.node("Mul", a, b.node("Sigmoid", g))
    alpha = b.constant(b.rng.random((1, 4, 1)) + 0.5)
    snake = b.node(
        "Add",
        y,
        b.node(
            "Mul",
            b.node("Reciprocal", b.node("Add", alpha, given(b, 1e-9))),
            b.node("Pow", b.node("Sin", b.node("Mul", alpha, y)), given(b, 2.0)),
        ),
    )
    up = b.node("ConvTranspose", snake, b.weights(4, 2, 4), b.weights(2), strides=[2], pads=[1, 1], kernel_shape=[4])
    return b.node("Tanh", up)


@form(9, 11, 13)
def instance_norm_1d(b):
    x = b.node("Conv", b.input(2, 3, 12), b.weights(4, 3, 3), b.weights(4))
    return b.node("Relu", b.node("InstanceNormalization", x, b.weights(4), b.weights(4)))


@form(9, 11, 13)
def tf_space_to_batch(b):
    """A dilated convolution as tf2onnx writes it."""
    x = b.node("Transpose", b.input(1, 6, 6, 3), perm=[0, 3, 1, 2])
    pads = [0, 0, 2, 2, 0, 0, 2, 2]
    p = b.node("Pad", x, pads=pads, mode="constant") if b.opset < 11 else b.node("Pad", x, b.ints(pads))
    y = b.node("Transpose", p, perm=[1, 0, 2, 3])
    y = b.node("Reshape", y, b.ints([3, 1, 5, 2, 5, 2])) if True else y
    y = b.node("Transpose", y, perm=[3, 5, 1, 0, 2, 4])
    y = b.node("Reshape", y, b.ints([4, 3, 5, 5]))
    y = b.node("Conv", y, b.weights(4, 3, 3, 3), auto_pad="VALID")
    y = b.node("Reshape", y, b.ints([2, 2, 1, 4, 3, 3]))
    y = b.node("Transpose", y, perm=[2, 3, 4, 0, 5, 1])
    y = b.node("Reshape", y, b.ints([1, 4, 6, 6]))
    return b.node("Transpose", b.node("Relu", y), perm=[0, 2, 3, 1])


@form(9, 11, 13)
def tf_depthwise(b):
    """tf2onnx: weights reshaped and transposed at run time, relu6 of Min and Max, bias as Add in NHWC."""
    x = b.node("Transpose", b.input(1, 7, 7, 4), perm=[0, 3, 1, 2])
    w = b.node("Reshape", b.node("Transpose", b.weights(3, 3, 4, 2), perm=[3, 2, 0, 1]), b.ints([8, 1, 3, 3]))
    y = b.node("Conv", x, w, auto_pad="SAME_UPPER", strides=[2, 2], group=4)
    y = b.node("Transpose", y, perm=[0, 2, 3, 1])
    y = b.node("Add", y, b.weights(8))
    y = b.node("Min", b.node("Max", y, b.constant(0.0)), b.constant(6.0))
    y = b.node("ReduceMean", y, axes=[1, 2], keepdims=0)
    y = b.node("Reshape", y, b.ints([-1, 1, 1, 8]))
    y = b.axes("Squeeze", y, [1, 2], 13)
    return b.node("Softmax", b.node("Add", b.node("MatMul", y, b.weights(8, 3)), b.weights(3)))


@form(11, 13)
def tf_deconv(b):
    """tf2onnx's Conv2DTranspose: the output is sliced to a shape that is computed."""
    x = b.input(1, 4, 5, 3)
    y = b.node("Transpose", x, perm=[0, 3, 1, 2])
    y = b.node("ConvTranspose", y, b.weights(3, 4, 3, 3), strides=[2, 2], pads=[0, 0, 0, 0])
    s = b.node("Cast", b.node("Shape", x), to=6)
    hw = b.node("Mul", b.node("Slice", s, b.ints([1]), b.ints([3]), b.ints([0])), given(b, [2, 2], dtype=np.int32))
    hw = b.node("Cast", hw, to=7)
    y = b.node("Slice", y, b.ints([0, 0]), hw, b.ints([2, 3]))
    y = b.node("Transpose", b.node("Add", y, b.weights(4, 1, 1)), perm=[0, 2, 3, 1])
    return b.node("Sigmoid", y)


@form(8, 9, 12, 15)
def pre_activation(b):
    """DenseNet: batch normalization with no convolution in front."""
    x = b.input(1, 4, 6, 6)
    for c in (4, 6, 8):
        bn = b.node(
            "BatchNormalization", x, b.constant(b.rng.random(c) + 0.5), b.weights(c), b.weights(c), b.constant(b.rng.random(c) + 0.5)
        )
        y = b.node("Conv", b.node("Relu", bn), b.weights(2, c, 3, 3), pads=[1, 1, 1, 1])
        x = b.node("Concat", x, y, axis=1)
    return b.node("AveragePool", x, kernel_shape=[2, 2], strides=[2, 2])


@form(11, 13, 17)
def roberta_positions(b):
    ids = typed_input(b, np.int64, 1, 7, array=np.array([[3, 4, 5, 2, 1, 1, 1]]))
    mask = b.node("Cast", b.node("Not", b.node("Equal", ids, ints(b, 1))), to=6)
    pos = b.node("Mul", b.node("CumSum", mask, given(b, 1, dtype=np.int32)), mask)
    pos = b.node("Add", b.node("Cast", pos, to=7), ints(b, 1))
    x = b.node("Add", b.node("Gather", b.weights(9, 6), ids), b.node("Gather", b.weights(10, 6), pos))
    m = b.node("Cast", mask, to=1)
    m = b.axes("Unsqueeze", b.axes("Unsqueeze", m, [1], 13), [2], 13)
    m = b.node("Mul", b.node("Sub", given(b, 1.0), m), given(b, -3.4028234663852886e38))
    h = b.node("Transpose", b.node("Reshape", x, ints(b, [1, 7, 2, 3])), perm=[0, 2, 1, 3])
    s = b.node("Add", b.node("Div", b.node("MatMul", h, b.node("Transpose", h, perm=[0, 1, 3, 2])), given(b, 1.732)), m)
    p = b.node("Softmax", s, axis=-1)
    o = b.node("Reshape", b.node("Transpose", b.node("MatMul", p, h), perm=[0, 2, 1, 3]), ints(b, [1, 7, 6]))
    return b.node("Tanh", b.node("MatMul", o, b.weights(6, 6)))


@form(11, 13, 17)
def masked_mean(b):
    """sentence-transformers: mean of tokens under the mask."""
    ids = typed_input(b, np.int64, 2, 5, array=b.rng.integers(0, 9, (2, 5)))
    att = typed_input(b, np.int64, 2, 5, array=np.array([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]]))
    x = b.node("Gather", b.weights(9, 6), ids)
    x = b.node("Tanh", b.node("MatMul", x, b.weights(6, 6)))
    m = b.node("Expand", b.axes("Unsqueeze", att, [-1], 13), b.node("Shape", x))
    m = b.node("Cast", m, to=1)
    s = b.axes("ReduceSum", b.node("Mul", x, m), [1], 13, keepdims=0)
    n = b.axes("ReduceSum", m, [1], 13, keepdims=0)
    if b.opset < 12:
        n = b.node("Clip", n, given(b, 1e-9))
    else:
        n = b.node("Clip", n, given(b, 1e-9))
    e = b.node("Div", s, n)
    norm = b.node("ReduceL2", e, axes=[1], keepdims=1)
    return b.node("Div", e, b.node("Expand", b.node("Clip", norm, given(b, 1e-12)), b.node("Shape", e)))


@form(11, 13, 17)
def gpt_block(b):
    t, e, h = 4, 8, 2
    x = b.input(1, t, e)
    qkv = b.node(
        "Reshape", b.node("Gemm", b.node("Reshape", x, ints(b, [-1, e])), b.weights(e, 3 * e), b.weights(3 * e)), ints(b, [1, t, 3 * e])
    )
    if b.opset < 13:
        q, k, v = b.node("Split", qkv, axis=2, split=[e] * 3, outputs=3)
    else:
        q, k, v = b.node("Split", qkv, ints(b, [e] * 3), axis=2, outputs=3)
    q = b.node("Transpose", b.node("Reshape", q, ints(b, [0, 0, h, e // h])), perm=[0, 2, 1, 3])
    k = b.node("Transpose", b.node("Reshape", k, ints(b, [0, 0, h, e // h])), perm=[0, 2, 3, 1])
    v = b.node("Transpose", b.node("Reshape", v, ints(b, [0, 0, h, e // h])), perm=[0, 2, 1, 3])
    s = b.node("Div", b.node("MatMul", q, k), given(b, 2.0))
    tri = given(b, np.tril(np.ones((1, 1, 16, 16))) > 0, dtype=bool)
    tri = b.node(
        "Slice",
        b.node("Slice", tri, ints(b, [0]), ints(b, [t]), ints(b, [2]), ints(b, [1])),
        ints(b, [0]),
        ints(b, [t]),
        ints(b, [3]),
        ints(b, [1]),
    )
    s = b.node("Where", tri, s, given(b, -1e4))
    o = b.node("MatMul", b.node("Softmax", s, axis=3), v)
    o = b.node("Reshape", b.node("Transpose", o, perm=[0, 2, 1, 3]), ints(b, [0, 0, -1]))
    g = b.node("MatMul", o, b.weights(e, e))
    inner = b.node("Mul", b.node("Add", g, b.node("Mul", b.node("Pow", g, given(b, 3.0)), given(b, 0.044715))), given(b, 0.7978845))
    return b.node("Mul", b.node("Mul", g, given(b, 0.5)), b.node("Add", b.node("Tanh", inner), given(b, 1.0)))


@form(13, 17)
def llama_block(b):
    t, e, h = 4, 8, 2
    d = e // h
    x = b.input(1, t, e)
    r = b.node(
        "Mul",
        x,
        b.node(
            "Div",
            given(b, 1.0),
            b.node("Sqrt", b.node("Add", b.node("ReduceMean", b.node("Pow", x, given(b, 2.0)), axes=[-1]), given(b, 1e-6))),
        ),
    )
    r = b.node("Mul", b.weights(e), r)
    q = b.node("Transpose", b.node("Reshape", b.node("MatMul", r, b.weights(e, e)), ints(b, [1, t, h, d])), perm=[0, 2, 1, 3])
    k = b.node("Transpose", b.node("Reshape", b.node("MatMul", r, b.weights(e, d)), ints(b, [1, t, 1, d])), perm=[0, 2, 1, 3])
    v = b.node("Transpose", b.node("Reshape", b.node("MatMul", r, b.weights(e, d)), ints(b, [1, t, 1, d])), perm=[0, 2, 1, 3])
    cos, sin = given(b, b.rng.random((1, 1, t, d))), given(b, b.rng.random((1, 1, t, d)))

    def rot(z):
        lo = b.node("Slice", z, ints(b, [0]), ints(b, [d // 2]), ints(b, [3]), ints(b, [1]))
        hi = b.node("Slice", z, ints(b, [d // 2]), ints(b, [LAST]), ints(b, [3]), ints(b, [1]))
        return b.node("Add", b.node("Mul", z, cos), b.node("Mul", b.node("Concat", b.node("Neg", hi), lo, axis=-1), sin))

    q, k = rot(q), rot(k)

    def rep(z):
        z = b.node("Expand", b.node("Unsqueeze", z, ints(b, [2])), ints(b, [1, 1, h, t, d]))
        return b.node("Reshape", z, ints(b, [1, h, t, d]))

    k, v = rep(k), rep(v)
    s = b.node(
        "Add",
        b.node("Div", b.node("MatMul", q, b.node("Transpose", k, perm=[0, 1, 3, 2])), given(b, 2.0)),
        given(b, np.triu(np.full((1, 1, t, t), -3.4e38), 1)),
    )
    o = b.node("MatMul", b.node("Softmax", s, axis=-1), v)
    o = b.node("MatMul", b.node("Reshape", b.node("Transpose", o, perm=[0, 2, 1, 3]), ints(b, [1, t, e])), b.weights(e, e))
    x = b.node("Add", x, o)
    g = b.node("MatMul", x, b.weights(e, 12))
    return b.node(
        "Add",
        x,
        b.node("MatMul", b.node("Mul", b.node("Mul", g, b.node("Sigmoid", g)), b.node("MatMul", x, b.weights(e, 12))), b.weights(12, e)),
    )


@form(11, 13, 17)
def std_pool(b):
    """Statistics pooling of speaker encoders: mean and standard deviation (N-1) over time."""
    x = b.node("Relu", b.node("Conv", b.input(1, 4, 16), b.weights(6, 4, 3), b.weights(6)))
    m = b.node("ReduceMean", x, axes=[2], keepdims=1)
    d = b.node("Sub", x, m)
    sq = b.node("ReduceMean", b.node("Mul", d, d), axes=[2], keepdims=0)
    n = b.node("Cast", b.node("Gather", b.node("Shape", x), ints(b, 2)), to=1)
    var = b.node("Div", b.node("Mul", sq, n), b.node("Sub", n, given(b, 1.0)))
    std = b.node("Sqrt", b.node("Add", var, given(b, 1e-7)))
    s = b.node("Concat", b.axes("Squeeze", m, [2], 13), std, axis=1)
    return b.node("Gemm", s, b.weights(5, 12), b.weights(5), transB=1)


@form(11, 13, 17)
def attentive_pool(b):
    x = b.node("Relu", b.node("Conv", b.input(1, 4, 12), b.weights(6, 4, 3), b.weights(6)))
    a = b.node(
        "Softmax",
        b.node("Conv", b.node("Tanh", b.node("Conv", x, b.weights(3, 6, 1), b.weights(3))), b.weights(6, 3, 1), b.weights(6)),
        axis=2,
    )
    m = b.axes("ReduceSum", b.node("Mul", a, x), [2], 13, keepdims=0)
    q = b.node("Sub", b.axes("ReduceSum", b.node("Mul", b.node("Mul", a, x), x), [2], 13, keepdims=0), b.node("Mul", m, m))
    s = b.node("Sqrt", b.node("Clip", q, given(b, 1e-4)))
    return b.node("Concat", m, s, axis=1)


@form(10, 13, 17, 21)
def same_output_twice(b):
    x = b.node("Conv", b.input(1, 3, 4, 4), b.weights(3, 3, 1, 1))
    y = b.node("Relu", x)
    return y, b.node("Identity", y), b.node("Identity", x), b.node("Transpose", y, perm=[0, 2, 3, 1])


@form(11, 16)
def all_half(b):
    """A model in 16 bits throughout."""
    x = typed_input(b, np.float16, 1, 3, 6, 6)
    w = b.constant(b.rng.standard_normal((4, 3, 3, 3)) / 5, dtype=np.float16)
    y = b.node("Conv", x, w, b.constant(b.rng.standard_normal(4), dtype=np.float16), pads=[1, 1, 1, 1])
    y = b.node("Cast", b.node("Relu", y), to=1)
    return b.node("Floor", b.node("Mul", y, b.constant(4.0)))


@form(11, 16)
def all_double(b):
    x = typed_input(b, np.float64, 2, 6)
    y = b.node(
        "Gemm", x, b.constant(b.rng.standard_normal((6, 4)), dtype=np.float64), b.constant(b.rng.standard_normal(4), dtype=np.float64)
    )
    return b.node("Cast", b.node("Relu", y), to=1)


@form(9, 13, 18)
def single_operands(b):
    x = b.node("Conv", b.input(1, 3, 4, 4), b.weights(3, 3, 1, 1))
    return b.node("Sum", x), b.node("Concat", x, axis=1), b.node("Max", x), b.node("Mean", x), b.node("Min", b.node("Sum", x))


@form(12, 13, 17)
def dropout_inputs(b):
    x = b.node("Conv", b.input(1, 3, 4, 4), b.weights(3, 3, 1, 1))
    y = b.node("Dropout", x, b.constant(0.5), b.constant(False, dtype=bool))
    z = b.node("Dropout", y, b.constant(0.3), outputs=2)
    return b.node("Relu", z[0])


@form(12, 13, 17)
def int_clip(b):
    i = typed_input(b, np.int64, 2, 3, array=b.rng.integers(-5, 9, (2, 3)))
    c = b.node("Clip", i, b.constant(0, dtype=np.int64), b.constant(6, dtype=np.int64))
    m = b.node("Mod", i, b.constant(3, dtype=np.int64))
    return (
        b.node("Gather", b.weights(7, 4), c),
        b.node("Cast", m, to=1),
        b.node("Cast", b.node("Max", i, b.constant(1, dtype=np.int64)), to=1),
    )


@form(8, 11, 13, 18)
def high_rank(b):
    x = b.node("Conv", b.input(1, 4, 4, 6), b.weights(8, 4, 1, 1))
    y = b.node("Reshape", x, b.ints([1, 2, 4, 2, 2, 3, 2]))
    y = b.node("Transpose", y, perm=[0, 3, 5, 1, 2, 4, 6])
    y = b.node("Add", y, b.constant(b.rng.standard_normal((2, 4, 1, 1))))
    return b.node("Reshape", b.node("Relu", y), b.ints([6, -1]))


@form(8, 13)
def scalars(b):
    x = b.input(2, 3)
    s = b.node("ReduceMean", x, keepdims=0)
    return s, b.node("Add", x, s), b.node("Mul", s, b.constant(2.0)), b.axes("Unsqueeze", s, [0], 13)


@form(11, 13)
def adaptive_pools(b):
    x = b.node("Conv", b.input(1, 3, 9, 8), b.weights(4, 3, 3, 3))
    y = b.node("AveragePool", x, kernel_shape=[7, 6], strides=[7, 6])
    return b.node("Conv", b.node("Flatten", y) if False else y, b.weights(2, 4, 1, 1)), b.node(
        "MaxPool", x, kernel_shape=[7, 3], strides=[7, 3]
    )


@form(11, 13, 18)
def unet(b):
    x = b.node("Relu", b.node("Conv", b.input(1, 2, 9, 7), b.weights(4, 2, 3, 3), b.weights(4), pads=[1, 1, 1, 1]))
    d = b.node("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
    d = b.node("Relu", b.node("Conv", d, b.weights(8, 4, 3, 3), b.weights(8), pads=[1, 1, 1, 1]))
    u = b.node("ConvTranspose", d, b.weights(8, 4, 2, 2), b.weights(4), strides=[2, 2])
    sx, su = b.node("Shape", x), b.node("Shape", u)
    dh = b.node("Sub", b.node("Gather", sx, ints(b, 2)), b.node("Gather", su, ints(b, 2)))
    dw = b.node("Sub", b.node("Gather", sx, ints(b, 3)), b.node("Gather", su, ints(b, 3)))
    un = lambda v: b.axes("Unsqueeze", v, [0], 13)
    half = lambda v: b.node("Div", v, ints(b, 2))
    # torch.nn.functional.pad: last axis first, then reshaped and turned round
    flat = b.node("Concat", un(half(dw)), un(b.node("Sub", dw, half(dw))), un(half(dh)), un(b.node("Sub", dh, half(dh))), axis=0)
    pads = b.node(
        "Concat", flat, b.node("ConstantOfShape", ints(b, [4]), value=helper.make_tensor("v", TensorProto.INT64, [1], [0])), axis=0
    )
    pads = b.node("Slice", b.node("Reshape", pads, ints(b, [-1, 2])), ints(b, [-1]), ints(b, [-(2**63) + 1]), ints(b, [0]), ints(b, [-1]))
    pads = b.node("Cast", b.node("Reshape", b.node("Transpose", pads, perm=[1, 0]), ints(b, [-1])), to=7)
    u = b.node("Pad", u, pads, given(b, 0.0), mode="constant")
    y = b.node("Conv", b.node("Concat", u, x, axis=1), b.weights(1, 8, 1, 1), b.weights(1))
    return b.node("Sigmoid", y)


@form(11, 13, 18)
def causal_pad_1d(b):
    x = b.input(1, 3, 8)
    p = b.node("Pad", x, b.ints([0, 0, 4, 0, 0, 0]), b.constant(0.0))
    y = b.node("Conv", p, b.weights(4, 3, 3), b.weights(4), dilations=[2])
    r = b.node("Pad", y, b.ints([0, 0, 2, 0, 0, 2]), mode="reflect")
    return b.node("Conv", r, b.weights(2, 4, 5))


@form(9, 11, 13, 17)
def mel(b):
    """A spectrogram by convolutions: real and imaginary parts, squares, a filter bank, a logarithm."""
    x = b.axes("Unsqueeze", b.input(1, 64), [1], 13)
    re = b.node("Conv", x, b.weights(9, 1, 16), strides=[8])
    im = b.node("Conv", x, b.weights(9, 1, 16), strides=[8])
    p = b.node("Add", b.node("Pow", re, b.constant(2.0)), b.node("Pow", im, b.constant(2.0)))
    mel = b.node("MatMul", b.constant(b.rng.random((5, 9))), p)
    y = b.node("Log", b.node("Add", mel, b.constant(1e-3)))
    return b.node("Transpose", y, perm=[0, 2, 1])


@form(11, 13, 17)
def where_masks(b):
    x = b.node("MatMul", b.input(2, 4, 4), b.weights(4, 4))
    m = typed_input(b, bool, 2, 1, 4, array=b.rng.random((2, 1, 4)) < 0.5)
    y = b.node("Where", m, b.constant(-1e9), x)
    z = b.node("Mul", b.node("Cast", b.node("Not", m), to=1), x)
    return b.node("Softmax", y, axis=-1) if b.opset >= 13 else b.node("Softmax", y, axis=2), z


@form(11, 13, 17)
def broadcasting_left_constant(b):
    x = b.node("Conv", b.input(1, 3, 4, 5), b.weights(3, 3, 1, 1))
    return (
        b.node("Sub", b.constant(1.0), x),
        b.node("Div", b.constant(2.0), b.node("Add", b.node("Abs", x), b.constant(1.0))),
        b.node("Sub", b.constant(b.rng.random((3, 1, 1))), x),
        b.node("Pow", b.constant(2.0), x),
        b.node("Mul", b.constant(b.rng.random((2, 3, 4, 5))), x),
    )


@form(11, 13, 17)
def silero_like(b):
    """Normalized log magnitudes with reflect padding and a running mean."""
    x = b.axes("Unsqueeze", b.input(1, 40), [1], 13)
    x = b.node("Pad", x, b.ints([0, 0, 4, 0, 0, 4]), mode="reflect")
    f = b.node("Conv", x, b.weights(10, 1, 8), strides=[4])
    re = b.node("Slice", f, b.ints([0]), b.ints([5]), b.ints([1]))
    im = b.node("Slice", f, b.ints([5]), b.ints([LAST]), b.ints([1]))
    mag = b.node("Sqrt", b.node("Add", b.node("Mul", re, re), b.node("Mul", im, im)))
    lg = b.node("Log", b.node("Add", b.node("Mul", mag, b.constant(1048576.0)), b.constant(1.0)))
    mean = b.node("ReduceMean", lg, axes=[1], keepdims=1)
    left = b.node("Slice", mean, b.ints([1]), b.ints([4]), b.ints([2]))
    left = b.node("Slice", left, b.ints([-1]), b.ints([-(2**63) + 1]), b.ints([2]), b.ints([-1]))
    m = b.node("Concat", left, mean, axis=2)
    m = b.node("Conv", m, b.constant(np.ones((1, 1, 4)) / 4))
    return b.node("Concat", mag, b.node("Sub", lg, b.node("ReduceMean", m, axes=[-1], keepdims=1)), axis=1)


@form(11, 13, 18)
def crnn_head(b):
    x = b.node("Relu", b.node("Conv", b.input(1, 3, 8, 12), b.weights(6, 3, 3, 3), b.weights(6), pads=[1, 1, 1, 1], strides=[2, 1]))
    x = b.node("MaxPool", x, kernel_shape=[2, 2], strides=[2, 1], pads=[0, 1, 0, 1])
    x = b.node("AveragePool", x, kernel_shape=[2, 1], strides=[2, 1])
    x = b.axes("Squeeze", x, [2], 13)
    x = b.node("Transpose", x, perm=[2, 0, 1])
    y = b.node("Add", b.node("MatMul", x, b.weights(6, 5)), b.weights(5))
    return b.node("LogSoftmax", y, axis=2)


@form(13, 18)
def ceil_pools(b):
    x = b.node("Relu", b.node("Conv", b.input(1, 3, 11, 11), b.weights(4, 3, 3, 3), strides=[2, 2]))
    m = b.node("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1)
    a = b.node("AveragePool", x, kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1, pads=[0, 0, 1, 1])
    c = b.node("AveragePool", x, kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1, pads=[1, 1, 1, 1], count_include_pad=1)
    return b.node("Conv", m, b.weights(3, 4, 1, 1)), b.node("Conv", a, b.weights(3, 4, 1, 1)), b.node("Conv", c, b.weights(3, 4, 1, 1))


@form(9, 13)
def hard_activations(b):
    x = b.node("Conv", b.input(1, 4, 5, 5), b.weights(6, 4, 3, 3), b.weights(6))
    hs = b.node("Mul", x, b.node("HardSigmoid", x, alpha=1 / 6, beta=0.5))
    a = b.node("Conv", hs, b.weights(4, 6, 1, 1))
    return (
        b.node("Clip", a, min=-1.0, max=1.0) if b.opset < 11 else b.node("Clip", a, b.constant(-1.0), b.constant(1.0)),
        b.node("Elu", a),
        b.node("Softplus", a),
        b.node("Selu", a),
        b.node("Softsign", a),
    )


@form(13, 18, 21)
def reduce_inputs(b):
    """Axes as inputs that are constants of nodes; axes left out; noop_with_empty_axes."""
    x = b.node("Conv", b.input(2, 3, 4, 5), b.weights(3, 3, 1, 1))
    o = [b.node("ReduceSum", x), b.node("ReduceSum", x, noop_with_empty_axes=1), b.node("ReduceSum", x, ints(b, [-3, -1]), keepdims=0)]
    if b.opset >= 18:
        o += [
            b.node("ReduceMean", x, ints(b, [2, 3])),
            b.node("ReduceMax", x, noop_with_empty_axes=1),
            b.node("ReduceMin", x, "", keepdims=0),
        ]
    return tuple(o)


@form(9, 13)
def resnet_ibn(b):
    x = b.node("Conv", b.input(1, 4, 6, 6), b.weights(8, 4, 1, 1))
    if b.opset < 13:
        i, n = b.node("Split", x, axis=1, split=[4, 4], outputs=2)
    else:
        i, n = b.node("Split", x, ints(b, [4, 4]), axis=1, outputs=2)
    i = b.node("InstanceNormalization", i, b.weights(4), b.weights(4))
    n = b.node("BatchNormalization", n, b.weights(4), b.weights(4), b.weights(4), b.constant(b.rng.random(4) + 0.5))
    y = b.node("Relu", b.node("Concat", i, n, axis=1))
    y = b.node("Conv", y, b.weights(8, 8, 3, 3), pads=[1, 1, 1, 1])
    return b.node("GlobalAveragePool", y)


@form(12, 13, 17)
def pow_ints(b):
    x = b.node("MatMul", b.input(2, 6), b.weights(6, 4))
    return (
        b.node("Pow", x, b.constant(2, dtype=np.int64)),
        b.node("Pow", x, b.constant(3, dtype=np.int32)),
        b.node("Pow", x, b.constant([2.0])),
    )


@form(13, 17)
def eca(b):
    """Efficient channel attention: a convolution across channels."""
    x = b.node("Relu", b.node("Conv", b.input(1, 3, 5, 5), b.weights(8, 3, 3, 3), pads=[1, 1, 1, 1]))
    g = b.node("GlobalAveragePool", x)
    g = b.node("Transpose", b.node("Squeeze", g, ints(b, [-1])), perm=[0, 2, 1])
    g = b.node("Conv", g, b.weights(1, 1, 3), pads=[1, 1])
    g = b.node("Sigmoid", b.node("Unsqueeze", b.node("Transpose", g, perm=[0, 2, 1]), ints(b, [-1])))
    y = b.node("Mul", x, b.node("Expand", g, b.node("Shape", x)))
    # CBAM: means and maxima over channels
    m = b.node("Concat", b.node("ReduceMean", y, axes=[1], keepdims=1), b.node("ReduceMax", y, axes=[1], keepdims=1), axis=1)
    return b.node("Mul", y, b.node("Sigmoid", b.node("Conv", m, b.weights(1, 2, 3, 3), pads=[1, 1, 1, 1])))


@form(13, 17)
def cosine_head(b):
    x = b.node("Gemm", b.input(2, 6), b.weights(4, 6), b.weights(4), transB=1)
    n = b.node(
        "Div", x, b.node("Clip", b.node("Sqrt", b.node("ReduceSum", b.node("Mul", x, x), ints(b, [1]), keepdims=1)), b.constant(1e-8))
    )
    w = b.node("Div", b.weights(5, 4), b.constant(b.rng.random((5, 1)) + 1))
    return b.node("MatMul", n, b.node("Transpose", w, perm=[1, 0])), b.node("MatMul", x, b.node("Transpose", x, perm=[1, 0]))


@form(11, 13)
def coord_conv(b):
    """Coordinates as channels, from ranges that are constants, and a spatial softmax."""
    x = b.input(2, 3, 4, 5)
    r = b.node("Cast", b.node("Range", ints(b, 0), b.node("Gather", b.node("Shape", x), ints(b, 3)), ints(b, 1)), to=1)
    r = b.node("Div", r, given(b, 4.0))
    g = b.node("Expand", b.axes("Unsqueeze", r, [0, 1, 2], 13), ints(b, [2, 1, 4, 5]))
    y = b.node("Conv", b.node("Concat", x, g, axis=1), b.weights(4, 4, 3, 3))
    p = b.node("Softmax", b.node("Reshape", y, ints(b, [0, 0, -1])), axis=2)
    return b.node("MatMul", p, b.constant(b.rng.random((6, 2))))


@form(11, 13)
def nested_concat_slices(b):
    x = b.node("Conv", b.input(1, 4, 6, 6), b.weights(8, 4, 1, 1))
    y = b.node("Slice", x, b.ints([4]), b.ints([8]), b.ints([1]))
    z = b.node("Slice", x, b.ints([0]), b.ints([4]), b.ints([1]))
    y = b.node("Conv", y, b.weights(4, 4, 3, 3), pads=[1, 1, 1, 1])
    c = b.node("Concat", z, y, b.node("Slice", x, b.ints([0]), b.ints([6]), b.ints([2])), axis=1)
    t = b.node("Transpose", b.node("Reshape", c, b.ints([1, 2, 8, 6, 6])), perm=[0, 2, 1, 3, 4])
    return b.node("Conv", b.node("Reshape", t, b.ints([1, 16, 6, 6])), b.weights(4, 4, 3, 3), group=4)


@form(11, 13, 17)
def gated_pooling_over_time(b):
    x = b.input(2, 6, 4)
    s = b.node("Softmax", b.node("MatMul", b.node("Tanh", b.node("MatMul", x, b.weights(4, 3))), b.weights(3, 1)), axis=1)
    return b.node("MatMul", b.node("Transpose", s, perm=[0, 2, 1]), x), b.axes("ReduceSum", b.node("Mul", s, x), [1], 13, keepdims=0)


@form(9, 11, 13)
def conv3d_as_time(b):
    x = b.input(1, 2, 4, 5, 5)
    y = b.node(
        "BatchNormalization",
        b.node("Conv", x, b.weights(4, 2, 3, 3, 3), pads=[1] * 6),
        b.weights(4),
        b.weights(4),
        b.weights(4),
        b.constant(b.rng.random(4) + 1),
    )
    y = b.node("MaxPool", b.node("Relu", y), kernel_shape=[1, 2, 2], strides=[1, 2, 2])
    y = b.node("Reshape", b.node("Transpose", y, perm=[0, 2, 1, 3, 4]), b.ints([4, 4, 2, 2]))
    return b.node("Conv", y, b.weights(3, 4, 2, 2))
