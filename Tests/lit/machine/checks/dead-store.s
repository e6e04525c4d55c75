; A result stored over before anything read it.
; RUN: %spadix run %s --check=all 2>&1 | FileCheck %s --implicit-check-not="[machine."
; RUN: %spadix run %s --check=waste 2>&1 | FileCheck %s --implicit-check-not="[machine."
; RUN: %spadix run %s --check=all,no-waste 2>&1 | FileCheck %s --check-prefix=SILENT --implicit-check-not="[machine."
; RUN: %spadix run %s --check=none 2>&1 | FileCheck %s --check-prefix=SILENT --implicit-check-not="[machine."
; CHECK: remark: what it stores is stored over by command 5 unread, in command 3: mvout dram=0x20000 from=sp:0[4x4] (line [[#@LINE+9]]: %1 = store) [machine.dead-store]
; SILENT: 1 sample
.target {base: spadix, name: small, dim: 4, scratchpad: {banks: 2, rows_per_bank: 64}, accumulator: {rows: 64}, dram_bytes: 1M}
.data 0x10000 i8
1*64

config_ld stride=4 block_stride=4 scale=1.0
config_st stride=4 scale=1.0
mvin dram=0x10000 to=sp:0[4x4]
.operation %1 = store
mvout dram=0x20000 from=sp:0[4x4]
fence
.operation %2 = store
mvout dram=0x20000 from=sp:0[4x4]
