; The elements 2557, 256, 1025 and -1 are the pairs (10, -3), (1, 0), (4, 1) and (0, -1). Their sums a / 2 + b / 4 + 1 are
; 5.25, 1.5, 3.25 and 0.75: the second shows that the zero point 1 stands inside the rounding, outside it the tie 0.5 would
; give 1. Their products (a - 1) * (b + 1) / 4 + 1 are -3.5, 1, 2.5 and 1. The last store passes through a table.
; RUN: %spadix conformance %s --check=all 2>&1 | FileCheck %s
; CHECK: 1 of 1 programs pass: {{.*}} 0 findings
.target {base: spadix, name: small, dim: 4, scratchpad: {banks: 2, rows_per_bank: 64}, accumulator: {rows: 64}, dram_bytes: 1M}

.data 0x10000 i32
2557 256 1025 -1
.data 0x10100 i8
-7*128 0 9*127

config_ld stride=16 block_stride=4 scale=1.0
mvin dram=0x10000 to=acc:0[1x4]
config_st stride=16 scale=1.0
config_output_pair factor_a=0.5 factor_b=0.25 offset=1.0
mvout dram=0x20000 from=acc:0[1x4]
config_st stride=16 scale=1.0
config_output_pair product zero_a=1 zero_b=-1 factor_a=0.25 offset=1.0
mvout dram=0x20010 from=acc:0[1x4]
config_st stride=16 scale=1.0
config_output low=-3 high=1
config_output_pair product zero_a=1 zero_b=-1 factor_a=0.25 offset=1.0
mvout dram=0x20020 from=acc:0[1x4]
config_output_table dram=0x10100
config_output low=-128 high=127 table
mvout dram=0x20030 from=acc:0[1x4]

.expect 0x20000 i8
5 2 3 1
.expect 0x20010 i8
-4 1 2 1
.expect 0x20020 i8
-3 1 1 1
.expect 0x20030 i8
-7 9 9 9
