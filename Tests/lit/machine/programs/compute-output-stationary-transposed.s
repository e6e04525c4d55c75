; Output-stationary with A, then A and B, stored transposed; the first product is dropped into the array only (no result
; address) and the second added to it: 22 28 / 49 64 twice is 44 56 / 98 128. Results to the accumulator have 32 bits.
; RUN: %spadix conformance %s --check=all 2>&1 | FileCheck %s
; CHECK: 1 of 1 programs pass: {{.*}} 0 findings
.target {base: spadix, name: small, dim: 4, scratchpad: {banks: 2, rows_per_bank: 64}, accumulator: {rows: 64}, dram_bytes: 1M}

.data 0x10000 i8
1 4  2 5  3 6          ; A transposed
1 3 5  2 4 6           ; B transposed
1 2 3 4 5 6            ; B

config_ld stride=2 block_stride=4 scale=1.0
config_ld state=1 stride=3 block_stride=4 scale=1.0
mvin dram=0x10000 to=sp:0[3x2]
mvin2 dram=0x10006 to=sp:4[2x3]
mvin dram=0x1000c to=sp:8[3x2]

config_ex transpose_a a_stride=1 c_stride=1
preload weights=none[2x2] result=none[2x2]
compute_preloaded a=sp:0[2x3] d=sp:8[3x2]
config_ex transpose_a transpose_b a_stride=1 c_stride=1
preload weights=none[2x2] result=acc:0[2x2]
compute_accumulated a=sp:0[2x3] d=sp:4[3x2]
config_st stride=8 scale=1.0
mvout dram=0x20000 from=acc32:0[2x2]

.expect 0x20000 i32
44 56  98 128
