"""Writes programs whose hardware loops take more steps than the machine decodes at a time: long_loops.py FOLDER.

What they must leave is computed with numpy. matmul.s: 20 x 20 x 10 tiles of 4 x 4, so 200 loads of each operand, 4000
computes, 400 stores. conv.s: 8 x 8 pixels of 16 channels from 3 x 3 x 16 weights.
"""

import os
import sys

import numpy as np

TARGET = (".target {base: spadix, name: small, dim: 4, scratchpad: {banks: 2, rows_per_bank: 4096}, "
          "accumulator: {rows: 4096}, dram_bytes: 1M}\n")


def block(directive, address, values):
    rows = "\n".join(" ".join(str(v) for v in row) for row in values.reshape(-1, values.shape[-1]))
    return f"{directive} {address:#x} i8\n{rows}\n"


def write(path, data, commands, address, expected):
    with open(path, "w") as file:
        file.write(TARGET + "".join(block(".data", at, values) for at, values in data) + commands)
        file.write(block(".expect", address, expected))


rng = np.random.default_rng(1)
draw = lambda *shape: rng.integers(-2, 3, shape)
folder = sys.argv[1]

a, b = draw(80, 40), draw(40, 80)
write(os.path.join(folder, "matmul.s"), [(0x10000, a), (0x12000, b)], """
config_ex ws a_stride=1 c_stride=1
config_ld stride=40 block_stride=4 scale=1.0
config_ld state=1 stride=80 block_stride=4 scale=1.0
config_st stride=80 scale=1.0
loop_ws_bounds pad_i=0 pad_j=0 pad_k=0 i=20 j=20 k=10
loop_ws_ab a=0x10000 b=0x12000
loop_ws_dc d=0 c=0x20000
loop_ws_strides_ab a=40 b=80
loop_ws_strides_dc c=80
loop_ws
""", 0x20000, np.clip(a @ b, -128, 127))

x, w = draw(8, 8, 16), draw(3, 3, 16, 16)
padded = np.pad(x, ((1, 1), (1, 1), (0, 0)))
y = sum(padded[r : r + 8, c : c + 8] @ w[r, c] for r in range(3) for c in range(3))
write(os.path.join(folder, "conv.s"), [(0x10000, x), (0x12000, w)], """
.data 0x14000 i32
0*16
config_ex ws a_stride=1 c_stride=1
config_st stride=16 scale=1.0
loop_conv_ws_1 batch=1 in_rows=8 in_channels=16 out_channels=16 out_rows=8 pool_out_rows=8 out_cols=8 stride=1 padding=1
loop_conv_ws_2 pool_out_cols=8 kernel=3 channels=16 cols=8 rows=8 batches=1
loop_conv_ws_3 left=1 kernel_channels=16 kernel_cols=3 kernel_rows=3 in_cols=8 down=1 up=1 right=1
loop_conv_ws_4 dilation=1 out_rows=8 out_cols=8 out_stride=16 weight_stride=16 in_stride=16
loop_conv_ws_5 weights=0x12000 output=0x20000
loop_conv_ws_6 bias=0x14000 input=0x10000
loop_conv_ws no_pool
""", 0x20000, np.clip(y, -128, 127))

# 200 x 200 x 200 tiles: eight million steps.
with open(os.path.join(folder, "endless.s"), "w") as file:
    file.write(".target {base: spadix, name: large, dim: 4, scratchpad: {banks: 4, bytes: 256M}, "
               """accumulator: {bytes: 256M}}
config_ex ws a_stride=1 c_stride=1
config_ld stride=800 block_stride=4 scale=1.0
config_ld state=1 stride=800 block_stride=4 scale=1.0
config_ld state=2 block_stride=4 scale=1.0
config_st stride=800 scale=1.0
.data 0x10000 i8
1*640000
.data 0x110000 i32
1*800
loop_ws_bounds pad_i=0 pad_j=0 pad_k=0 i=200 j=200 k=200
loop_ws_ab a=0x10000 b=0x10000
loop_ws_dc d=0x110000 c=0x200000
loop_ws_strides_ab a=800 b=800
loop_ws_strides_dc c=800
loop_ws
""")
