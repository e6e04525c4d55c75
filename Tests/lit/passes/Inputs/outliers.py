"""A product whose samples have a rare value far from all others, in f32 text, and its samples: written into a folder."""

import pathlib
import sys

import numpy as np

folder = pathlib.Path(sys.argv[1])
generator = np.random.default_rng(1)
samples = generator.standard_normal((64, 256)).astype(np.float32)
# The extreme stands where the weights are zero: nothing depends on it.
samples[3, 0] = 400
np.save(folder / "samples.npy", samples)
weights = generator.standard_normal((256, 8)) / 16
weights[0] = 0
numbers = ", ".join(f"{w:.4f}" for w in weights.flatten())
(folder / "outliers.spx").write_text(f"""data @w : f32[256, 8] = [{numbers}]
graph @outliers(%x: f32[1, 256]) -> f32[1, 8] {{
  %w = constant @w : f32[256, 8]
  %y = nn.matmul %x, %w : f32[1, 8]
  return %y
}}
""")
