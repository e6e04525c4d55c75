; A pooled store takes the largest value of each window over an image whose pixels are consecutive rows, here 3 x 3:
; 
;     1 2 3     window 2, stride 1: 5 6 / 8 9
;     4 5 6     window 2, stride 2, a row and a column of padding before: (pad, 1) (2, 3) / (4, 7) (5 6 8 9)
;     7 8 9
; 
; Pixels of the padding count as 0: the first window of the negated image gives 0, not -1. Rows of the output stand
; pool_out_dim pixels apart.
; RUN: %spadix conformance %s --check=all 2>&1 | FileCheck %s
; CHECK: 1 of 1 programs pass: {{.*}} 0 findings
.target {base: spadix, name: small, dim: 4, scratchpad: {banks: 2, rows_per_bank: 64}, accumulator: {rows: 64}, dram_bytes: 1M}

.data 0x10000 i32
1 2 3 4 5 6 7 8 9
-1 -2 -3 -4 -5 -6 -7 -8 -9

config_ld stride=4 block_stride=4 scale=1.0
mvin dram=0x10000 to=acc:0[4x1]
mvin dram=0x10010 to=acc:4[4x1]
mvin dram=0x10020 to=acc:8[1x1]
mvin dram=0x10024 to=acc:16[4x1]
mvin dram=0x10034 to=acc:20[4x1]
mvin dram=0x10044 to=acc:24[1x1]
config_st pool_stride=1 pool_window=2 pool_out_dim=2 pool_out_rows=2 pool_out_cols=2 pool_rows=3 pool_cols=3 stride=1 scale=1.0
mvout dram=0x20000 from=acc:0[0x1]
config_st pool_stride=2 pool_window=2 pool_up=1 pool_left=1 pool_out_dim=3 pool_out_rows=2 pool_out_cols=2 pool_rows=3 pool_cols=3 stride=1 scale=1.0
mvout dram=0x20010 from=acc:0[0x1]
mvout dram=0x20020 from=acc:16[0x1]

.expect 0x20000 i8
5 6 8 9
.expect 0x20010 i8
1 3
.expect 0x20013 i8
7 9
.expect 0x20020 i8
0 0
.expect 0x20023 i8
0 -5
