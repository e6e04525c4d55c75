; Zero point, clamp and scales per column (functs 32 and 33). (10, -20, 30, 400) * 0.5 + 3 is 8, -7, 18, 203, clamped to
; -5...100. With the scales 1, 2, 0.5, 0.25: 10, -40, 15, 100; then + 3 and clamped: 13, -5, 18, 100. config_st ends both.
; RUN: %spadix conformance %s --check=all 2>&1 | FileCheck %s
; CHECK: 1 of 1 programs pass: {{.*}} 0 findings
.target {base: spadix, name: small, dim: 4, scratchpad: {banks: 2, rows_per_bank: 64}, accumulator: {rows: 64}, dram_bytes: 1M}

.data 0x10000 i32
10 -20 30 400
.data 0x10100 f32
1 2 0.5 0.25

config_ld stride=16 block_stride=4 scale=1.0
mvin dram=0x10000 to=acc:0[1x4]
config_st stride=4 scale=0.5
config_output zero_point=3 low=-5 high=100
mvout dram=0x20000 from=acc:0[1x4]
config_st stride=4 scale=0.5
config_output_scales dram=0x10100 count=4
mvout dram=0x20004 from=acc:0[1x4]
config_output zero_point=3 low=-5 high=100
mvout dram=0x20008 from=acc:0[1x4]
config_st stride=4 scale=0.5
mvout dram=0x2000c from=acc:0[1x4]

.expect 0x20000 i8
8 -5 18 100  10 -40 15 100  13 -5 18 100  5 -10 15 127
