; The hardware residual addition of 1 x 2 tiles, 2 x 6 elements: round(A * 0.5) + B through relu.
; Row 0: (2, 4, 6, 8, 10, 12) / 2 + 10; row 1: (-20, -22, 3, 5, 127, -128) / 2 = (-10, -11, 2, 2, 64, -64), since 1.5, 2.5
; and 63.5 lie halfway, + (9, 12, 0, 0, 64, 64); 128 saturates.
; RUN: %spadix conformance %s --check=all 2>&1 | FileCheck %s
; CHECK: 1 of 1 programs pass: {{.*}} 0 findings
.target {base: spadix, name: small, dim: 4, scratchpad: {banks: 2, rows_per_bank: 64}, accumulator: {rows: 64}, dram_bytes: 1M}

.data 0x10000 i8
2 4 6 8 10 12  -20 -22 3 5 127 -128
.data 0x10100 i8
10*6  9 12 0 0 64 64

config_ex ws a_stride=1 c_stride=1
config_ld shrunk stride=6 block_stride=4 scale=0.5
config_ld shrunk state=1 stride=6 block_stride=4 scale=1.0
config_st activation=1 stride=6 scale=1.0
loop_ws_bounds pad_i=2 pad_j=2 i=1 j=2
loop_ws_ab a=0x10000 b=0x10100
loop_ws_dc d=0x0 c=0x20000
loop_ws_strides_ab a=6 b=6
loop_ws_strides_dc c=6
loop_ws residual

.expect 0x20000 i8
11 12 13 14 15 16
0 1 2 2 127 0
