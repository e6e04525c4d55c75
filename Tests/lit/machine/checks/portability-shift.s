; An output-stationary result to the accumulator: hardware shifts it, the functional model does not.
; RUN: %spadix run %s --check=all 2>&1 | FileCheck %s --implicit-check-not="[machine."
; RUN: %spadix run %s --check=portability 2>&1 | FileCheck %s --implicit-check-not="[machine."
; RUN: %spadix run %s --check=all,no-portability 2>&1 | FileCheck %s --check-prefix=SILENT --implicit-check-not="[machine."
; RUN: %spadix run %s --check=none 2>&1 | FileCheck %s --check-prefix=SILENT --implicit-check-not="[machine."
; CHECK: warning: the functional model writes output-stationary results to the accumulator without the shift, in command 5: compute_preloaded a=sp:0[4x4] d=sp:4[4x4] (line [[#@LINE+10]]: %1 = product) [machine.portability]
; SILENT: 1 sample
.target {base: spadix, name: small, dim: 4, scratchpad: {banks: 2, rows_per_bank: 64}, accumulator: {rows: 64}, dram_bytes: 1M}
.data 0x10000 i8
1*64

config_ex a_stride=1 c_stride=1 shift=2
config_ld stride=4 block_stride=4 scale=1.0
mvin dram=0x10000 to=sp:0[4x4]
mvin dram=0x10010 to=sp:4[4x4]
.operation %1 = product
preload weights=none[4x4] result=acc:0[4x4]
compute_preloaded a=sp:0[4x4] d=sp:4[4x4]
