; The same tile loaded to the same rows again, nothing having changed either.
; RUN: %spadix run %s --check=all 2>&1 | FileCheck %s --implicit-check-not="[machine."
; RUN: %spadix run %s --check=waste 2>&1 | FileCheck %s --implicit-check-not="[machine."
; RUN: %spadix run %s --check=all,no-waste 2>&1 | FileCheck %s --check-prefix=SILENT --implicit-check-not="[machine."
; RUN: %spadix run %s --check=none 2>&1 | FileCheck %s --check-prefix=SILENT --implicit-check-not="[machine."
; CHECK: remark: the rows hold these bytes already, in command 2: mvin dram=0x10000 to=sp:0[4x4] (line [[#@LINE+10]]: %2 = load) [machine.redundant-load]
; CHECK-NEXT: note: earlier, command 1: mvin dram=0x10000 to=sp:0[4x4] (line [[#@LINE+7]]: %1 = load)
; SILENT: 1 sample
.target {base: spadix, name: small, dim: 4, scratchpad: {banks: 2, rows_per_bank: 64}, accumulator: {rows: 64}, dram_bytes: 1M}
.data 0x10000 i8
1*64

config_ld stride=4 block_stride=4 scale=1.0
.operation %1 = load
mvin dram=0x10000 to=sp:0[4x4]
.operation %2 = load
mvin dram=0x10000 to=sp:0[4x4]
