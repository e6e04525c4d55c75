; igelu with qb = -4, qc = -10, then the scale 0.5: p = (min(|q|, 4) - 4)^2 - 10, result q * (sign * p - 10).
; q = 2: p = -6, 2 * -16 = -32; q = -3: p = -9, -3 * (9 - 10) = 3, whose half rounds to 2; q = 10: p = -10, 10 * -20 = -200;
; q = 0: 0.
; RUN: %spadix conformance %s --check=all 2>&1 | FileCheck %s
; CHECK: 1 of 1 programs pass: {{.*}} 0 findings
.target {base: spadix, name: small, dim: 4, scratchpad: {banks: 2, rows_per_bank: 64}, accumulator: {rows: 64}, dram_bytes: 1M, capabilities: {normalizations: true}}

.data 0x10000 i32
2 -3 10 0

config_ld stride=16 block_stride=4 scale=1.0
mvin dram=0x10000 to=acc:0[1x4]
config_st activation=3 stride=4 scale=0.5
config_norm qb=-4 qc=-10
mvout dram=0x20000 from=acc:0[1x4]

.expect 0x20000 i8
-16 2 -100 0
