; Four rows with new weights directly before config_ex: hardware multiplies them with the weights before.
; Five rows, kept weights, a fence or a compute between are right.
; RUN: %exit 1 %spadix run %s --check=all 2>&1 | FileCheck %s --implicit-check-not="[machine."
; RUN: %exit 1 %spadix run %s --check=hardware-faults 2>&1 | FileCheck %s --implicit-check-not="[machine."
; RUN: %spadix run %s --check=all,no-hardware-faults 2>&1 | FileCheck %s --check-prefix=SILENT --implicit-check-not="[machine."
; RUN: %spadix run %s --check=none 2>&1 | FileCheck %s --check-prefix=SILENT --implicit-check-not="[machine."
; CHECK: error: config_ex directly behind a compute of at most 4 rows: hardware multiplies those with the weights before; {{.*}}, in command 5: config_ex {{.*}} (line [[#@LINE+12]]: %1 = product) [machine.short-compute]
; CHECK-NEXT: note: earlier, command 4: compute_preloaded a=sp:0[4x8] d=none[4x8]
; SILENT: 1 sample
.target {base: gemmini, name: small, dim: 8, scratchpad: {banks: 2, rows_per_bank: 64}, accumulator: {rows: 64}, dram_bytes: 1M}
.data 0x10000 i8
1*128

config_ex ws a_stride=1 c_stride=1
config_ld stride=8 block_stride=8 scale=1.0
mvin dram=0x10000 to=sp:0[8x8]
preload weights=sp:0[8x8] result=acc:0[4x8]
compute_preloaded a=sp:0[4x8] d=none[4x8]
.operation %1 = product
config_ex ws a_stride=1 c_stride=1
preload weights=sp:0[8x8] result=acc:0[5x8]
compute_preloaded a=sp:0[5x8] d=none[5x8]
config_ex ws a_stride=1 c_stride=1
preload weights=none[8x8] result=acc:0[4x8]
compute_accumulated a=sp:0[4x8] d=none[4x8]
config_ex ws a_stride=1 c_stride=1
preload weights=sp:0[8x8] result=acc:0[4x8]
compute_preloaded a=sp:0[4x8] d=none[4x8]
fence
config_ex ws a_stride=1 c_stride=1
preload weights=sp:0[8x8] result=acc:0[4x8]
compute_preloaded a=sp:0[4x8] d=none[4x8]
preload weights=none[0x0] result=none[0x0]
compute_accumulated a=none[0x0] d=none[0x0]
config_ex ws a_stride=1 c_stride=1
