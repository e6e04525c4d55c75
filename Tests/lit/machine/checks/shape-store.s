; A 32-bit store of two blocks, where hardware stores one.
; RUN: %exit 1 %spadix run %s --check=all 2>&1 | FileCheck %s --implicit-check-not="[machine."
; RUN: %exit 1 %spadix run %s --check=limits 2>&1 | FileCheck %s --implicit-check-not="[machine."
; RUN: %spadix run %s --check=all,no-limits 2>&1 | FileCheck %s --check-prefix=SILENT --implicit-check-not="[machine."
; RUN: %spadix run %s --check=none 2>&1 | FileCheck %s --check-prefix=SILENT --implicit-check-not="[machine."
; CHECK: error: the store has 1 rows and 8 columns; hardware has 4 and 4, in command 3: mvout dram=0x20000 from=acc32:0[1x8] (line [[#@LINE+9]]: %1 = store) [machine.shape]
; SILENT: 1 sample
.target {base: spadix, name: small, dim: 4, scratchpad: {banks: 2, rows_per_bank: 64}, accumulator: {rows: 64}, dram_bytes: 1M}
.data 0x10000 i32
1*32

config_ld stride=32 block_stride=4 scale=1.0
mvin dram=0x10000 to=acc:0[4x8]
config_st stride=32 scale=1.0
.operation %1 = store
mvout dram=0x20000 from=acc32:0[1x8]
