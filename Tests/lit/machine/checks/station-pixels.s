; A load that repeats pixels writes rows 7 to 15; hardware takes it to end one row earlier.
; RUN: %exit 1 %spadix run %s --check=all 2>&1 | FileCheck %s --implicit-check-not="[machine."
; RUN: %exit 1 %spadix run %s --check=hardware-faults 2>&1 | FileCheck %s --implicit-check-not="[machine."
; RUN: %spadix run %s --check=all,no-hardware-faults 2>&1 | FileCheck %s --check-prefix=SILENT --implicit-check-not="[machine."
; RUN: %spadix run %s --check=none 2>&1 | FileCheck %s --check-prefix=SILENT --implicit-check-not="[machine."
; CHECK: error: reads row 15 of the scratchpad, which an earlier command may still write: hardware takes a load of repeated pixels to end earlier; expected a fence between them, in command 3: mvout dram=0x20000 from=sp:15[1x8] (line [[#@LINE+10]]: %1 = store) [machine.station-order]
; CHECK-NEXT: note: earlier, command 1: mvin dram=0x10000 to=sp:8[8x4]
; SILENT: 1 sample
.target {base: gemmini, name: small, dim: 8, scratchpad: {banks: 2, rows_per_bank: 64}, accumulator: {rows: 64}, dram_bytes: 1M}
.data 0x10000 i8
1*128

config_ld stride=8 block_stride=8 scale=1.0 pixels=2
mvin dram=0x10000 to=sp:8[8x4]
config_st stride=8 scale=1.0
.operation %1 = store
mvout dram=0x20000 from=sp:15[1x8]
