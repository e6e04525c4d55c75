; A store of a row behind those that were loaded.
; RUN: %exit 1 %spadix run %s --check=all 2>&1 | FileCheck %s --implicit-check-not="[machine."
; RUN: %exit 1 %spadix run %s --check=initialized 2>&1 | FileCheck %s --implicit-check-not="[machine."
; RUN: %spadix run %s --check=all,no-initialized 2>&1 | FileCheck %s --check-prefix=SILENT --implicit-check-not="[machine."
; RUN: %spadix run %s --check=none 2>&1 | FileCheck %s --check-prefix=SILENT --implicit-check-not="[machine."
; CHECK: error: the store reads row 4 of the scratchpad, which no command has written, in command 3: mvout dram=0x20000 from=sp:1[4x4] (line [[#@LINE+9]]: %1 = store) [machine.uninitialized]
; SILENT: 1 sample
.target {base: spadix, name: small, dim: 4, scratchpad: {banks: 2, rows_per_bank: 64}, accumulator: {rows: 64}, dram_bytes: 1M}
.data 0x10000 i8
1*64

config_ld stride=4 block_stride=4 scale=1.0
config_st stride=4 scale=1.0
mvin dram=0x10000 to=sp:0[4x4]
.operation %1 = store
mvout dram=0x20000 from=sp:1[4x4]
