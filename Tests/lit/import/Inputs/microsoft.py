"""Forms of ONNX Runtime's own operators, as its optimizer and its quantizers write them, beside those of exporters.py."""

import numpy as np
from onnx import TensorProto, helper

from exporters import MICROSOFT, ints_input, microsoft
from forms import form, pick


def mask_input(b, array):
    name = b.fresh("mask")
    b.inputs.append(helper.make_tensor_value_info(name, TensorProto.INT32, np.shape(array)))
    b.feeds[name] = np.int32(array)
    return name


@form(12, 17)
def ort_embedding(b):
    """A language model's beginning: embeddings with and without segments, and attention to as many places as the mask has."""
    microsoft(b)
    ids, segments = ints_input(b, 2, 5), ints_input(b, 2, 5, high=2)
    for name in (ids, segments):
        b.feeds[name] = b.feeds[name].astype(np.int32)
    for port in b.inputs:
        port.type.tensor_type.elem_type = TensorProto.INT32
    mask = mask_input(b, [[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]])
    x, lengths = b.node("EmbedLayerNormalization", ids, segments, b.weights(7, 8), b.weights(6, 8), b.weights(2, 8), b.weights(8),
                        b.weights(8), mask, domain=MICROSOFT, outputs=2, epsilon=1e-12)
    y = b.node("Attention", x, b.weights(8, 24), b.weights(24), lengths, domain=MICROSOFT, num_heads=2)
    z = b.node("SkipLayerNormalization", y, x, b.weights(8), b.weights(8), b.weights(8), domain=MICROSOFT, epsilon=1e-12)
    bare = b.node("EmbedLayerNormalization", ids, "", b.weights(7, 8), b.weights(6, 8), "", b.weights(8), b.weights(8),
                  domain=MICROSOFT, outputs=2)[0]
    return b.node("MatMul", z, b.weights(8, 4)), bare


@form(17)
def ort_multi_head(b):
    microsoft(b)
    q, k, v = (b.node("MatMul", b.input(2, length, 8), b.weights(8, 8)) for length in (4, 6, 6))
    plain = b.node("MultiHeadAttention", q, k, v, b.weights(24), domain=MICROSOFT, num_heads=2)
    mask = mask_input(b, [[1, 1, 1, 1, 0, 0], [1, 1, 1, 1, 1, 1]])
    return (plain, b.node("MultiHeadAttention", q, k, v, domain=MICROSOFT, num_heads=4, scale=0.3),
            b.node("MultiHeadAttention", q, k, v, "", mask, b.input(1, 2, 4, 6), domain=MICROSOFT, num_heads=2))


@form(17)
def ort_scores(b):
    """What attention adds to its scores: nothing for later places, a mask of every two places, numbers of one's own."""
    microsoft(b)
    x, w, bias = b.input(2, 5, 8), b.weights(8, 24), b.weights(24)
    each = mask_input(b, np.tri(5)[None].repeat(2, 0))
    return (b.node("Attention", x, w, bias, domain=MICROSOFT, num_heads=2, unidirectional=1),
            b.node("Attention", x, w, bias, each, domain=MICROSOFT, num_heads=2),
            b.node("Attention", x, w, bias, "", "", b.input(2, 2, 5, 5), domain=MICROSOFT, num_heads=2))


@form(17)
def ort_rotary(b):
    microsoft(b)
    angles = np.arange(9)[:, None] / 10000 ** (np.arange(4) / 4)
    cosines, sines = b.constant(np.cos(angles)), b.constant(np.sin(angles))
    places = b.constant(np.arange(2, 8)[None], dtype=np.int64)
    return (b.node("RotaryEmbedding", b.input(1, 6, 16), places, cosines, sines, domain=MICROSOFT, num_heads=2),
            b.node("RotaryEmbedding", b.input(2, 2, 6, 8), b.constant([3], dtype=np.int64), cosines, sines, domain=MICROSOFT))


@form(17)
def ort_packed_weights(b):
    microsoft(b)
    depth, columns = 64, 6
    block = int(pick(b, 16, 32))
    blocks, x = depth // block, b.input(2, 3, depth)
    packed = b.constant(b.rng.integers(0, 256, (columns, blocks, block // 2)), dtype=np.uint8)
    scales = b.constant(b.rng.random(columns * blocks) / 9)
    zeros = b.constant(b.rng.integers(0, 256, columns * blocks // 2), dtype=np.uint8)
    attributes = dict(domain=MICROSOFT, K=depth, N=columns, bits=4, block_size=block)
    return b.node("MatMulNBits", x, packed, scales, **attributes), b.node("MatMulNBits", x, packed, scales, zeros, **attributes)


@form(12, 17)
def ort_channels_last(b):
    microsoft(b)
    scale, zero = b.constant(0.02), b.constant(128, dtype=np.uint8)
    q = b.node("QuantizeLinear", b.input(1, 7, 6, 4), scale, zero)
    y = b.node("NhwcMaxPool", q, domain=MICROSOFT, kernel_shape=[3, 2], strides=[2, 2], pads=[1, 0, 1, 0])
    return b.node("DequantizeLinear", y, scale, zero)


@form(13, 17)
def ort_softmax(b):
    """Of integers whose scale is no power of two: a multiple of it is counted in whole parts of 1."""
    microsoft(b)
    scale, zero = b.constant(0.03), b.constant(int(pick(b, 3, 128)), dtype=np.uint8)
    q = b.node("QuantizeLinear", b.input(4, 12), scale, zero)
    outputs = []
    for size in (1 / 255, 1 / 256, 0.0039, 0.007):
        given = b.constant(size), b.constant(0, dtype=np.uint8)
        y = b.node("QLinearSoftmax", q, scale, zero, *given, domain=MICROSOFT, axis=-1, opset=13)
        outputs.append(b.node("DequantizeLinear", y, *given))
    return tuple(outputs)
