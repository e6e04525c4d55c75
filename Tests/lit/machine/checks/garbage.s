; A is garbage: the result has no meaning.
; RUN: %exit 1 %spadix run %s --check=all 2>&1 | FileCheck %s --implicit-check-not="[machine."
; RUN: %exit 1 %spadix run %s --check=garbage 2>&1 | FileCheck %s --implicit-check-not="[machine."
; RUN: %spadix run %s --check=all,no-garbage 2>&1 | FileCheck %s --check-prefix=SILENT --implicit-check-not="[machine."
; RUN: %spadix run %s --check=none 2>&1 | FileCheck %s --check-prefix=SILENT --implicit-check-not="[machine."
; CHECK: error: A is garbage; the result has no meaning, in command 6: compute_preloaded a=none[4x4] d=none[4x4] (line [[#@LINE+11]]: %1 = product) [machine.garbage]
; SILENT: 1 sample
.target {base: spadix, name: small, dim: 4, scratchpad: {banks: 2, rows_per_bank: 64}, accumulator: {rows: 64}, dram_bytes: 1M}
.data 0x10000 i8
1*64

config_ex ws a_stride=1 c_stride=1
config_ld stride=4 block_stride=4 scale=1.0
config_st stride=4 scale=1.0
mvin dram=0x10000 to=sp:0[4x4]
mvin dram=0x10010 to=sp:4[4x4]
.operation %1 = product
preload weights=sp:4[4x4] result=acc:0[4x4]
compute_preloaded a=none[4x4] d=none[4x4]
