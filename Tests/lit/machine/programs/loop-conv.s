; The hardware convolution of a 3 x 3 image, padded by 1, with a 3 x 3 kernel of ones and a bias of 1: every result is the sum
; of a pixel and its neighbours, plus 1.
; 
;     1 2 3      12 21 16
;     4 5 6  ->  27 45 33
;     7 8 9      24 39 28
; RUN: %spadix conformance %s --check=all 2>&1 | FileCheck %s
; CHECK: 1 of 1 programs pass: {{.*}} 0 findings
.target {base: spadix, name: small, dim: 4, scratchpad: {banks: 2, rows_per_bank: 64}, accumulator: {rows: 64}, dram_bytes: 1M}

.data 0x10000 i8
1 2 3  4 5 6  7 8 9
.data 0x10100 i8
1*9
.data 0x10200 i32
1

config_ex ws a_stride=1 c_stride=1
config_st stride=1 scale=1.0
loop_conv_ws_1 batch=1 in_rows=3 in_channels=1 out_channels=1 out_rows=3 pool_out_rows=3 out_cols=3 stride=1 padding=1
loop_conv_ws_2 pool_out_cols=3 kernel=3 channels=1 cols=3 rows=3 batches=1
loop_conv_ws_3 left=1 kernel_channels=1 kernel_cols=3 kernel_rows=3 in_cols=3 down=1 up=1 right=1
loop_conv_ws_4 dilation=1 out_rows=3 out_cols=3 out_stride=1 weight_stride=1 in_stride=1
loop_conv_ws_5 weights=0x10100 output=0x20000
loop_conv_ws_6 bias=0x10200 input=0x10000
loop_conv_ws no_pool

.expect 0x20000 i8
13 22 17  28 46 34  25 40 29
