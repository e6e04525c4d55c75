; A hardware product whose bounds were never set, so that it has no tiles.
; RUN: %exit 1 %spadix run %s --check=all 2>&1 | FileCheck %s --implicit-check-not="[machine."
; RUN: %exit 1 %spadix run %s --check=limits 2>&1 | FileCheck %s --implicit-check-not="[machine."
; RUN: %spadix run %s --check=all,no-limits 2>&1 | FileCheck %s --check-prefix=SILENT --implicit-check-not="[machine."
; RUN: %spadix run %s --check=none 2>&1 | FileCheck %s --check-prefix=SILENT --implicit-check-not="[machine."
; CHECK: error: loop_ws has 0 x 0 x 0 tiles; expected at least one of each, in command 1: loop_ws (line [[#@LINE+7]]: %1 = product) [machine.shape]
; SILENT: 1 sample
.target {base: spadix, name: small, dim: 4, scratchpad: {banks: 2, rows_per_bank: 64}, accumulator: {rows: 64}, dram_bytes: 1M}
.data 0x10000 i8
1*64

config_ex ws a_stride=1 c_stride=1
.operation %1 = product
loop_ws
