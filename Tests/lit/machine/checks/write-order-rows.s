; A store whose rows of 4 bytes stand 2 bytes apart.
; RUN: %exit 1 %spadix run %s --check=all 2>&1 | FileCheck %s --implicit-check-not="[machine."
; RUN: %exit 1 %spadix run %s --check=write-order 2>&1 | FileCheck %s --implicit-check-not="[machine."
; RUN: %spadix run %s --check=all,no-write-order 2>&1 | FileCheck %s --check-prefix=SILENT --implicit-check-not="[machine."
; RUN: %spadix run %s --check=none 2>&1 | FileCheck %s --check-prefix=SILENT --implicit-check-not="[machine."
; CHECK: error: the store writes 4 bytes every 2 bytes: rows overwrite each other, in command 3: mvout dram=0x20000 from=sp:0[4x4] (line [[#@LINE+9]]: %1 = store) [machine.write-order]
; SILENT: 1 sample
.target {base: spadix, name: small, dim: 4, scratchpad: {banks: 2, rows_per_bank: 64}, accumulator: {rows: 64}, dram_bytes: 1M}
.data 0x10000 i8
1*64

config_ld stride=4 block_stride=4 scale=1.0
config_st stride=2 scale=1.0
mvin dram=0x10000 to=sp:0[4x4]
.operation %1 = store
mvout dram=0x20000 from=sp:0[4x4]
