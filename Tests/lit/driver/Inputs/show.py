"""Prints the arrays of a folder: show.py FOLDER."""

import os
import sys

import numpy as np

for name in sorted(os.listdir(sys.argv[1])):
    array = np.load(os.path.join(sys.argv[1], name))
    values = " ".join(f"{value:g}" for value in np.round(array.ravel(), 1))
    print(f"{name} {array.dtype}{list(array.shape)}: {values}")
