"""Writes a problem of 10,000 operators: interleaved chains that start from one input."""

import json
import sys

CHAINS, LENGTH = 20, 500


def main():
    tensors = [{"id": 0, "name": "x", "shape": [64], "bytes_int8": 64, "kind": "input"}]
    ops = []
    last = [0] * CHAINS
    for step in range(LENGTH):
        for chain in range(CHAINS):
            number = len(tensors)
            size = 16 + (number * 7919) % 97
            kind = "output" if step == LENGTH - 1 else "activation"
            tensors.append({"id": number, "name": f"t{number}", "shape": [size], "bytes_int8": size, "kind": kind})
            ops.append({"id": number, "type": "Op", "inputs": [last[chain]], "outputs": [number], "fused": []})
            last[chain] = number
    json.dump({"name": "chains", "tensors": tensors, "ops": ops}, open(sys.argv[1], "w"))


if __name__ == "__main__":
    main()
