#!/usr/bin/env python3
"""Writes scheduling problems of many operators, with sizes of 16 to 512 drawn from a seed.

    large_graphs.py KIND OPERATORS SEED FILE

Kinds: chains, layers, reduction, binary, spread, wired.
"""

import argparse
import json

import schedule_kinds


class Graph(schedule_kinds.Graph):
    """Operators of one result, whose sizes are any number of bytes."""

    def size(self, low=16, high=512):
        return self.random.randint(low, high)

    def input(self, size=None):
        return super().input(size or self.size())

    def op(self, operands):
        return super().op("op", sorted(operands), self.size())


def chains(graph, count):
    """Twenty interleaved chains that start from one input."""
    last = [graph.input(64)] * 20
    for _ in range(count // 20):
        last = [graph.op([each]) for each in last]


def layers(graph, count):
    """Layers of six operators that read all of the layer before."""
    layer = [graph.input()]
    while len(graph.ops) < count:
        layer = [graph.op(layer) for _ in range(6)]


def reduction(graph, count):
    """A random tree towards one result: operators of one to three operands, inputs at its leaves."""
    pool = [graph.input() for _ in range(count // 2)]
    while len(graph.ops) < count or len(pool) > 1:
        operands = min(len(pool), graph.random.choice([1, 2, 2, 3]) if len(graph.ops) < count else 3)
        taken = [pool.pop(graph.random.randrange(len(pool))) for _ in range(operands)]
        pool.insert(graph.random.randrange(len(pool) + 1), graph.op(taken))


def binary(graph, count):
    """A complete binary tree of sums."""
    layer = [graph.op([graph.input()]) for _ in range(count // 2)]
    while len(layer) > 1:
        layer = [graph.op(layer[index:index + 2]) for index in range(0, len(layer), 2)]


def spread(graph, count):
    """A random tree from one input, whose tensors one to three operators read."""
    pool = [graph.input()]
    while len(graph.ops) < count:
        tensor = pool.pop(graph.random.randrange(len(pool)))
        pool += [graph.op([tensor]) for _ in range(graph.random.choice([1, 2, 2, 3]))]


def wired(graph, count):
    """One to three operands among the last eight."""
    values = [graph.input()]
    while len(graph.ops) < count:
        recent = values[-8:]
        values.append(graph.op(graph.random.sample(recent, min(len(recent), graph.random.randint(1, 3)))))


KINDS = [chains, layers, reduction, binary, spread, wired]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("kind", choices=[kind.__name__ for kind in KINDS])
    parser.add_argument("operators", type=int)
    parser.add_argument("seed")
    parser.add_argument("file")
    options = parser.parse_args()
    graph = Graph(f"{options.kind} {options.operators}", f"{options.kind}/{options.seed}")
    next(kind for kind in KINDS if kind.__name__ == options.kind)(graph, options.operators)
    with open(options.file, "w") as file:
        json.dump(graph.problem(), file)


if __name__ == "__main__":
    main()
