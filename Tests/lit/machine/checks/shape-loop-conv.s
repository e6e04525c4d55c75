; A hardware convolution of no output columns.
; RUN: %exit 1 %spadix run %s --check=all 2>&1 | FileCheck %s --implicit-check-not="[machine."
; RUN: %exit 1 %spadix run %s --check=limits 2>&1 | FileCheck %s --implicit-check-not="[machine."
; RUN: %spadix run %s --check=all,no-limits 2>&1 | FileCheck %s --check-prefix=SILENT --implicit-check-not="[machine."
; RUN: %spadix run %s --check=none 2>&1 | FileCheck %s --check-prefix=SILENT --implicit-check-not="[machine."
; CHECK: error: loop_conv_ws has 1 x 1 x 0 x 1 results of 1 x 1 x 1 products; expected at least one of each, in command 4: loop_conv_ws no_pool (line [[#@LINE+10]]: %1 = convolution) [machine.shape]
; SILENT: 1 sample
.target {base: spadix, name: small, dim: 4, scratchpad: {banks: 2, rows_per_bank: 64}, accumulator: {rows: 64}, dram_bytes: 1M}
.data 0x10000 i8
1*64

config_ex ws a_stride=1 c_stride=1
loop_conv_ws_2 kernel=1 channels=1 cols=1 rows=1 batches=1
loop_conv_ws_3 kernel_channels=1 kernel_cols=1 kernel_rows=1
loop_conv_ws_4 dilation=1 out_rows=1
.operation %1 = convolution
loop_conv_ws no_pool
