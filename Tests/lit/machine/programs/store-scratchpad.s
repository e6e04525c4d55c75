; mvout_spad stores accumulator rows through the output stage into scratchpad rows, here 2 apart, and copies scratchpad rows
; as they are. (2, 3, 4, 400) * 0.5 is (1, 2, 2, 127): 1.5 lies halfway between 1 and the even 2.
; RUN: %spadix conformance %s --check=all 2>&1 | FileCheck %s
; CHECK: 1 of 1 programs pass: {{.*}} 0 findings
.target {base: spadix, name: small, dim: 4, scratchpad: {banks: 2, rows_per_bank: 64}, accumulator: {rows: 64}, dram_bytes: 1M}

.data 0x10000 i32
2 3 4 400
-2 -3 -4 -400

config_ld stride=16 block_stride=4 scale=1.0
mvin dram=0x10000 to=acc:0[2x4]
mvin dram=0x0 to=sp:0[4x4]
config_st stride=4 scale=0.5
mvout_spad to=sp:1 stride=2 from=acc:0[2x4]     ; rows 1 and 3
mvout_spad to=sp:8 stride=1 from=sp:1[3x4]      ; rows 1, 2, 3 as they are
mvout dram=0x20000 from=sp:0[4x4]
mvout dram=0x20010 from=sp:8[3x4]

.expect 0x20000 i8
0*4  1 2 2 127  0*4  -1 -2 -2 -128
1 2 2 127  0*4  -1 -2 -2 -128
