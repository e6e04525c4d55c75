"""Writes a random layered graph of 1,000 operators, each of which reads results of the few layers before it."""

import json
import random
import sys

LAYERS, WIDTH, REACH = 50, 20, 3


def main():
    generator = random.Random(1)
    tensors = [{"id": 0, "name": "x", "bytes": 64, "kind": "input"}]
    ops, layers = [], [[0]]
    for layer in range(LAYERS):
        before = [tensor for each in layers[-REACH:] for tensor in each]
        made = []
        for _ in range(WIDTH):
            number = len(tensors)
            kind = "output" if layer == LAYERS - 1 else "activation"
            tensors.append({"id": number, "name": f"t{number}", "bytes": generator.randint(16, 512), "kind": kind})
            operands = generator.sample(before, min(len(before), generator.randint(1, 4)))
            ops.append({"id": number, "name": "op", "inputs": sorted(operands), "outputs": [number]})
            made.append(number)
        layers.append(made)
    read = {tensor for op in ops for tensor in op["inputs"]}
    for tensor in tensors[1:]:
        if tensor["id"] not in read:
            tensor["kind"] = "output"
    json.dump({"name": "layered", "tensors": tensors, "ops": ops}, open(sys.argv[1], "w"))


if __name__ == "__main__":
    main()
