; Shrunk loads widen int8 to int32 behind the scale, and add when asked to: a residual addition.
; (10, -20, 30, 127) * 0.5 rounds to (5, -10, 15, 64), since 63.5 lies between 63 and the even 64; + (1, 2, 3, 100).
; The store with relu leaves negative sums out and saturates 164.
; RUN: %spadix conformance %s --check=all 2>&1 | FileCheck %s
; CHECK: 1 of 1 programs pass: {{.*}} 0 findings
.target {base: spadix, name: small, dim: 4, scratchpad: {banks: 2, rows_per_bank: 64}, accumulator: {rows: 64}, dram_bytes: 1M}

.data 0x10000 i8
10 -20 30 127  1 2 3 100

config_ld shrunk stride=4 block_stride=4 scale=0.5
config_ld shrunk state=1 stride=4 block_stride=4 scale=1.0
mvin dram=0x10000 to=acc:0[1x4]
mvin2 dram=0x10004 to=acc+:0[1x4]
config_st stride=16 scale=1.0
mvout dram=0x20000 from=acc32:0[1x4]
config_st activation=1 stride=4 scale=1.0
mvout dram=0x20010 from=acc:0[1x4]

.expect 0x20000 i32
6 -8 18 164
.expect 0x20010 i8
6 0 18 127
