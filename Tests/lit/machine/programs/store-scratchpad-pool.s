; A pooled mvout_spad writes a row for every output pixel. The image and its first windows are those of store-pool.s.
; RUN: %spadix conformance %s --check=all 2>&1 | FileCheck %s
; CHECK: 1 of 1 programs pass: {{.*}} 0 findings
.target {base: spadix, name: small, dim: 4, scratchpad: {banks: 2, rows_per_bank: 64}, accumulator: {rows: 64}, dram_bytes: 1M}

.data 0x10000 i32
1 2 3 4 5 6 7 8 9

config_ld stride=4 block_stride=4 scale=1.0
mvin dram=0x10000 to=acc:0[4x1]
mvin dram=0x10010 to=acc:4[4x1]
mvin dram=0x10020 to=acc:8[1x1]
config_st pool_stride=1 pool_window=2 pool_out_dim=2 pool_out_rows=2 pool_out_cols=2 pool_rows=3 pool_cols=3 stride=1 scale=1.0
mvout_spad to=sp:32 stride=1 from=acc:0[0x1]
config_st stride=1 scale=1.0
mvout dram=0x20000 from=sp:32[4x1]

.expect 0x20000 i8
5 6 8 9
