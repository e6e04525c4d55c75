; layernorm rounds differently in hardware.
; RUN: %spadix run %s --check=all 2>&1 | FileCheck %s --implicit-check-not="[machine."
; RUN: %spadix run %s --check=portability 2>&1 | FileCheck %s --implicit-check-not="[machine."
; RUN: %spadix run %s --check=all,no-portability 2>&1 | FileCheck %s --check-prefix=SILENT --implicit-check-not="[machine."
; RUN: %spadix run %s --check=none 2>&1 | FileCheck %s --check-prefix=SILENT --implicit-check-not="[machine."
; CHECK: warning: layernorm rounds differently in hardware, in command 4: mvout dram=0x20000 from=0x88000000[1x4] (line [[#@LINE+10]]: %1 = layernorm) [machine.portability]
; SILENT: 1 sample
.target {base: spadix, name: small, dim: 4, scratchpad: {banks: 2, rows_per_bank: 64}, accumulator: {rows: 64}, dram_bytes: 1M, capabilities: {normalizations: true}}
.data 0x10000 i8
1*64

config_ld stride=4 block_stride=4 scale=1.0
mvin dram=0x10000 to=acc:0[1x4]
config_st activation=2 stride=4 scale=1.0
config_norm
.operation %1 = layernorm
mvout dram=0x20000 from=0x88000000[1x4]
