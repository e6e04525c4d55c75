; A table that nothing has loaded.
; RUN: %exit 1 %spadix run %s --check=all 2>&1 | FileCheck %s --implicit-check-not="[machine."
; RUN: %exit 1 %spadix run %s --check=configured 2>&1 | FileCheck %s --implicit-check-not="[machine."
; RUN: %spadix run %s --check=all,no-configured 2>&1 | FileCheck %s --check-prefix=SILENT --implicit-check-not="[machine."
; RUN: %spadix run %s --check=none 2>&1 | FileCheck %s --check-prefix=SILENT --implicit-check-not="[machine."
; CHECK: error: the table of the store is used before config_output_table loads it, in command 4: mvout dram=0x20000 from=acc:0[1x4] (line [[#@LINE+10]]: %1 = store) [machine.unconfigured]
; SILENT: 1 sample
.target {base: spadix, name: small, dim: 4, scratchpad: {banks: 2, rows_per_bank: 64}, accumulator: {rows: 64}, dram_bytes: 1M}
.data 0x10000 i32
1*64

config_ld stride=16 block_stride=4
mvin dram=0x10000 to=acc:0[1x4]
config_st stride=4 scale=1.0
config_output low=-128 high=127 table
.operation %1 = store
mvout dram=0x20000 from=acc:0[1x4]
