"""Transforms to frequencies, of lengths that the model says."""

import numpy as np

from forms import form, pick


@form(17)
def stft(b):
    length = int(pick(b, 16, 15))
    window = b.constant(np.hanning(length))
    step, size = b.ints(int(pick(b, 4, 5))), b.ints(length)
    x = b.node("STFT", b.input(2, 64), step, window, size)
    power = b.node("ReduceSum", b.node("Mul", x, x), b.ints([3]), keepdims=0)
    mel = b.node("MatMul", power, b.constant(b.rng.random((length // 2 + 1, 4))))
    whole = b.node("STFT", b.input(1, 40, 1), step, "", size, onesided=0)
    return b.node("Log", b.node("Add", mel, b.constant(1e-3))), whole


@form(17, 20)
def dft(b):
    def node(x, axis, **attributes):
        if b.opset < 20:
            return b.node("DFT", x, axis=axis, **attributes)
        return b.node("DFT", x, "", b.ints(axis), **attributes)

    complex_input = b.input(2, 6, 5, 2)
    return (node(b.input(1, 16, 1), 1, onesided=1), node(b.input(2, 9, 3, 1), 1), node(complex_input, 2), node(complex_input, 1, inverse=1))
