; Loads scale in Float32, round halves to even and saturate: 1 * 0.5 becomes 0 and 3 * 0.5 becomes 2; 100 * 2 becomes 127.
; RUN: %spadix conformance %s --check=all 2>&1 | FileCheck %s
; CHECK: 1 of 1 programs pass: {{.*}} 0 findings
.target {base: spadix, name: small, dim: 4, scratchpad: {banks: 2, rows_per_bank: 64}, accumulator: {rows: 64}, dram_bytes: 1M}

.data 0x10000 i8
1 3 5 -3  100 -100 64 -64

config_ld stride=4 block_stride=4 scale=0.5
mvin dram=0x10000 to=sp:0[1x4]
config_ld state=1 stride=4 block_stride=4 scale=2.0
mvin2 dram=0x10004 to=sp:1[1x4]
config_st stride=4 scale=1.0
mvout dram=0x20000 from=sp:0[2x4]

.expect 0x20000 i8
0 2 2 -2  127 -128 127 -128
