; A mvout_spad whose 4 rows all go to one row: its stride is 0.
; RUN: %exit 1 %spadix run %s --check=all 2>&1 | FileCheck %s --implicit-check-not="[machine."
; RUN: %exit 1 %spadix run %s --check=write-order 2>&1 | FileCheck %s --implicit-check-not="[machine."
; RUN: %spadix run %s --check=all,no-write-order 2>&1 | FileCheck %s --check-prefix=SILENT --implicit-check-not="[machine."
; RUN: %spadix run %s --check=none 2>&1 | FileCheck %s --check-prefix=SILENT --implicit-check-not="[machine."
; CHECK: error: mvout_spad writes row 16 4 times: its stride is 0, in command 3: mvout_spad to=sp:16 from=sp:0[4x4] (line [[#@LINE+9]]: %1 = store) [machine.write-order]
; SILENT: 1 sample
.target {base: spadix, name: small, dim: 4, scratchpad: {banks: 2, rows_per_bank: 64}, accumulator: {rows: 64}, dram_bytes: 1M}
.data 0x10000 i8
1*64

config_ld stride=4 block_stride=4 scale=1.0
config_st stride=4 scale=1.0
mvin dram=0x10000 to=sp:0[4x4]
.operation %1 = store
mvout_spad to=sp:16 stride=0 from=sp:0[4x4]
