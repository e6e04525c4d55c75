; A pooled 32-bit store, which the functional model stores as 8 bits.
; RUN: %spadix run %s --check=all 2>&1 | FileCheck %s --implicit-check-not="[machine."
; RUN: %spadix run %s --check=portability 2>&1 | FileCheck %s --implicit-check-not="[machine."
; RUN: %spadix run %s --check=all,no-portability 2>&1 | FileCheck %s --check-prefix=SILENT --implicit-check-not="[machine."
; RUN: %spadix run %s --check=none 2>&1 | FileCheck %s --check-prefix=SILENT --implicit-check-not="[machine."
; CHECK: warning: a pooled store of 32-bit elements writes 8-bit ones in the functional model, in command 3: mvout dram=0x20000 from=acc32:0[0x1] (line [[#@LINE+9]]: %1 = store) [machine.portability]
; SILENT: 1 sample
.target {base: spadix, name: small, dim: 4, scratchpad: {banks: 2, rows_per_bank: 64}, accumulator: {rows: 64}, dram_bytes: 1M}
.data 0x10000 i32
1*16

config_ld stride=16 block_stride=4 scale=1.0
mvin dram=0x10000 to=acc:0[4x1]
config_st pool_stride=1 pool_window=2 pool_out_dim=1 pool_out_rows=1 pool_out_cols=1 pool_rows=2 pool_cols=2 stride=4 scale=1.0
.operation %1 = store
mvout dram=0x20000 from=acc32:0[0x1]
