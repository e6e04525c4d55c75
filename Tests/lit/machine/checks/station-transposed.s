; Transposed weights of 4 logical rows and 8 columns lie in 8 rows, of which hardware counts 4: a load brings the others.
; RUN: %exit 1 %spadix run %s --check=all 2>&1 | FileCheck %s --implicit-check-not="[machine."
; RUN: %exit 1 %spadix run %s --check=hardware-faults 2>&1 | FileCheck %s --implicit-check-not="[machine."
; RUN: %spadix run %s --check=all,no-hardware-faults 2>&1 | FileCheck %s --check-prefix=SILENT --implicit-check-not="[machine."
; RUN: %spadix run %s --check=none 2>&1 | FileCheck %s --check-prefix=SILENT --implicit-check-not="[machine."
; CHECK: error: reads row 4 of the scratchpad, which an earlier command may still write: hardware takes a transposed operand to have its logical rows; expected a fence between them, in command 5: compute_preloaded {{.*}} (line [[#@LINE+11]]: %1 = product) [machine.station-order]
; CHECK-NEXT: note: earlier, command 3: mvin dram=0x10020 to=sp:4[4x4]
; SILENT: 1 sample
.target {base: gemmini, name: small, dim: 8, scratchpad: {banks: 2, rows_per_bank: 64}, accumulator: {rows: 64}, dram_bytes: 1M}
.data 0x10000 i8
1*128

config_ex ws transpose_b a_stride=1 c_stride=1
config_ld stride=8 block_stride=8 scale=1.0
mvin dram=0x10000 to=sp:0[4x4]
mvin dram=0x10020 to=sp:4[4x4]
.operation %1 = product
preload weights=sp:0[4x8] result=acc:0[4x8]
compute_preloaded a=sp:0[4x4] d=none[4x8]
