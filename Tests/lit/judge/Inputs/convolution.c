// A 3x3 convolution of a 16x16 image of 32 channels, with padding 1, bias and relu. The image lies in the scratchpad with its
// border of zeros, so that the pixels under a tap are neighbouring rows for every row of the result.
#include "gemmini.h"

#define SIZE 16
#define CHANNELS 32
#define WIDTH (SIZE + 2)
#define PLANE (WIDTH * WIDTH)
#define WEIGHTS (2 * BANK_ROWS)

void kernel(const elem_t *x, const elem_t *w, const acc_t *bias, elem_t *y) {
  gemmini_config_ex(WEIGHT_STATIONARY, NO_ACTIVATION, 0);
  gemmini_extended4_config_ld(CHANNELS, MVIN_SCALE_IDENTITY, 0, PLANE, 0);
  gemmini_extended3_config_ld(CHANNELS, MVIN_SCALE_IDENTITY, 0, 1);
  gemmini_extended3_config_ld(0, MVIN_SCALE_IDENTITY, 0, 2);
  gemmini_extended_config_st(CHANNELS, RELU, 1.0f / (1 << 11));
  for (int row = 0; row < WIDTH; row++) {
    int is_border = row == 0 || row == WIDTH - 1;
    if (is_border) {
      gemmini_extended_mvin(0, row * WIDTH, CHANNELS, DIM);
      gemmini_extended_mvin(0, row * WIDTH + DIM, CHANNELS, 2);
    } else {
      gemmini_extended_mvin(0, row * WIDTH, CHANNELS, 1);
      gemmini_extended_mvin(x + (row - 1) * SIZE * CHANNELS, row * WIDTH + 1, CHANNELS, SIZE);
      gemmini_extended_mvin(0, row * WIDTH + 1 + SIZE, CHANNELS, 1);
    }
  }
  // Blocks of 16 input channels; the two blocks of output channels of each lie behind each other.
  for (int block = 0; block < 9 * CHANNELS / DIM; block++)
    gemmini_extended_mvin2(w + block * DIM * CHANNELS, WEIGHTS + block * 2 * DIM, CHANNELS, DIM);
  for (int row = 0; row < SIZE; row++)
    for (int out = 0; out < CHANNELS / DIM; out++)
      gemmini_extended_mvin3(bias + out * DIM, (UINT32_C(1) << 31) + (row * 2 + out) * DIM, DIM, DIM);
  for (int out = 0; out < CHANNELS / DIM; out++) {
    for (int block = 0; block < 9 * CHANNELS / DIM; block++) {
      int tap = block / 2, in = block % 2;
      uint32_t pixels = in * PLANE + tap / 3 * WIDTH + tap % 3;
      for (int row = 0; row < SIZE; row++) {
        uint32_t c = (UINT32_C(3) << 30) + (row * 2 + out) * DIM;
        gemmini_preload(row == 0 ? WEIGHTS + (block * 2 + out) * DIM : GARBAGE_ADDR, c);
        if (row == 0)
          gemmini_compute_preloaded(pixels, GARBAGE_ADDR);
        else
          gemmini_compute_accumulated(pixels + row * WIDTH, GARBAGE_ADDR);
      }
    }
  }
  for (int row = 0; row < SIZE; row++)
    gemmini_extended_mvout(y + row * SIZE * CHANNELS, (UINT32_C(1) << 31) + row * 2 * DIM, CHANNELS, SIZE);
  gemmini_fence();
}
