; A load of packed pixels writes every row to the row before as well, right of that row's own pixel: with 2 pixels of
; 2 channels each row ends up with its pixel and the next one.
; RUN: %spadix conformance %s --check=all 2>&1 | FileCheck %s
; CHECK: 1 of 1 programs pass: {{.*}} 0 findings
.target {base: spadix, name: small, dim: 4, scratchpad: {banks: 2, rows_per_bank: 64}, accumulator: {rows: 64}, dram_bytes: 1M}

.data 0x10000 i8
1 2  3 4  5 6

config_ld pixels=2 stride=2 block_stride=4 scale=1.0
mvin dram=0x0 to=sp:0[4x2]                ; both halves of the rows are 0 where no pixel follows
mvin dram=0x10000 to=sp:1[3x2]
config_st stride=4 scale=1.0
mvout dram=0x20000 from=sp:0[3x4]
mvout dram=0x2000c from=sp:3[1x2]

.expect 0x20000 i8
0 0 1 2  1 2 3 4  3 4 5 6  5 6
