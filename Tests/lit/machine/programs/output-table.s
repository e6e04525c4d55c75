; The table makes -7 of what is negative after scaling, 0 of 0 and 9 of the rest: sums of -300, -1, 0, 1 and 3 are -128, 0,
; 0, 0 and 2 at scale 0.5. It stays loaded behind a config_st, which turns it off; 32-bit elements and those of the
; scratchpad pass by it.
; RUN: %spadix conformance %s --check=all 2>&1 | FileCheck %s
; CHECK: 1 of 1 programs pass: {{.*}} 0 findings
.target {base: spadix, name: small, dim: 4, scratchpad: {banks: 2, rows_per_bank: 64}, accumulator: {rows: 64}, dram_bytes: 1M}

.data 0x10000 i32
-300 -1 0 3
.data 0x10100 i8
-7*128 0 9*127

config_ld stride=16 block_stride=4 scale=1.0
mvin dram=0x10000 to=acc:0[1x4]
config_output_table dram=0x10100
config_st stride=16 scale=0.5
config_output low=-128 high=127 table
mvout dram=0x20000 from=acc:0[1x4]
mvout_spad to=sp:0 stride=1 from=acc:0[1x4]
mvout dram=0x20010 from=sp:0[1x4]
mvout dram=0x20020 from=acc32:0[1x4]
config_st stride=16 scale=0.5
mvout dram=0x20030 from=acc:0[1x4]
config_st stride=16 scale=0.5
config_output zero_point=1 low=-128 high=127 table
mvout dram=0x20040 from=acc:0[1x4]

.expect 0x20000 i8
-7 0 0 9
.expect 0x20010 i8
-7 0 0 9
.expect 0x20020 i32
-300 -1 0 3
.expect 0x20030 i8
-128 0 0 2
.expect 0x20040 i8
-7 9 9 9
