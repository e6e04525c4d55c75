; Columns beyond the array's 4 go to the next block, block_stride rows on; address 0 writes zeros; stride 0 repeats its row;
; columns that a load does not name keep what they held. Stores of two blocks step by 4 rows, whatever block_stride is.
; RUN: %spadix conformance %s --check=all 2>&1 | FileCheck %s
; CHECK: 1 of 1 programs pass: {{.*}} 0 findings
.target {base: spadix, name: small, dim: 4, scratchpad: {banks: 2, rows_per_bank: 64}, accumulator: {rows: 64}, dram_bytes: 1M}

.data 0x10000 i8
1 2 3 4 5 6 7 8
11 12 13 14 15 16 17 18
99 98

config_ld stride=8 block_stride=3 scale=1.0
mvin dram=0x10000 to=sp:0[2x8]            ; rows 0, 1 and, the second block, 3, 4
mvin dram=0x0 to=sp:2[1x4]
config_ld state=1 block_stride=4 scale=1.0
mvin2 dram=0x10000 to=sp:5[3x4]           ; stride 0
config_ld state=2 stride=2 block_stride=4 scale=1.0
mvin3 dram=0x10010 to=sp:1[1x2]
config_st stride=4 scale=1.0
mvout dram=0x20000 from=sp:0[4x4]
mvout dram=0x20010 from=sp:4[4x4]
config_st stride=8 scale=1.0
mvout dram=0x20020 from=sp:0[2x8]         ; rows 0, 1 and 4, 5

.expect 0x20000 i8
1 2 3 4  99 98 13 14  0*4  5 6 7 8
15 16 17 18  1 2 3 4  1 2 3 4  1 2 3 4
1 2 3 4 15 16 17 18
99 98 13 14 1 2 3 4
