; A negative scale: hardware applies relu before it, the functional model after it.
; RUN: %spadix run %s --check=all 2>&1 | FileCheck %s --implicit-check-not="[machine."
; RUN: %spadix run %s --check=portability 2>&1 | FileCheck %s --implicit-check-not="[machine."
; RUN: %spadix run %s --check=all,no-portability 2>&1 | FileCheck %s --check-prefix=SILENT --implicit-check-not="[machine."
; RUN: %spadix run %s --check=none 2>&1 | FileCheck %s --check-prefix=SILENT --implicit-check-not="[machine."
; CHECK: warning: the scale -1.0 is negative; hardware applies relu before it, in command 0: config_st stride=4 scale=-1.0 (line [[#@LINE+6]]: %1 = store) [machine.portability]
; SILENT: 1 sample
.target {base: spadix, name: small, dim: 4, scratchpad: {banks: 2, rows_per_bank: 64}, accumulator: {rows: 64}, dram_bytes: 1M}
.data 0x10000 i8
1*64

.operation %1 = store
config_st stride=4 scale=-1.0
