"""Float evaluation of the few operators that the generated networks use, fast enough for whole images.

Activations NHWC, weights HWIO, float32; `padding` is (top, left, bottom, right).
"""

import numpy as np


def conv2d(x, weight, bias, strides=(1, 1), padding=(0, 0, 0, 0), groups=1):
    """Convolution as a sum over the taps of the kernel; groups is 1 or the number of channels."""
    top, left, bottom, right = padding
    padded = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)))
    rows = (padded.shape[1] - weight.shape[0]) // strides[0] + 1
    columns = (padded.shape[2] - weight.shape[1]) // strides[1] + 1
    result = np.zeros((len(x), rows, columns, weight.shape[3]), np.float32)
    for r in range(weight.shape[0]):
        for s in range(weight.shape[1]):
            window = padded[:, r : r + rows * strides[0] : strides[0], s : s + columns * strides[1] : strides[1], :]
            window = window[:, :rows, :columns, :]
            result += window * weight[r, s, 0] if groups > 1 else window @ weight[r, s]
    return result + bias


def max_pool2d(x, window, strides, padding):
    """The maximum of each window; what lies outside the image never wins."""
    top, left, bottom, right = padding
    padded = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)), constant_values=-np.inf)
    rows = (padded.shape[1] - window[0]) // strides[0] + 1
    columns = (padded.shape[2] - window[1]) // strides[1] + 1
    result = np.full((len(x), rows, columns, x.shape[3]), -np.inf, np.float32)
    for r in range(window[0]):
        for s in range(window[1]):
            part = padded[:, r : r + rows * strides[0] : strides[0], s : s + columns * strides[1] : strides[1], :]
            np.maximum(result, part[:, :rows, :columns, :], out=result)
    return result
