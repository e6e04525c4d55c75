; Weight-stationary with A, then W, stored transposed, and with rows of A and of the result two rows apart:
; 
;     1 2 3     1 2      22 28
;     4 5 6  *  3 4   =  49 64
;               5 6
; RUN: %spadix conformance %s --check=all 2>&1 | FileCheck %s
; CHECK: 1 of 1 programs pass: {{.*}} 0 findings
.target {base: spadix, name: small, dim: 4, scratchpad: {banks: 2, rows_per_bank: 64}, accumulator: {rows: 64}, dram_bytes: 1M}

.data 0x10000 i8
1 4  2 5  3 6          ; A transposed
1 3 5  2 4 6           ; W transposed
1 2 3  4 5 6           ; A
1 2 3 4 5 6            ; W

config_ld stride=2 block_stride=4 scale=1.0
config_ld state=1 stride=3 block_stride=4 scale=1.0
mvin dram=0x10000 to=sp:0[3x2]
mvin2 dram=0x10006 to=sp:4[2x3]
mvin2 dram=0x1000c to=sp:8[1x3]
mvin2 dram=0x1000f to=sp:10[1x3]          ; A, a row between its rows
mvin dram=0x10012 to=sp:12[3x2]
config_st stride=2 scale=1.0

config_ex ws transpose_a a_stride=1 c_stride=1
preload weights=sp:12[3x2] result=acc:0[2x2]
compute_preloaded a=sp:0[2x3] d=none[2x2]
mvout dram=0x20000 from=acc:0[2x2]

config_ex ws transpose_b a_stride=2 c_stride=2
preload weights=sp:4[3x2] result=acc:4[2x2]
compute_preloaded a=sp:8[2x3] d=none[2x2]
mvout dram=0x20004 from=acc:4[1x2]
mvout dram=0x20006 from=acc:6[1x2]

.expect 0x20000 i8
22 28 49 64  22 28 49 64
