; The functional model adds 1 in Float32 before it truncates: 15.999999 + 1 rounds up to 17, one too far (docs/isa.md).
; RUN: %spadix conformance %s --check=all 2>&1 | FileCheck %s
; CHECK: 1 of 1 programs pass: {{.*}} 0 findings
.target {base: gemmini, name: model, capabilities: {functional_model_rounding: true}}

.data 0x10000 i32
1

config_ld stride=4 block_stride=16 scale=1.0
mvin dram=0x10000 to=acc:0[1x1]
config_st stride=1 scale=15.999999
mvout dram=0x20000 from=acc:0[1x1]

.expect 0x20000 i8
17
