; The last Float32 below 16, 15.999999, rounds to 16 (rounding-model.s has the other rounding).
; RUN: %spadix conformance %s --check=all 2>&1 | FileCheck %s
; CHECK: 1 of 1 programs pass: {{.*}} 0 findings
.target {base: gemmini, name: model, capabilities: {functional_model_rounding: false}}

.data 0x10000 i32
1

config_ld stride=4 block_stride=16 scale=1.0
mvin dram=0x10000 to=acc:0[1x1]
config_st stride=1 scale=15.999999
mvout dram=0x20000 from=acc:0[1x1]

.expect 0x20000 i8
16
