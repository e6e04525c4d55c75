"""Compares the outputs of clamps.spx, in a folder, with the clamp of the input."""
import sys

import numpy

BOUNDS = {"both": (-1, 2), "symmetric": (-1, 1), "above": (1, 3), "below": (-2, -1), "low": (-0.5, 9),
          "high": (-9, 0.5), "relu6": (0, 6)}

x = numpy.load(sys.argv[1])
right = 0
for name, (low, high) in BOUNDS.items():
    error = numpy.abs(numpy.load(f"{sys.argv[2]}/{name}.npy") - numpy.clip(x, low, high)).max()
    # Half a step of the input, and one of the result and of what comes before it.
    if error <= 0.5 * 4 / 127 + 4 / 127:
        right += 1
    else:
        print(f"{name}: {error}")
print(f"{right} outputs right")
