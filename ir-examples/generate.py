"""Writes resnet50.spx and mobilenetv2.spx: whole networks at 224x224 with seeded weights.

    .venv/bin/python ir-examples/generate.py       (`make examples` runs it)

The structure is torchvision's; batch normalization is folded into weights and biases, as a deployed network has it.
Weights are Laplace-distributed, since folded weights have heavy tails, and scaled so that activations keep their size
from layer to layer. Each value carries the range it takes in a float run of one image, so that compiling needs no
calibration.
"""

import os

import numpy as np

from forward import conv2d, max_pool2d
from random_tensor import laplace, uniform

FOLDER = os.path.dirname(os.path.abspath(__file__))

# The range of ImageNet pixels after the usual normalization.
IMAGE_RANGE = (-2.118, 2.64)


class Value:
    """A value of the graph under construction: its name and its elements in the float run."""

    def __init__(self, name, elements):
        self.name, self.elements = name, elements

    @property
    def type(self):
        return f"f32{list(self.elements.shape)}"


class Network:
    """Collects the text of a graph while evaluating it."""

    def __init__(self, name, seed):
        self.name, self.data, self.lines, self.next_seed = name, [], [], seed
        low, high = IMAGE_RANGE
        self.image = Value("image", uniform(seed, low, high, (1, 224, 224, 3)))

    def parameter(self, name, shape, scale):
        """Defines seeded data and returns its elements."""
        self.next_seed += 1
        self.data.append(f"data @{name} : f32{list(shape)} = random(seed = {self.next_seed}, laplace = {scale:.6g})")
        return laplace(self.next_seed, float(f"{scale:.6g}"), shape)

    def apply(self, name, operator, operands, elements, attributes=None):
        """Appends an operation and returns its value."""
        low, high = float(elements.min()), float(elements.max())
        attributes = dict(attributes or {})
        attributes["range"] = f"[{number(low)}, {number(high)}]"
        text = ", ".join(f"{key} = {value}" for key, value in sorted(attributes.items()))
        value = Value(name, elements)
        self.lines.append(f"  %{name} = {operator} {', '.join('%' + o for o in operands)} {{{text}}} : {value.type}")
        return value

    def constant(self, name, shape):
        self.lines.append(f"  %{name.replace('.', '_')} = constant @{name} : f32{list(shape)}")
        return name.replace(".", "_")

    def convolution(self, name, x, channels, kernel, stride=1, groups=1, gain=1.0):
        """A convolution with bias that keeps the size of its input, up to the stride."""
        inputs = x.elements.shape[3]
        shape = (kernel, kernel, inputs // groups, channels)
        # A Laplace distribution of scale b has variance 2 b^2, so this is He's initialization times the gain.
        weight = self.parameter(f"{name}.weight", shape, gain / np.sqrt(kernel * kernel * inputs // groups))
        bias = self.parameter(f"{name}.bias", (channels,), 0.1)
        before = (kernel - 1) // 2
        size = x.elements.shape[1]
        # torchvision pads alike on all sides; with an even size and stride 2 the last row of padding is never read.
        after = max(0, (size + 2 * before - kernel) // stride * stride + kernel - size - before)
        padding = (before, before, after, after)
        elements = conv2d(x.elements, weight, bias, (stride, stride), padding, groups)
        attributes = {}
        if kernel > 1:
            attributes["padding"] = list(padding)
        if stride > 1:
            attributes["strides"] = [stride, stride]
        if groups > 1:
            attributes["groups"] = groups
        operands = [x.name, self.constant(f"{name}.weight", shape), self.constant(f"{name}.bias", (channels,))]
        return self.apply(name, "nn.conv2d", operands, elements, attributes)

    def relu(self, name, x):
        return self.apply(name, "nn.relu", [x.name], np.maximum(x.elements, 0))

    def relu6(self, name, x):
        limits = {"low": "0.0", "high": "6.0"}
        return self.apply(name, "nn.clamp", [x.name], np.clip(x.elements, 0, 6), limits)

    def add(self, name, a, b):
        return self.apply(name, "nn.add", [a.name, b.name], a.elements + b.elements)

    def max_pool(self, name, x):
        attributes = {"padding": "[1, 1, 0, 0]", "strides": "[2, 2]", "window": "[3, 3]"}
        elements = max_pool2d(x.elements, (3, 3), (2, 2), (1, 1, 0, 0))
        return self.apply(name, "nn.max_pool2d", [x.name], elements, attributes)

    def classifier(self, x, classes=1000):
        """Global average, then a dense layer."""
        average = self.apply(
            "average", "nn.global_avg_pool2d", [x.name], x.elements.mean(axis=(1, 2), keepdims=True, dtype=np.float32))
        channels = average.elements.shape[3]
        features = self.apply("features", "nn.reshape", [average.name], average.elements.reshape(1, channels))
        weight = self.parameter("classifier.weight", (channels, classes), np.sqrt(0.5 / channels))
        bias = self.parameter("classifier.bias", (classes,), 0.1)
        operands = [features.name, self.constant("classifier.weight", weight.shape)]
        operands.append(self.constant("classifier.bias", bias.shape))
        return self.apply("logits", "nn.matmul", operands, features.elements @ weight + bias)

    def write(self, path, comment, result):
        low, high = IMAGE_RANGE
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(f"// {line}".rstrip() + "\n" for line in comment.strip().split("\n"))
            file.write("//\n// Generated by generate.py.\n\n")
            file.writelines(line + "\n" for line in self.data)
            image = f"%image: {self.image.type} {{range = [{number(low)}, {number(high)}]}}"
            file.write(f"\ngraph @{self.name}({image}) -> {result.type} {{\n")
            file.writelines(line + "\n" for line in self.lines)
            file.write(f"  return %{result.name}\n}}\n")


def number(value):
    """A float of a few digits, with a point in it."""
    text = f"{value:.4g}"
    return text if "." in text or "e" in text else text + ".0"


RESNET50 = """
ResNet-50 (He et al., 2015; the variant with the stride in the 3x3 convolution), 224x224: 4.1 GMAC, 25.6 MB of weights
in int8. Structure only: the weights are seeded random numbers.

What to look at:
  spadix compile resnet50.spx --target gemmini -o resnet50.spxo
    the bytes that cross DRAM, and the utilization of the array; Gemmini's own library moves 117 MB at 72 %
  spadix compile resnet50.spx --target spadix -o resnet50.spxo
    the same with results that stay on chip
"""


def resnet50():
    network = Network("resnet50", seed=50_000)
    x = network.relu("stem_relu", network.convolution("stem", network.image, 64, 7, stride=2))
    x = network.max_pool("stem_pool", x)
    for stage, (blocks, width) in enumerate(((3, 64), (4, 128), (6, 256), (3, 512)), start=1):
        for block in range(1, blocks + 1):
            name = f"stage{stage}_block{block}"
            stride = 2 if stage > 1 and block == 1 else 1
            y = network.relu(f"{name}_relu1", network.convolution(f"{name}_conv1", x, width, 1))
            y = network.relu(f"{name}_relu2", network.convolution(f"{name}_conv2", y, width, 3, stride))
            # The branch adds to the stream rather than replacing it, so it is weaker than the stream.
            y = network.convolution(f"{name}_conv3", y, 4 * width, 1, gain=0.5)
            if block == 1:
                x = network.convolution(f"{name}_shortcut", x, 4 * width, 1, stride, gain=0.7)
            x = network.relu(f"{name}_relu3", network.add(f"{name}_add", x, y))
    network.write(os.path.join(FOLDER, "resnet50.spx"), RESNET50, network.classifier(x))
    return network


MOBILENETV2 = """
MobileNetV2 (Sandler et al., 2018; width 1.0), 224x224: 0.3 GMAC, 3.5 MB of weights in int8. Structure only: the
weights are seeded random numbers.

What to look at:
  spadix compile mobilenetv2.spx --target gemmini -o mobilenetv2.spxo
    depthwise convolutions: 16 channels at a time through diagonal weights; Gemmini's own library takes one at a time
    and spends 85 % of its cycles there
"""


def mobilenetv2():
    network = Network("mobilenetv2", seed=20_000)
    x = network.relu6("stem_relu", network.convolution("stem", network.image, 32, 3, stride=2))
    settings = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
    index = 0
    for expansion, channels, repeats, first_stride in settings:
        for repeat in range(repeats):
            index += 1
            name, stride = f"block{index}", first_stride if repeat == 0 else 1
            inputs = x.elements.shape[3]
            y = x
            if expansion > 1:
                y = network.convolution(f"{name}_expand", y, expansion * inputs, 1)
                y = network.relu6(f"{name}_expand_relu", y)
            hidden = y.elements.shape[3]
            y = network.convolution(f"{name}_depthwise", y, hidden, 3, stride, groups=hidden)
            y = network.relu6(f"{name}_depthwise_relu", y)
            residual = stride == 1 and inputs == channels
            y = network.convolution(f"{name}_project", y, channels, 1, gain=0.7 if residual else 1.0)
            x = network.add(f"{name}_add", x, y) if residual else y
    x = network.relu6("head_relu", network.convolution("head", x, 1280, 1))
    network.write(os.path.join(FOLDER, "mobilenetv2.spx"), MOBILENETV2, network.classifier(x))
    return network


if __name__ == "__main__":
    resnet50()
    mobilenetv2()
