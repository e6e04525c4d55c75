; A 32-bit store with an activation, which hardware leaves out.
; RUN: %spadix run %s --check=all 2>&1 | FileCheck %s --implicit-check-not="[machine."
; RUN: %spadix run %s --check=portability 2>&1 | FileCheck %s --implicit-check-not="[machine."
; RUN: %spadix run %s --check=all,no-portability 2>&1 | FileCheck %s --check-prefix=SILENT --implicit-check-not="[machine."
; RUN: %spadix run %s --check=none 2>&1 | FileCheck %s --check-prefix=SILENT --implicit-check-not="[machine."
; CHECK: warning: hardware stores 32-bit elements without the activation, in command 4: mvout dram=0x20000 from=acc32:0[1x4] (line [[#@LINE+10]]: %1 = store) [machine.portability]
; SILENT: 1 sample
.target {base: spadix, name: small, dim: 4, scratchpad: {banks: 2, rows_per_bank: 64}, accumulator: {rows: 64}, dram_bytes: 1M, capabilities: {normalizations: true}}
.data 0x10000 i32
1*4

config_ld stride=16 block_stride=4 scale=1.0
mvin dram=0x10000 to=acc:0[1x4]
config_st activation=3 stride=16 scale=1.0
config_norm qb=-4 qc=-10
.operation %1 = store
mvout dram=0x20000 from=acc32:0[1x4]
