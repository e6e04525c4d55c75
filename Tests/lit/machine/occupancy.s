; The timeline's counter says how many rows are alive at one time: 32 of 64, however often half of them are loaded again.
; RUN: %spadix run %s --trace %t.json
; RUN: %python %S/Inputs/trace.py %t.json | FileCheck %s
; CHECK: 32 rows alive at most
.target {base: gemmini, name: small, scratchpad: {banks: 1, rows_per_bank: 64}}
.data 0x10000 i8
1*256

config_ex ws a_stride=1 c_stride=1
config_ld stride=16 block_stride=16 scale=1.0
mvin dram=0x10000 to=sp:32[16x16]
mvin dram=0x10000 to=sp:0[16x16]
preload weights=sp:32[16x16] result=acc:0[16x16]
compute_preloaded a=sp:0[16x16] d=none[16x16]
mvin dram=0x10000 to=sp:0[16x16]
preload weights=sp:32[16x16] result=acc:0[16x16]
compute_preloaded a=sp:0[16x16] d=none[16x16]
mvin dram=0x10000 to=sp:0[16x16]
preload weights=sp:32[16x16] result=acc:0[16x16]
compute_preloaded a=sp:0[16x16] d=none[16x16]
mvin dram=0x10000 to=sp:0[16x16]
preload weights=sp:32[16x16] result=acc:0[16x16]
compute_preloaded a=sp:0[16x16] d=none[16x16]
