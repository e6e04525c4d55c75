; Two stores to the same bytes, no fence between them: either may be last.
; RUN: %exit 1 %spadix run %s --check=all 2>&1 | FileCheck %s --implicit-check-not="[machine."
; RUN: %exit 1 %spadix run %s --check=write-order 2>&1 | FileCheck %s --implicit-check-not="[machine."
; RUN: %spadix run %s --check=all,no-write-order 2>&1 | FileCheck %s --check-prefix=SILENT --implicit-check-not="[machine."
; RUN: %spadix run %s --check=none 2>&1 | FileCheck %s --check-prefix=SILENT --implicit-check-not="[machine."
; CHECK: error: stores bytes that an earlier command stores, with no fence between them, in command 5: mvout dram=0x2000c from=sp:4[2x4] (line [[#@LINE+13]]: %2 = store) [machine.write-order]
; CHECK-NEXT: note: earlier, command 4: mvout dram=0x20000 from=sp:0[4x4] (line [[#@LINE+10]]: %1 = store)
; SILENT: 1 sample
.target {base: spadix, name: small, dim: 4, scratchpad: {banks: 2, rows_per_bank: 64}, accumulator: {rows: 64}, dram_bytes: 1M}
.data 0x10000 i8
1*64

config_ld stride=4 block_stride=4 scale=1.0
config_st stride=4 scale=1.0
mvin dram=0x10000 to=sp:0[4x4]
mvin dram=0x10010 to=sp:4[4x4]
.operation %1 = store
mvout dram=0x20000 from=sp:0[4x4]
.operation %2 = store
mvout dram=0x2000c from=sp:4[2x4]
