; layernorm of a row in two blocks, 1 3 5 7 | 1 3 5 7, in three passes over it: mean 4, variance (9 + 1 + 1 + 9) / 4 = 5, of
; which the root is 2 as a whole number; (x - 4) / 2 is truncated to -1 0 0 1 and scaled by 10. The steps stand in bits
; 28-26 of the local address: 0x88000000 is mean, 0x90000000 the deviation; they write nothing. The check warns at the store
; itself that hardware rounds differently, and at the passes.
; RUN: %spadix conformance %s --check=all 2>&1 | FileCheck %s
; CHECK: 1 of 1 programs pass: {{.*}} 3 findings
.target {base: spadix, name: small, dim: 4, scratchpad: {banks: 2, rows_per_bank: 64}, accumulator: {rows: 64}, dram_bytes: 1M, capabilities: {normalizations: true}}

.data 0x10000 i32
1 3 5 7 1 3 5 7

config_ld stride=16 block_stride=4 scale=1.0
mvin dram=0x10000 to=acc:0[1x4]
mvin dram=0x10010 to=acc:4[1x4]
config_st activation=2 stride=8 scale=10.0
config_norm
mvout dram=0x20000 from=0x88000000[1x8]
mvout dram=0x20000 from=0x90000000[1x8]
mvout dram=0x20000 from=acc:0[1x8]

.expect 0x20000 i8
-10 0 0 10  -10 0 0 10
