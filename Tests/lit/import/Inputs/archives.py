"""Writes .npz files of several kinds, right and damaged. usage: archives.py FOLDER"""

import os
import sys

import numpy as np

os.chdir(sys.argv[1])
values = np.random.default_rng(3).normal(size=(2, 3, 8, 8)).astype(np.float32)
np.savez("stored.npz", **{"label": np.arange(2), "input:0": values})
np.savez_compressed("deflated.npz", **{"input:0": values})
np.savez("single.npz", anything=values)
np.savez("others.npz", image=values, label=np.arange(2))
content = open("deflated.npz", "rb").read()
open("cut.npz", "wb").write(content[: len(content) // 2])
flipped = bytearray(content)
flipped[200:220] = bytes(20)
open("flipped.npz", "wb").write(flipped)
