"""Writes a seeded random input: random_input.py FILE.npy LOW HIGH DIMENSION..."""

import sys

import numpy as np


def main():
    path, low, high, *shape = sys.argv[1:]
    values = np.random.default_rng(7).uniform(float(low), float(high), [int(size) for size in shape])
    np.save(path, values.astype(np.float32))


if __name__ == "__main__":
    main()
