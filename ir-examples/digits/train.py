"""Trains the two digits networks and writes everything the graphs beside this file read.

    .venv/bin/python ir-examples/digits/train.py       (`make examples` runs it)

The data are the 1,797 handwritten digits that scikit-learn bundles: 1,297 to train on, 500 held out. Everything is
seeded. The held-out images are the first 500 of a seeded permutation; nothing about them enters training, and the
networks are not chosen by them.
"""

import os
import sys

import numpy as np
from sklearn.datasets import load_digits

from layers import Adam, BatchNorm, Convolution, Dense, Flatten, MaxPool, ReLU, Residual, Sequence

FOLDER = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(FOLDER))
from tensor_files import write_safetensors  # noqa: E402

HELD_OUT = 500
CALIBRATION = 100
BATCH = 32


def shifted(images, rng):
    """The images, each moved by up to one pixel."""
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)))
    moves = rng.integers(0, 3, (len(images), 2))
    return np.stack([image[y : y + 8, x : x + 8] for image, (y, x) in zip(padded, moves)])


def train(network, images, labels, epochs, rng, augment):
    optimizer = Adam(network)
    for epoch in range(epochs):
        order = rng.permutation(len(images))
        # A cosine from 0.004 to zero: large enough to train quickly, settled at the end.
        rate = 0.002 * (1 + np.cos(np.pi * epoch / epochs))
        for start in range(0, len(order) - BATCH + 1, BATCH):
            chosen = order[start : start + BATCH]
            batch = shifted(images[chosen], rng) if augment else images[chosen]
            logits = network.forward(batch, training=True)
            odds = np.exp(logits - logits.max(axis=1, keepdims=True))
            probabilities = odds / odds.sum(axis=1, keepdims=True)
            network.backward((probabilities - np.eye(10)[labels[chosen]]) / BATCH)
            optimizer.step(rate)


def accuracy(network, images, labels):
    return (network.forward(images, training=False).argmax(axis=1) == labels).mean()


def cnn(rng):
    """The network of cnn.spx, with the names its weights have there."""
    parts = {
        "conv1": Convolution(rng, 1, 16),
        "norm1": BatchNorm(16),
        "block.conv1": Convolution(rng, 16, 16),
        "block.norm1": BatchNorm(16),
        "block.conv2": Convolution(rng, 16, 16),
        "block.norm2": BatchNorm(16),
        "conv2": Convolution(rng, 16, 32),
        "norm2": BatchNorm(32),
        "dense": Dense(rng, 2 * 2 * 32, 10),
    }
    network = Sequence(
        parts["conv1"], parts["norm1"], ReLU(),
        Residual(parts["block.conv1"], parts["block.norm1"], ReLU(), parts["block.conv2"], parts["block.norm2"]),
        ReLU(), MaxPool(),
        parts["conv2"], parts["norm2"], ReLU(), MaxPool(),
        Flatten(), parts["dense"],
    )
    return network, parts


def mlp(rng):
    """The network of mlp.spx."""
    parts = {"dense1": Dense(rng, 64, 64), "dense2": Dense(rng, 64, 10)}
    return Sequence(Flatten(), parts["dense1"], ReLU(), parts["dense2"]), parts


def tensors(parts):
    """All parameters and statistics as float32, named `part.parameter`."""
    named = {}
    for part, layer in parts.items():
        values = dict(layer.parameters)
        if isinstance(layer, BatchNorm):
            values |= {"mean": layer.mean, "variance": layer.variance}
        for name, value in values.items():
            named[f"{part}.{name}"] = value.astype(np.float32)
    return named


def main():
    digits = load_digits()
    images = (digits.images / 16)[..., None]
    order = np.random.default_rng(20).permutation(len(images))
    held_out, training = order[:HELD_OUT], order[HELD_OUT:]

    def path(name):
        return os.path.join(FOLDER, name)

    np.save(path("images.npy"), images[held_out].astype(np.float32))
    np.save(path("labels.npy"), digits.target[held_out].astype(np.int32))
    np.save(path("samples.npy"), images[training[:CALIBRATION]].astype(np.float32))
    # A dense network has nothing in it that makes moved images alike, so it learns better without them.
    for name, build, epochs, augment in (("cnn", cnn, 40, True), ("mlp", mlp, 60, False)):
        rng = np.random.default_rng(1)
        network, parts = build(rng)
        train(network, images[training], digits.target[training], epochs, rng, augment)
        write_safetensors(path(f"{name}.safetensors"), tensors(parts))
        print(f"{name}: held-out accuracy {accuracy(network, images[held_out], digits.target[held_out]):.3f}")


if __name__ == "__main__":
    main()
