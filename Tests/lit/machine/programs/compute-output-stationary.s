; S = D + A * B stays in the array until a result address names a place for it; on the way to the scratchpad it is shifted
; right, halves to even, and saturated:
; 
;     1 2 3     1 2     22 28
;     4 5 6  *  3 4  =  49 64,  D = (-2, 0) / (0, -80):  20 28 / 49 -16
;               5 6
; 
; Shifted by 3: 2.5 -> 2, 3.5 -> 4, 6.125 -> 6, -2; relu leaves -2 out. Adding A * B again: 42 56 / 98 48; by 2: 10.5 -> 10,
; 14, 24.5 -> 24, 12.
; RUN: %spadix conformance %s --check=all 2>&1 | FileCheck %s
; CHECK: 1 of 1 programs pass: {{.*}} 0 findings
.target {base: spadix, name: small, dim: 4, scratchpad: {banks: 2, rows_per_bank: 64}, accumulator: {rows: 64}, dram_bytes: 1M}

.data 0x10000 i8
1 2 3 4 5 6            ; A
1 2 3 4 5 6            ; B
-2 0 0 -80             ; D

config_ld stride=3 block_stride=4 scale=1.0
config_ld state=1 stride=2 block_stride=4 scale=1.0
mvin dram=0x10000 to=sp:0[2x3]
mvin2 dram=0x10006 to=sp:4[3x2]
mvin2 dram=0x1000c to=sp:8[2x2]
config_st stride=2 scale=1.0

config_ex activation=1 a_stride=1 c_stride=1 shift=3
preload weights=sp:8[2x2] result=sp:12[2x2]
compute_preloaded a=sp:0[2x3] d=sp:4[3x2]
mvout dram=0x20000 from=sp:12[2x2]

config_ex a_stride=1 c_stride=1 shift=2
preload weights=none[2x2] result=sp:16[2x2]
compute_accumulated a=sp:0[2x3] d=sp:4[3x2]
mvout dram=0x20004 from=sp:16[2x2]

.expect 0x20000 i8
2 4 6 0  10 14 24 12
