; Pooling takes the largest of what the table gives, here the smallest sum, and pixels of the padding never are it.
; RUN: %spadix conformance %s --check=all 2>&1 | FileCheck %s
; CHECK: 1 of 1 programs pass: {{.*}} 0 findings
.target {base: spadix, name: small, dim: 4, scratchpad: {banks: 2, rows_per_bank: 64}, accumulator: {rows: 64}, dram_bytes: 1M}

.data 0x10000 i32
-1 -2 -3 -4
.data 0x10100 i8
-100*124 40 30 20 10 -100*128

config_ld stride=4 block_stride=4 scale=1.0
mvin dram=0x10000 to=acc:0[4x1]
config_output_table dram=0x10100
config_st pool_stride=2 pool_window=2 pool_up=1 pool_left=1 pool_out_dim=2 pool_out_rows=2 pool_out_cols=2 pool_rows=2 pool_cols=2 stride=1 scale=1.0
config_output low=-128 high=127 table
mvout dram=0x20000 from=acc:0[0x1]

.expect 0x20000 i8
10 20 30 40
