"""Writes whole networks with seeded weights, and measures what groups of operators save: the table in docs/figures.md.

    group_networks.py SPADIX [--only NAME] [--target FILE]
    group_networks.py SPADIX --print NAME     writes one of the graphs

The structures are the published ones with batch normalization folded into weights. U-Net doubles its images by a 1x1
convolution whose channels become pixels. Every value is given one range: bytes and cycles depend on no number.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile


class Network:
    """The text of a graph under construction. A value is its name and its shape."""

    def __init__(self, name, shape):
        self.name, self.data, self.lines, self.parameters, self.count = name, [], [], 0, 0
        self.input = ("input", shape)

    def apply(self, operation, operands, shape, attributes=""):
        name = f"v{len(self.lines)}"
        attributes = ", ".join(filter(None, [attributes, "range = [-2.0, 2.0]"]))
        operands = ", ".join("%" + operand for operand in operands)
        self.lines.append(f"  %{name} = {operation} {operands} {{{attributes}}} : f32{list(shape)}")
        return name, list(shape)

    def constant(self, shape):
        self.count += 1
        name = f"c{self.count}"
        size = 1
        for extent in shape:
            size *= extent
        # Biases are int32 in the network that is counted.
        self.parameters += size if len(shape) > 1 else 4 * size
        self.data.append(f"data @{name} : f32{list(shape)} = random(seed = {self.count}, laplace = 0.05)")
        self.lines.append(f"  %{name} = constant @{name} : f32{list(shape)}")
        return name

    def convolution(self, x, channels, kernel=1, stride=1, groups=1, function="relu"):
        (name, (images, rows, columns, inputs)) = x
        attributes = []
        before = (kernel - 1) // 2 if stride < kernel else 0
        after = [max(0, (size - 1) // stride * stride + kernel - size - before) if stride < kernel else 0
                 for size in (rows, columns)]
        if kernel > 1:
            attributes.append(f"padding = [{before}, {before}, {after[0]}, {after[1]}]")
        if stride > 1:
            attributes.append(f"strides = [{stride}, {stride}]")
        if groups > 1:
            attributes.append(f"groups = {groups}")
        size = [(extent + before + more - kernel) // stride + 1 for extent, more in zip((rows, columns), after)]
        weight = self.constant([kernel, kernel, inputs // groups, channels])
        y = self.apply("nn.conv2d", [name, weight, self.constant([channels])], [images, *size, channels],
                       ", ".join(attributes))
        return self.function(y, function)

    def function(self, x, function):
        if function is None:
            return x
        if function == "relu":
            return self.apply("nn.relu", [x[0]], x[1])
        return self.apply("nn.unary", [x[0]], x[1], f"function = {function}")

    def product(self, x, outputs):
        weight = self.constant([x[1][-1], outputs])
        return self.apply("nn.matmul", [x[0], weight, self.constant([outputs])], x[1][:-1] + [outputs])

    def matrix_product(self, a, b, transposes):
        columns = b[1][-2] if transposes else b[1][-1]
        return self.apply("nn.matmul", [a[0], b[0]], a[1][:-1] + [columns], "transpose_b = true" if transposes else "")

    def add(self, a, b):
        return self.apply("nn.add", [a[0], b[0]], a[1])

    def concat(self, values):
        channels = sum(value[1][3] for value in values)
        return self.apply("nn.concat", [value[0] for value in values], values[0][1][:3] + [channels], "axis = 3")

    def pool(self, x, kind, window, stride, padding=0):
        images, rows, columns, channels = x[1]
        size = [(extent + padding - window) // stride + 1 for extent in (rows, columns)]
        attributes = f"window = [{window}, {window}], strides = [{stride}, {stride}]"
        if padding:
            attributes += f", padding = [{padding}, {padding}, 0, 0]"
        return self.apply(f"nn.{kind}_pool2d", [x[0]], [images, *size, channels], attributes)

    def global_average(self, x):
        return self.apply("nn.global_avg_pool2d", [x[0]], [x[1][0], 1, 1, x[1][3]])

    def reshape(self, x, shape):
        return self.apply("nn.reshape", [x[0]], shape)

    def transpose(self, x, order):
        return self.apply("nn.transpose", [x[0]], [x[1][axis] for axis in order], f"permutation = {order}")

    def classifier(self, x, classes=1000):
        x = self.global_average(x)
        return self.product(self.reshape(x, [1, x[1][3]]), classes)

    def text(self, result):
        """The graph, and the bytes that any program moves: weights, input and result once."""
        def size(value):
            total = 1
            for extent in value[1]:
                total *= extent
            return total
        lines = self.data + [
            f"graph @{self.name}(%input: f32{self.input[1]} {{range = [-2.0, 2.0]}}) -> f32{result[1]} {{"]
        lines += self.lines + [f"  return %{result[0]}", "}", ""]
        return "\n".join(lines), self.parameters + size(self.input) + size(result)


def densenet():
    net = Network("densenet121", [1, 224, 224, 3])
    x = net.pool(net.convolution(net.input, 64, 7, 2), "max", 3, 2, 1)
    for index, layers in enumerate((6, 12, 24, 16)):
        values = [x]
        for _ in range(layers):
            joined = net.concat(values) if len(values) > 1 else values[0]
            values.append(net.convolution(net.convolution(joined, 128), 32, 3))
        x = net.concat(values)
        if index < 3:
            x = net.pool(net.convolution(x, x[1][3] // 2), "avg", 2, 2)
    return net.text(net.classifier(x))


def vit():
    net = Network("vit_b16", [1, 224, 224, 3])
    x = net.reshape(net.convolution(net.input, 768, 16, 16, function=None), [1, 196, 768])

    def norm(x):
        return net.apply("nn.layer_norm", [x[0], net.constant([768]), net.constant([768])], x[1])
    for _ in range(12):
        y = norm(x)
        q, k, v = (net.transpose(net.reshape(net.product(y, 768), [1, 196, 12, 64]), [0, 2, 1, 3]) for _ in range(3))
        scores = net.matrix_product(q, k, True)
        weights = net.apply("nn.softmax", [scores[0]], scores[1], "axis = 3")
        y = net.transpose(net.matrix_product(weights, v, False), [0, 2, 1, 3])
        x = net.add(x, net.product(net.reshape(y, [1, 196, 768]), 768))
        y = net.function(net.product(norm(x), 3072), "gelu")
        x = net.add(x, net.product(y, 768))
    x = net.reshape(norm(x), [1, 14, 14, 768])
    return net.text(net.classifier(x))


def efficientnet():
    net = Network("efficientnet_b0", [1, 224, 224, 3])
    x = net.convolution(net.input, 32, 3, 2, function="silu")
    settings = ((1, 16, 1, 1, 3), (6, 24, 2, 2, 3), (6, 40, 2, 2, 5), (6, 80, 3, 2, 3), (6, 112, 3, 1, 5),
                (6, 192, 4, 2, 5), (6, 320, 1, 1, 3))
    for expansion, channels, repeats, first, kernel in settings:
        for repeat in range(repeats):
            stride, inputs = first if repeat == 0 else 1, x[1][3]
            y = net.convolution(x, expansion * inputs, function="silu") if expansion > 1 else x
            y = net.convolution(y, y[1][3], kernel, stride, y[1][3], function="silu")
            gate = net.convolution(net.global_average(y), max(1, inputs // 4), function="silu")
            gate = net.convolution(gate, y[1][3], function="sigmoid")
            y = net.apply("nn.binary", [y[0], gate[0]], y[1], "function = mul")
            y = net.convolution(y, channels, function=None)
            x = net.add(x, y) if stride == 1 and inputs == channels else y
    return net.text(net.classifier(net.convolution(x, 1280, function="silu")))


def dnsmos():
    net = Network("dnsmos", [1, 900, 120, 1])
    x = net.pool(net.convolution(net.input, 32, 3), "max", 2, 2)
    x = net.pool(net.convolution(x, 32, 3), "max", 2, 2)
    x = net.pool(net.convolution(net.convolution(x, 32, 3), 32, 3), "max", 2, 2)
    x = net.convolution(x, 64, 3)
    x = net.reshape(x, [1, x[1][1] * x[1][2], 1, 64])
    x = net.apply("nn.max_pool2d", [x[0]], [1, 1, 1, 64], f"window = [{x[1][1]}, 1]")
    x = net.reshape(x, [1, 64])
    for outputs in (64, 64):
        x = net.function(net.product(x, outputs), "relu")
    return net.text(net.product(x, 1))


def unet():
    net = Network("unet", [1, 256, 256, 3])
    x, skips = net.input, []
    for channels in (16, 32, 64, 128):
        x = net.convolution(net.convolution(x, channels, 3), channels, 3)
        skips.append(x)
        x = net.pool(x, "max", 2, 2)
    x = net.convolution(net.convolution(x, 256, 3), 256, 3)
    for skip in reversed(skips):
        (_, (_, rows, columns, channels)) = skip
        x = net.reshape(net.convolution(x, 4 * channels, function=None), [1, rows // 2, columns // 2, 2, 2, channels])
        x = net.reshape(net.transpose(x, [0, 1, 3, 2, 4, 5]), [1, rows, columns, channels])
        x = net.convolution(net.convolution(net.concat([skip, x]), channels, 3), channels, 3)
    return net.text(net.convolution(x, 2, function=None))


NETWORKS = {"DenseNet-121": densenet, "ViT-B/16": vit, "EfficientNet-B0": efficientnet, "DNSMOS": dnsmos,
            "U-Net": unet}


def cost(spadix, graph, options):
    """Bytes and modelled cycles of a program, as its report says."""
    command = [spadix, "compile", graph, "--report=json", "-o", os.devnull, *options]
    report = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return report["dram_bytes"]["total"], report["cycles_modelled"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("spadix")
    parser.add_argument("--only", choices=NETWORKS)
    parser.add_argument("--target", default="spadix")
    parser.add_argument("--print", choices=NETWORKS, dest="network")
    options = parser.parse_args()
    if options.network:
        sys.stdout.write(NETWORKS[options.network]()[0])
        return
    print("| network | MB at least | one operator at a time | | for bytes, in groups | | for time, in groups | |")
    print("|---|---|---|---|---|---|---|---|")
    for name, build in NETWORKS.items():
        if options.only not in (None, name):
            continue
        text, least = build()
        with tempfile.TemporaryDirectory() as folder:
            graph = os.path.join(folder, "network.spx")
            with open(graph, "w", encoding="utf-8") as file:
                file.write(text)
            cells = []
            for mode in (["--groups", "never"], ["--objective", "bytes"], []):
                moved, cycles = cost(options.spadix, graph, ["--target", options.target, *mode])
                cells += [f"{moved / 1e6:.2f} MB", f"{cycles / 1e6:.2f} M"]
        print(f"| {name} | {least / 1e6:.2f} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
