; An output-stationary sum of 9 products of 4 * 127 * 127, 580644, beyond 2^19 = 524288.
; RUN: %exit 1 %spadix run %s --check=all 2>&1 | FileCheck %s --implicit-check-not="[machine."
; RUN: %exit 1 %spadix run %s --check=mesh-width 2>&1 | FileCheck %s --implicit-check-not="[machine."
; RUN: %spadix run %s --check=all,no-mesh-width 2>&1 | FileCheck %s --check-prefix=SILENT --implicit-check-not="[machine."
; RUN: %spadix run %s --check=none 2>&1 | FileCheck %s --check-prefix=SILENT --implicit-check-not="[machine."
; CHECK: error: an output-stationary sum leaves the 20 bits of the mesh; hardware saturates it, in command 20: compute_accumulated a=sp:0[4x4] d=sp:0[4x4] (line [[#@LINE+9]]: %1 = product) [machine.mesh-width]
; SILENT: 1 sample
.target {base: spadix, name: small, dim: 4, scratchpad: {banks: 2, rows_per_bank: 64}, accumulator: {rows: 64}, dram_bytes: 1M}
.data 0x10000 i8
127*16

config_ex a_stride=1 c_stride=1
config_ld stride=4 block_stride=4 scale=1.0
mvin dram=0x10000 to=sp:0[4x4]
.operation %1 = product
preload weights=none[4x4] result=none[4x4]
compute_preloaded a=sp:0[4x4] d=sp:0[4x4]
preload weights=none[4x4] result=none[4x4]
compute_accumulated a=sp:0[4x4] d=sp:0[4x4]
preload weights=none[4x4] result=none[4x4]
compute_accumulated a=sp:0[4x4] d=sp:0[4x4]
preload weights=none[4x4] result=none[4x4]
compute_accumulated a=sp:0[4x4] d=sp:0[4x4]
preload weights=none[4x4] result=none[4x4]
compute_accumulated a=sp:0[4x4] d=sp:0[4x4]
preload weights=none[4x4] result=none[4x4]
compute_accumulated a=sp:0[4x4] d=sp:0[4x4]
preload weights=none[4x4] result=none[4x4]
compute_accumulated a=sp:0[4x4] d=sp:0[4x4]
preload weights=none[4x4] result=none[4x4]
compute_accumulated a=sp:0[4x4] d=sp:0[4x4]
preload weights=none[4x4] result=none[4x4]
compute_accumulated a=sp:0[4x4] d=sp:0[4x4]
