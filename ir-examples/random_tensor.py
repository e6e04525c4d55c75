"""Elements of the distributions that `random(...)` names in a graph file."""

import numpy as np


def uniform(seed, low, high, shape):
    return np.random.default_rng(seed).uniform(low, high, shape).astype(np.float32)


def laplace(seed, scale, shape):
    return np.random.default_rng(seed).laplace(0, scale, shape).astype(np.float32)
