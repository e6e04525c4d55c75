; softmax stays selected over a config_st without activation; hardware leaves it.
; RUN: %spadix run %s --check=all 2>&1 | FileCheck %s --implicit-check-not="[machine."
; RUN: %spadix run %s --check=portability 2>&1 | FileCheck %s --implicit-check-not="[machine."
; RUN: %spadix run %s --check=all,no-portability 2>&1 | FileCheck %s --check-prefix=SILENT --implicit-check-not="[machine."
; RUN: %spadix run %s --check=none 2>&1 | FileCheck %s --check-prefix=SILENT --implicit-check-not="[machine."
; CHECK: warning: softmax stays selected in the functional model; hardware leaves it with every config_st, in command 2: config_st stride=4 scale=1.0 (line [[#@LINE+8]]: %1 = store) [machine.portability]
; SILENT: 1 sample
.target {base: spadix, name: small, dim: 4, scratchpad: {banks: 2, rows_per_bank: 64}, accumulator: {rows: 64}, dram_bytes: 1M, capabilities: {normalizations: true}}
.data 0x10000 i8
1*64

config_st stride=4 scale=1.0
config_norm softmax
.operation %1 = store
config_st stride=4 scale=1.0
