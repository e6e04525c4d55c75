; A table read from bytes that a store before it wrote, no fence between them.
; RUN: %exit 1 %spadix run %s --check=all 2>&1 | FileCheck %s --implicit-check-not="[machine."
; RUN: %exit 1 %spadix run %s --check=fences 2>&1 | FileCheck %s --implicit-check-not="[machine."
; RUN: %spadix run %s --check=all,no-fences 2>&1 | FileCheck %s --check-prefix=SILENT --implicit-check-not="[machine."
; RUN: %spadix run %s --check=none 2>&1 | FileCheck %s --check-prefix=SILENT --implicit-check-not="[machine."
; CHECK: error: loads bytes that an earlier command stores, with no fence between them, in command 4: config_output_table dram=0x10000 (line [[#@LINE+12]]: %2 = table) [machine.fence]
; CHECK-NEXT: note: earlier, command 3: mvout dram=0x10000 from=sp:0[4x4] (line [[#@LINE+9]]: %1 = store)
; SILENT: 1 sample
.target {base: spadix, name: small, dim: 4, scratchpad: {banks: 2, rows_per_bank: 64}, accumulator: {rows: 64}, dram_bytes: 1M}
.data 0x10000 i8
1*256

config_st stride=4 scale=1.0
config_ld stride=4 block_stride=4 scale=1.0
mvin dram=0x10010 to=sp:0[4x4]
.operation %1 = store
mvout dram=0x10000 from=sp:0[4x4]
.operation %2 = table
config_output_table dram=0x10000
