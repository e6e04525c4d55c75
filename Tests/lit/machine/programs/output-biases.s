; Biases behind the scales (funct 33): (10, -20, 30, 2^31 - 1) + (2, 20, -100, 1), which wraps, times (1, 2, 0.5, 2^-25)
; is 12, 0, -35, -64; then + 3 and clamped to -20...100. Scales without biases end them, and config_st ends both.
; RUN: %spadix conformance %s --check=all 2>&1 | FileCheck %s
; CHECK: 1 of 1 programs pass: {{.*}} 0 findings
.target {base: spadix, name: small, dim: 4, scratchpad: {banks: 2, rows_per_bank: 64}, accumulator: {rows: 64}, dram_bytes: 1M}

.data 0x10000 i32
10 -20 30 2147483647
.data 0x10100 f32
1 2 0.5 0.000000029802322387695312
.data 0x10110 i32
2 20 -100 1

config_ld stride=16 block_stride=4 scale=1.0
mvin dram=0x10000 to=acc:0[1x4]
config_st stride=4 scale=0.5
config_output_scales dram=0x10100 count=4 biases
mvout dram=0x20000 from=acc:0[1x4]
config_output zero_point=3 low=-20 high=100
mvout dram=0x20004 from=acc:0[1x4]
mvout_spad to=sp:0 stride=1 from=acc:0[1x4]
config_output_scales dram=0x10100 count=4
mvout dram=0x20008 from=acc:0[1x4]
config_st stride=4 scale=0.5
mvout dram=0x2000c from=acc:0[1x4]
mvout dram=0x20010 from=sp:0[1x4]

.expect 0x20000 i8
12 0 -35 -64  15 3 -20 -20  13 -20 18 67  5 -10 15 127  15 3 -20 -20
