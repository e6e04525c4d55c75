; Rows of the second accumulator bank that a pooled store from the first one still reads, and a load overwrites. A load
; into the rows of the first bank before it would have waited.
; RUN: %exit 1 %spadix run %s --check=all 2>&1 | FileCheck %s --implicit-check-not="[machine."
; RUN: %exit 1 %spadix run %s --check=hardware-faults 2>&1 | FileCheck %s --implicit-check-not="[machine."
; RUN: %spadix run %s --check=all,no-hardware-faults 2>&1 | FileCheck %s --check-prefix=SILENT --implicit-check-not="[machine."
; RUN: %spadix run %s --check=none 2>&1 | FileCheck %s --check-prefix=SILENT --implicit-check-not="[machine."
; CHECK: error: writes row 32 of the accumulator, which an earlier command may still read: hardware takes a pooled store to end with the accumulator bank in which it begins; expected a fence between them, in command 12: mvin3 {{.*}} (line [[#@LINE+19]]: %1 = load) [machine.station-order]
; CHECK-NEXT: note: earlier, command 11: mvout dram=0x20000 from=acc:16[1x8]
; SILENT: 1 sample
.target {base: gemmini, name: small, dim: 8, scratchpad: {banks: 2, rows_per_bank: 64}, accumulator: {rows: 64}, dram_bytes: 1M}
.data 0x10000 i8
1*64

config_ex ws a_stride=1 c_stride=1
config_ld stride=8 block_stride=8 scale=1.0
config_ld state=2 stride=8 block_stride=8 scale=1.0
mvin dram=0x10000 to=sp:0[8x8]
preload weights=sp:0[8x8] result=acc:32[8x8]
compute_preloaded a=sp:0[8x8] d=none[8x8]
preload weights=none[8x8] result=acc:24[8x8]
compute_accumulated a=sp:0[8x8] d=none[8x8]
preload weights=none[8x8] result=acc:16[8x8]
compute_accumulated a=sp:0[8x8] d=none[8x8]
config_st stride=8 scale=1.0 activation=1 pool_stride=2 pool_window=2 pool_out_dim=2 pool_out_rows=6 pool_out_cols=1 pool_rows=12 pool_cols=2
mvout dram=0x20000 from=acc:16[1x8]
.operation %1 = load
mvin3 dram=0 to=acc:32[8x8]
mvin3 dram=0 to=acc:24[8x8]
