#!/usr/bin/env python3
"""Writes scheduling problems of kinds that networks and kernels come in, from a seed.

    schedule_kinds.py KIND SEED FILE [--scale N]
    schedule_kinds.py --list

A scale of 1 gives 20 to 60 operators, and the number grows about linearly with it. Sizes are drawn from the seed.
"""

import argparse
import json
import random


class Graph:
    """Tensors by number, operators in a legal order. What nobody reads is an output."""

    def __init__(self, name, seed):
        self.name = name
        self.random = random.Random(seed)
        self.tensors = []
        self.ops = []

    def size(self, low=1, high=16):
        return 64 * self.random.randint(low, high)

    def tensor(self, kind, size):
        self.tensors.append({"id": len(self.tensors), "name": f"t{len(self.tensors)}", "bytes": size, "kind": kind})
        return len(self.tensors) - 1

    def input(self, size):
        return self.tensor("input", size)

    def parameter(self, size):
        return self.tensor("parameter", size)

    def op(self, name, operands, size, *more_sizes):
        outputs = [self.tensor("activation", each) for each in (size, *more_sizes)]
        self.ops.append({"id": len(self.ops), "type": name, "inputs": operands, "outputs": outputs})
        return outputs if more_sizes else outputs[0]

    def problem(self):
        read = {tensor for op in self.ops for tensor in op["inputs"]}
        for tensor in self.tensors:
            if tensor["kind"] == "activation" and tensor["id"] not in read:
                tensor["kind"] = "output"
        return {"name": self.name, "tensors": self.tensors, "ops": self.ops}


def training(graph, scale):
    """A residual network forwards, its loss, and the gradients backwards, which read what was computed forwards."""
    value = graph.input(graph.size(8, 16))
    forward = []
    skip = value
    for layer in range(8 * scale):
        weight = graph.parameter(graph.size(1, 8))
        operands = [value, weight] + ([skip] if layer % 3 == 2 else [])
        result = graph.op("forward", operands, graph.size(4, 16))
        forward.append((value, weight, result))
        if layer % 3 == 2:
            skip = result
        value = result
    gradient = graph.op("loss", [value], graph.tensors[value]["bytes"])
    for operand, weight, result in reversed(forward):
        graph.op("weight gradient", [gradient, operand], graph.tensors[weight]["bytes"])
        gradient = graph.op("gradient", [gradient, weight, result], graph.tensors[operand]["bytes"])


def cache(graph, scale):
    """Tokens that read the keys and values of all before them."""
    heads = 3
    caches = [[] for _ in range(heads)]
    sizes = [graph.size(1, 4) for _ in range(heads)]
    value = graph.input(graph.size(4, 8))
    for _ in range(4 * scale):
        parts = []
        for head in range(heads):
            key = graph.op("key and value", [value], sizes[head])
            caches[head].append(key)
            parts.append(graph.op("attention", [value] + caches[head], sizes[head]))
        value = graph.op("token", parts, graph.size(4, 8))


def wired(graph, scale):
    """Nodes of two or three inputs among the last ones, as random wirings have them."""
    values = [graph.input(graph.size())]
    for _ in range(30 * scale):
        recent = values[-8:]
        count = min(len(recent), graph.random.randint(1, 3))
        values.append(graph.op("node", sorted(graph.random.sample(recent, count)), graph.size()))


def recurrent(graph, scale):
    """Two layers of long short-term memory, unrolled: gates of one kind each share their weights."""
    layers = 2
    weights = [graph.parameter(graph.size(4, 12)) for _ in range(layers)]
    size = graph.size(2, 6)
    hidden = [graph.input(size) for _ in range(layers)]
    cell = [graph.input(size) for _ in range(layers)]
    for _ in range(5 * scale):
        below = graph.input(graph.size(1, 4))
        for layer in range(layers):
            gates = graph.op("gates", [below, hidden[layer], weights[layer]], 4 * size)
            cell[layer] = graph.op("cell", [gates, cell[layer]], size)
            hidden[layer] = below = graph.op("hidden", [gates, cell[layer]], size)


def experts(graph, scale):
    """Layers in which equal experts read what a router gives them, and are mixed."""
    value = graph.input(graph.size(4, 8))
    for _ in range(scale):
        count = 8
        inner = graph.size(4, 16)
        routed = graph.op("route", [value], *[graph.size(1, 2)] * count)
        parts = []
        for part in routed:
            first = graph.op("expand", [part, graph.parameter(graph.size(2, 8))], inner)
            parts.append(graph.op("contract", [first], graph.tensors[part]["bytes"]))
        value = graph.op("mix", parts + [value], graph.tensors[value]["bytes"])


def diffusion(graph, scale):
    """A U-shaped network with skips, and a time embedding that every block reads."""
    depth = 3 + scale
    time = graph.op("embed", [graph.input(64)], graph.size(1, 2))
    size = graph.size(12, 16)
    value = graph.op("stem", [graph.input(size)], size)
    skips = []
    for level in range(depth):
        for _ in range(2):
            value = graph.op("down block", [value, time], max(64, size >> level))
            skips.append(value)
        value = graph.op("down", [value], max(64, size >> (level + 1)))
    value = graph.op("middle", [value, time], max(64, size >> depth))
    for level in reversed(range(depth)):
        value = graph.op("up", [value], max(64, size >> level))
        for _ in range(2):
            value = graph.op("up block", [value, skips.pop(), time], max(64, size >> level))


def tiles(graph, scale):
    """A product of two matrices in tiles: each partial sum reads one tile of either."""
    rows = 2 + scale
    size = graph.size(2, 4)
    left = [[graph.input(size) for _ in range(rows)] for _ in range(rows)]
    right = [[graph.input(size) for _ in range(rows)] for _ in range(rows)]
    for row in range(rows):
        for column in range(rows):
            total = graph.op("multiply", [left[row][0], right[0][column]], 2 * size)
            for inner in range(1, rows):
                total = graph.op("multiply and add", [total, left[row][inner], right[inner][column]], 2 * size)


def butterflies(graph, scale):
    """The stages of a Fourier transform of 8 or 16 points."""
    count = 8 * min(2, scale)
    values = [graph.input(graph.size(2, 2)) for _ in range(count)]
    stride = 1
    while stride < count:
        for low in range(count):
            if low & stride == 0:
                pair = graph.op("butterfly", [values[low], values[low + stride]], 128, 128)
                values[low], values[low + stride] = pair
        stride *= 2


KINDS = [training, cache, wired, recurrent, experts, diffusion, tiles, butterflies]


def write(kind, seed, scale, path):
    graph = Graph(f"{kind} {seed}", f"{kind}/{seed}/{scale}")
    next(each for each in KINDS if each.__name__ == kind)(graph, scale)
    with open(path, "w") as file:
        json.dump(graph.problem(), file)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("kind", nargs="?", choices=[kind.__name__ for kind in KINDS])
    parser.add_argument("seed", nargs="?")
    parser.add_argument("file", nargs="?")
    parser.add_argument("--scale", type=int, default=1)
    parser.add_argument("--list", action="store_true", help="name the kinds")
    options = parser.parse_args()
    if options.list:
        for kind in KINDS:
            print(f"{kind.__name__}: {kind.__doc__}")
        return
    if not options.file:
        parser.error("KIND, SEED and FILE are needed")
    write(options.kind, options.seed, options.scale, options.file)


if __name__ == "__main__":
    main()
