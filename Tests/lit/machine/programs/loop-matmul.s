; The hardware product of 1 x 2 x 2 tiles, of which the last ones are partial: A is 3 x 6, B is 6 x 5, D is one row for all.
; A[i][k] = i + 1 and B[k][j] = j + 1, so that A * B = 6 (i + 1) (j + 1); with D[j] = j + 1 that is (6 i + 7) (j + 1).
; The flag accumulate adds to what the accumulator holds, which is D.
; RUN: %spadix conformance %s --check=all 2>&1 | FileCheck %s
; CHECK: 1 of 1 programs pass: {{.*}} 0 findings
.target {base: spadix, name: small, dim: 4, scratchpad: {banks: 2, rows_per_bank: 64}, accumulator: {rows: 64}, dram_bytes: 1M}

.data 0x10000 i8
1*6 2*6 3*6
.data 0x10100 i8
1 2 3 4 5  1 2 3 4 5  1 2 3 4 5  1 2 3 4 5  1 2 3 4 5  1 2 3 4 5
.data 0x10200 i32
1 2 3 4 5

config_ex ws a_stride=1 c_stride=1
config_ld stride=6 block_stride=4 scale=1.0
config_ld state=1 stride=5 block_stride=4 scale=1.0
config_ld state=2 block_stride=4 scale=1.0
config_st stride=5 scale=1.0
loop_ws_bounds pad_i=1 pad_j=3 pad_k=2 i=1 j=2 k=2
loop_ws_ab a=0x10000 b=0x10100
loop_ws_dc d=0x10200 c=0x20000
loop_ws_strides_ab a=6 b=5
loop_ws_strides_dc c=5
loop_ws accumulate

.expect 0x20000 i8
7 14 21 28 35
13 26 39 52 65
19 38 57 76 95
