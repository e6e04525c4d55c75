; softmax with ln 2 = 10 and 1 / ln 2 = 6554 / 65536, qb = 20, qc = 0: e^0 = 20^2 = 400, and ten less halves it. Below the
; maximum of 130 lie 0, 10, 20, 30: 400 + 200 + 100 + 50 = 750, and 127 / 750 of each is 67.7, 33.9, 16.9, 8.5 (8.47).
; Steps: 0x94000000 maximum, 0x9c000000 inverse of the sum.
; RUN: %spadix conformance %s --check=all 2>&1 | FileCheck %s
; CHECK: 1 of 1 programs pass: {{.*}} 0 findings
.target {base: spadix, name: small, dim: 4, scratchpad: {banks: 2, rows_per_bank: 64}, accumulator: {rows: 64}, dram_bytes: 1M, capabilities: {normalizations: true}}

.data 0x10000 i32
130 120 110 100

config_ld stride=16 block_stride=4 scale=1.0
mvin dram=0x10000 to=acc:0[1x4]
config_st stride=4 scale=1.0
config_norm softmax constant=10 qb=20
config_norm softmax inverse constant=6554 qb=20
mvout dram=0x20000 from=0x94000000[1x4]
mvout dram=0x20000 from=0x9c000000[1x4]
mvout dram=0x20000 from=acc:0[1x4]

.expect 0x20000 i8
68 34 17 8
