; A * W + D, weight-stationary, of shapes that leave part of the array unused:
; 
;     1 2 3     1 2      22 28
;     4 5 6  *  3 4   =  49 64,  D = (100, -100) / (0, -64)
;               5 6
; 
; compute_accumulated keeps W in the array: (1, 0, 0) * W = (1, 2) is added to row 0. To the scratchpad sums are saturated
; without a scale: 22 + 100 = 122, 49 + 100 = 149 becomes 127.
; RUN: %spadix conformance %s --check=all 2>&1 | FileCheck %s
; CHECK: 1 of 1 programs pass: {{.*}} 0 findings
.target {base: spadix, name: small, dim: 4, scratchpad: {banks: 2, rows_per_bank: 64}, accumulator: {rows: 64}, dram_bytes: 1M}

.data 0x10000 i8
1 2 3 4 5 6            ; A
1 2 3 4 5 6            ; W
100 -100 0 -64         ; D
1 0 0                  ; another A
100 0                  ; D of the second row to the scratchpad

config_ex ws a_stride=1 c_stride=1
config_ld stride=3 block_stride=4 scale=1.0
config_ld state=1 stride=2 block_stride=4 scale=1.0
mvin dram=0x10000 to=sp:0[2x3]
mvin2 dram=0x10006 to=sp:4[3x2]
mvin2 dram=0x1000c to=sp:8[2x2]
mvin dram=0x10010 to=sp:12[1x3]
preload weights=sp:4[3x2] result=acc:0[2x2]
compute_preloaded a=sp:0[2x3] d=sp:8[2x2]
preload weights=none[3x2] result=acc+:0[1x2]
compute_accumulated a=sp:12[1x3] d=none[1x2]
config_st stride=8 scale=1.0
mvout dram=0x20000 from=acc32:0[2x2]

mvin2 dram=0x10013 to=sp:9[1x2]
preload weights=none[3x2] result=sp:16[2x2]
compute_accumulated a=sp:0[2x3] d=sp:8[2x2]
config_st stride=2 scale=1.0
mvout dram=0x20010 from=sp:16[2x2]

.expect 0x20000 i32
123 -70  49 0
.expect 0x20010 i8
122 -72  127 64
