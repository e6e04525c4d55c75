; A hardware convolution of an 8 x 8 image with a 3 x 3 kernel: 64 rows of input and 9 of weights in the 64 rows of half the
; scratchpad, so that the weights are loaded over the last pixels.
; RUN: %exit 1 %spadix run %s --check=all 2>&1 | FileCheck %s --implicit-check-not="[machine."
; RUN: %exit 1 %spadix run %s --check=limits 2>&1 | FileCheck %s --implicit-check-not="[machine."
; RUN: %spadix run %s --check=all,no-limits 2>&1 | FileCheck %s --check-prefix=SILENT --implicit-check-not="[machine."
; RUN: %spadix run %s --check=none 2>&1 | FileCheck %s --check-prefix=SILENT --implicit-check-not="[machine."
; CHECK: error: loop_conv_ws puts 64 rows of its input at row 0, over 9 rows of weights at row 55, in command 8: loop_conv_ws no_pool (line [[#@LINE+18]]: %1 = convolution) [machine.shape]
; SILENT: 1 sample
.target {base: spadix, name: small, dim: 4, scratchpad: {banks: 2, rows_per_bank: 64}, accumulator: {rows: 64}, dram_bytes: 1M}
.data 0x10000 i8
1*64
.data 0x10100 i8
1*9
.data 0x10200 i32
1

config_ex ws a_stride=1 c_stride=1
config_st stride=1 scale=1.0
loop_conv_ws_1 batch=1 in_rows=8 in_channels=1 out_channels=1 out_rows=6 pool_out_rows=6 out_cols=6 stride=1
loop_conv_ws_2 pool_out_cols=6 kernel=3 channels=1 cols=6 rows=6 batches=1
loop_conv_ws_3 kernel_channels=1 kernel_cols=3 kernel_rows=3 in_cols=8
loop_conv_ws_4 dilation=1 out_rows=6 out_cols=6 out_stride=1 weight_stride=1 in_stride=1
loop_conv_ws_5 weights=0x10100 output=0x20000
loop_conv_ws_6 bias=0x10200 input=0x10000
.operation %1 = convolution
loop_conv_ws no_pool
