"""The seeded generator behind `random(...)` in graph files, in numpy: the same elements as `SpadixTensor.RandomTensor`."""

import numpy as np


def units(seed, count):
    """The first `count` numbers of SplitMix64, as float32 in 0 ..< 1 from their upper 24 bits."""
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
    return (z >> np.uint64(40)).astype(np.float32) * np.float32(2**-24)


def uniform(seed, low, high, shape):
    """`random(seed = n, low = a, high = b)`."""
    low, high = np.float32(low), np.float32(high)
    return (low + units(seed, int(np.prod(shape))) * (high - low)).reshape(shape)


def laplace(seed, scale, shape):
    """`random(seed = n, laplace = b)`: mean 0, clipped to eight scales."""
    v = 2 * units(seed, int(np.prod(shape))) - 1
    # The logarithm of zero is minus infinity, which the clipping takes care of.
    with np.errstate(divide="ignore"):
        exponential = -np.log(1 - np.abs(v).astype(np.float64))
    magnitude = np.minimum(exponential.astype(np.float32), 8) * np.float32(scale)
    return np.where(v < 0, -magnitude, magnitude).reshape(shape)
