// A 3x3 convolution of stride 2 by the hardware loop, in one go: 16x16x16 to 8x8x32, with padding 1, bias and relu.
#include "gemmini.h"

void kernel(const elem_t *x, const elem_t *w, const acc_t *bias, elem_t *y) {
  gemmini_extended_config_st(32, RELU, 1.0f / (1 << 10));
  gemmini_extended3_config_ex(WEIGHT_STATIONARY, 0, 0, ACC_SCALE_IDENTITY, 1, 2, 0, 0, 0);
  gemmini_loop_conv_ws(
    1, 16, 16, 16, 32, 8, 8, 8, 8, 2, 1, 3, 1, 1, 1, 0,  // sizes, stride, padding, kernel, no pooling
    1, 8, 8, 32, 3, 3, 16,                               // all batches, rows, columns and channels
    1, 1, 1, 1, 0, 0, 0, 0, 8, 8,                        // padding that is reached, and the rows and columns
    w, y, bias, x, 0, 1, 0, 0, 0, RELU, 0, 0, 0, 0, 1, 16, 32, 32, 0, 1, 1);
  gemmini_fence();
}
