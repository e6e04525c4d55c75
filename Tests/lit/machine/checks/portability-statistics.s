; The third of the statistics registers, which the functional model has and hardware does not.
; RUN: %spadix run %s --check=all 2>&1 | FileCheck %s --implicit-check-not="[machine."
; RUN: %spadix run %s --check=portability 2>&1 | FileCheck %s --implicit-check-not="[machine."
; RUN: %spadix run %s --check=all,no-portability 2>&1 | FileCheck %s --check-prefix=SILENT --implicit-check-not="[machine."
; RUN: %spadix run %s --check=none 2>&1 | FileCheck %s --check-prefix=SILENT --implicit-check-not="[machine."
; CHECK: warning: hardware has the statistics registers 0 and 1 only, in command 0: config_norm statistics=2 statistics_only (line [[#@LINE+6]]: %1 = layernorm) [machine.portability]
; SILENT: 1 sample
.target {base: spadix, name: small, dim: 4, scratchpad: {banks: 2, rows_per_bank: 64}, accumulator: {rows: 64}, dram_bytes: 1M, capabilities: {normalizations: true}}
.data 0x10000 i8
1*64

.operation %1 = layernorm
config_norm statistics=2 statistics_only
