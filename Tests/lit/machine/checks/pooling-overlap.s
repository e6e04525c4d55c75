; Output rows of 2 pixels, 1 pixel apart.
; RUN: %exit 1 %spadix run %s --check=all 2>&1 | FileCheck %s --implicit-check-not="[machine."
; RUN: %exit 1 %spadix run %s --check=limits 2>&1 | FileCheck %s --implicit-check-not="[machine."
; RUN: %spadix run %s --check=all,no-limits 2>&1 | FileCheck %s --check-prefix=SILENT --implicit-check-not="[machine."
; RUN: %spadix run %s --check=none 2>&1 | FileCheck %s --check-prefix=SILENT --implicit-check-not="[machine."
; CHECK: error: output rows of 2 pixels stand 1 pixels apart and overlap, in command 4: mvout dram=0x20000 from=sp:0[0x4] (line [[#@LINE+10]]: %1 = store) [machine.pooling]
; SILENT: 1 sample
.target {base: spadix, name: small, dim: 4, scratchpad: {banks: 2, rows_per_bank: 64}, accumulator: {rows: 64}, dram_bytes: 1M}
.data 0x10000 i8
1*64

config_ld stride=4 block_stride=4 scale=1.0
mvin dram=0x10000 to=sp:0[4x4]
mvin dram=0x10010 to=sp:4[4x4]
config_st pool_stride=1 pool_window=2 pool_out_dim=1 pool_out_rows=2 pool_out_cols=2 pool_rows=3 pool_cols=2 stride=4 scale=1.0
.operation %1 = store
mvout dram=0x20000 from=sp:0[0x4]
