; Zeros into the accumulator through a state of int8 elements: hardware does not find the end of the load.
; RUN: %spadix run %s --check=all 2>&1 | FileCheck %s --implicit-check-not="[machine."
; RUN: %spadix run %s --check=portability 2>&1 | FileCheck %s --implicit-check-not="[machine."
; RUN: %spadix run %s --check=all,no-portability 2>&1 | FileCheck %s --check-prefix=SILENT --implicit-check-not="[machine."
; CHECK: warning: zeros for int8 elements of the accumulator; hardware counts four bytes for each and loses the load's end, in command 2: mvin dram=0x0 to=acc:0[4x4] (line [[#@LINE+8]]: %1 = load) [machine.portability]
; SILENT: 1 sample
.target {base: spadix, name: small, dim: 4, scratchpad: {banks: 2, rows_per_bank: 64}, accumulator: {rows: 64}, dram_bytes: 1M}
.data 0x10000 i8
1*64

config_ld stride=4 block_stride=4 scale=1.0 shrunk
config_st stride=4 scale=1.0
.operation %1 = load
mvin dram=0 to=acc:0[4x4]
mvout dram=0x20000 from=acc:0[4x4]
mvin dram=0 to=sp:0[4x4]
