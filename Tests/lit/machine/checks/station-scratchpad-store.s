; Rows that mvout_spad still reads, and a compute overwrites: hardware remembers only what mvout_spad writes. A compute
; that reads what it wrote waits for it, and all behind that one.
; RUN: %exit 1 %spadix run %s --check=all 2>&1 | FileCheck %s --implicit-check-not="[machine."
; RUN: %exit 1 %spadix run %s --check=hardware-faults 2>&1 | FileCheck %s --implicit-check-not="[machine."
; RUN: %spadix run %s --check=all,no-hardware-faults 2>&1 | FileCheck %s --check-prefix=SILENT --implicit-check-not="[machine."
; RUN: %spadix run %s --check=none 2>&1 | FileCheck %s --check-prefix=SILENT --implicit-check-not="[machine."
; CHECK: error: writes row 0 of the accumulator, which an earlier command may still read: hardware does not remember what mvout_spad reads, nor its stride; expected a fence between them, in command 8: compute_preloaded {{.*}} (line [[#@LINE+14]]: %1 = product) [machine.station-order]
; CHECK-NEXT: note: earlier, command 6: mvout_spad to=sp:64 stride=1 from=acc:0[8x8]
; SILENT: 1 sample
.target {base: gemmini-spad, name: small, dim: 8, scratchpad: {banks: 2, rows_per_bank: 64}, accumulator: {rows: 64}, dram_bytes: 1M}
.data 0x10000 i8
1*64

config_ex ws a_stride=1 c_stride=1
config_ld stride=8 block_stride=8 scale=1.0
config_st stride=8 scale=1.0
mvin dram=0x10000 to=sp:0[8x8]
preload weights=sp:0[8x8] result=acc:0[8x8]
compute_preloaded a=sp:0[8x8] d=none[8x8]
mvout_spad to=sp:64 stride=1 from=acc:0[8x8]
.operation %1 = product
preload weights=sp:0[8x8] result=acc:0[8x8]
compute_preloaded a=sp:0[8x8] d=none[8x8]
mvout_spad to=sp:72 stride=1 from=acc:0[8x8]
preload weights=sp:0[8x8] result=acc:8[8x8]
compute_preloaded a=sp:72[8x8] d=none[8x8]
preload weights=sp:0[8x8] result=acc:0[8x8]
compute_preloaded a=sp:0[8x8] d=none[8x8]
