; Stores from the accumulator scale in Float32, round halves to even, saturate, then apply relu. A scale that is no number
; gives -128. 1000 * 0.5 saturates; (5, 7, -5) * 0.5 lie halfway and round to (2, 4, -2). Full width stores raw.
; RUN: %spadix conformance %s --check=all 2>&1 | FileCheck %s
; CHECK: 1 of 1 programs pass: {{.*}} 0 findings
.target {base: spadix, name: small, dim: 4, scratchpad: {banks: 2, rows_per_bank: 64}, accumulator: {rows: 64}, dram_bytes: 1M}

.data 0x10000 i32
5 7 -5 1000

config_ld stride=16 block_stride=4 scale=1.0
mvin dram=0x10000 to=acc:0[1x4]
config_st stride=4 scale=0.5
mvout dram=0x20000 from=acc:0[1x4]
config_st activation=1 stride=4 scale=0.5
mvout dram=0x20004 from=acc:0[1x4]
config_st stride=4 scale=0x7fc00000       ; NaN
mvout dram=0x20008 from=acc:0[1x2]
config_st stride=16 scale=0.5
mvout dram=0x20010 from=acc32:0[1x4]

.expect 0x20000 i8
2 4 -2 127  2 4 0 127  -128 -128
.expect 0x20010 i32
5 7 -5 1000
