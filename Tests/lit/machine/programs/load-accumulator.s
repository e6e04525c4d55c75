; 32-bit loads ignore the scale; additions wrap around at 32 bits: 2147483647 + 1 is -2147483648.
; RUN: %spadix conformance %s --check=all 2>&1 | FileCheck %s
; CHECK: 1 of 1 programs pass: {{.*}} 0 findings
.target {base: spadix, name: small, dim: 4, scratchpad: {banks: 2, rows_per_bank: 64}, accumulator: {rows: 64}, dram_bytes: 1M}

.data 0x10000 i32
2147483647 -5 70000 0
1 -6 -70001 9

config_ld stride=16 block_stride=4 scale=0.25
mvin dram=0x10000 to=acc:8[1x4]
mvin dram=0x10010 to=acc+:8[1x4]
config_st stride=16 scale=1.0
mvout dram=0x20000 from=acc32:8[1x4]

.expect 0x20000 i32
-2147483648 -11 -1 9
