"""The few differentiable layers of the two digits networks, in numpy.

A layer is an object with `forward(x, training)`, `backward(gradient)`, and a dictionary each of parameters and of their
gradients. Activations are NHWC, convolution weights HWIO: the layouts of the graph language.
"""

import numpy as np


class Layer:
    def __init__(self):
        self.parameters, self.gradients = {}, {}

    def layers(self):
        """This layer and those inside it."""
        return [self]


class Dense(Layer):
    """x @ weight + bias, for x: [N, K] and weight: [K, M]."""

    def __init__(self, rng, inputs, outputs):
        super().__init__()
        self.parameters["weight"] = rng.normal(0, np.sqrt(2 / inputs), (inputs, outputs))
        self.parameters["bias"] = np.zeros(outputs)

    def forward(self, x, training):
        self.x = x
        return x @ self.parameters["weight"] + self.parameters["bias"]

    def backward(self, gradient):
        self.gradients["weight"] = self.x.T @ gradient
        self.gradients["bias"] = gradient.sum(axis=0)
        return gradient @ self.parameters["weight"].T


class Convolution(Layer):
    """A 3x3 convolution that keeps the image's size; batch normalization follows it, so it has no bias."""

    def __init__(self, rng, inputs, outputs):
        super().__init__()
        self.parameters["weight"] = rng.normal(0, np.sqrt(2 / (9 * inputs)), (3, 3, inputs, outputs))

    def forward(self, x, training):
        self.padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
        self.height, self.width = x.shape[1:3]
        weight = self.parameters["weight"]
        return sum(self.window(self.padded, r, s) @ weight[r, s] for r in range(3) for s in range(3))

    def backward(self, gradient):
        weight = self.parameters["weight"]
        weight_gradient, padded_gradient = np.zeros_like(weight), np.zeros_like(self.padded)
        for r in range(3):
            for s in range(3):
                weight_gradient[r, s] = np.einsum("nhwi,nhwo->io", self.window(self.padded, r, s), gradient)
                self.window(padded_gradient, r, s)[...] += gradient @ weight[r, s].T
        self.gradients["weight"] = weight_gradient
        return padded_gradient[:, 1:-1, 1:-1, :]

    def window(self, padded, r, s):
        return padded[:, r : r + self.height, s : s + self.width, :]


class BatchNorm(Layer):
    """Normalization over all axes but the last, with running statistics for inference."""

    EPSILON = 1e-5
    MOMENTUM = 0.9

    def __init__(self, channels):
        super().__init__()
        self.parameters["scale"] = np.ones(channels)
        self.parameters["bias"] = np.zeros(channels)
        self.mean, self.variance = np.zeros(channels), np.ones(channels)

    def forward(self, x, training):
        if training:
            mean, variance = x.mean(axis=(0, 1, 2)), x.var(axis=(0, 1, 2))
            self.mean = self.MOMENTUM * self.mean + (1 - self.MOMENTUM) * mean
            self.variance = self.MOMENTUM * self.variance + (1 - self.MOMENTUM) * variance
        else:
            mean, variance = self.mean, self.variance
        self.deviation = np.sqrt(variance + self.EPSILON)
        self.normalized = (x - mean) / self.deviation
        return self.normalized * self.parameters["scale"] + self.parameters["bias"]

    def backward(self, gradient):
        axes = (0, 1, 2)
        self.gradients["scale"] = (gradient * self.normalized).sum(axis=axes)
        self.gradients["bias"] = gradient.sum(axis=axes)
        gradient = gradient * self.parameters["scale"]
        along = (gradient * self.normalized).mean(axis=axes)
        return (gradient - gradient.mean(axis=axes) - self.normalized * along) / self.deviation


class ReLU(Layer):
    def forward(self, x, training):
        self.positive = x > 0
        return x * self.positive

    def backward(self, gradient):
        return gradient * self.positive


class MaxPool(Layer):
    """The maximum of each 2x2 window, without overlap."""

    def forward(self, x, training):
        n, h, w, c = x.shape
        self.shape = x.shape
        windows = x.reshape(n, h // 2, 2, w // 2, 2, c).transpose(0, 1, 3, 5, 2, 4).reshape(n, h // 2, w // 2, c, 4)
        self.chosen = windows.argmax(axis=-1)
        return windows.max(axis=-1)

    def backward(self, gradient):
        n, h, w, c = self.shape
        windows = (np.arange(4) == self.chosen[..., None]) * gradient[..., None]
        return windows.reshape(n, h // 2, w // 2, c, 2, 2).transpose(0, 1, 4, 2, 5, 3).reshape(self.shape)


class Flatten(Layer):
    def forward(self, x, training):
        self.shape = x.shape
        return x.reshape(len(x), -1)

    def backward(self, gradient):
        return gradient.reshape(self.shape)


class Sequence(Layer):
    def __init__(self, *parts):
        super().__init__()
        self.parts = parts

    def layers(self):
        return [layer for part in self.parts for layer in part.layers()]

    def forward(self, x, training):
        for part in self.parts:
            x = part.forward(x, training)
        return x

    def backward(self, gradient):
        for part in reversed(self.parts):
            gradient = part.backward(gradient)
        return gradient


class Residual(Sequence):
    """x plus what the parts make of it."""

    def forward(self, x, training):
        return x + super().forward(x, training)

    def backward(self, gradient):
        return gradient + super().backward(gradient)


class Adam:
    """Adam (Kingma and Ba, 2015) over all parameters of a network, with decoupled weight decay."""

    def __init__(self, network, decay=1e-4):
        self.layers, self.decay, self.step_count = network.layers(), decay, 0
        self.moments = [
            {name: (np.zeros_like(value), np.zeros_like(value)) for name, value in layer.parameters.items()}
            for layer in self.layers
        ]

    def step(self, rate):
        self.step_count += 1
        for layer, moments in zip(self.layers, self.moments):
            for name, (first, second) in moments.items():
                gradient = layer.gradients[name]
                first += 0.1 * (gradient - first)
                second += 0.001 * (gradient**2 - second)
                update = first / (1 - 0.9**self.step_count)
                update /= np.sqrt(second / (1 - 0.999**self.step_count)) + 1e-8
                layer.parameters[name] -= rate * (update + self.decay * layer.parameters[name])
