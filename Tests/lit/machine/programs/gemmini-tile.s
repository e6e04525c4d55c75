; One full tile of the gemmini preset: 16 products of 1 * 2 are 32, and 3 from D in the accumulator, times 0.5: 17.5, which
; rounds to the even 18.
; RUN: %spadix conformance %s --check=all 2>&1 | FileCheck %s
; CHECK: 1 of 1 programs pass: {{.*}} 0 findings
.target gemmini

.data 0x10000 i8
1*256 2*256
.data 0x10200 i32
3*16

config_ex ws a_stride=1 c_stride=1
config_ld stride=16 block_stride=16 scale=1.0
config_ld state=2 block_stride=16 scale=1.0
config_st stride=16 scale=0.5
mvin dram=0x10000 to=sp:0[16x16]
mvin dram=0x10100 to=sp:4096[16x16]
mvin3 dram=0x10200 to=acc:0[16x16]
preload weights=sp:4096[16x16] result=acc+:0[16x16]
compute_preloaded a=sp:0[16x16] d=none[16x16]
mvout dram=0x20000 from=acc:0[16x16]

.expect 0x20000 i8
18*256
