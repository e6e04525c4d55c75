// C = A * B for sizes M, N, K that are multiples of 16, scaled by SCALE: tiles of up to 64 x 64 results, contracted 64
// elements at a time, with tiles of A and B alternating between two places so that loads run ahead of computes.
#include "gemmini.h"

#define TILE 64
#define BLOCKS (TILE / DIM)

static int blocks(int from, int size) { return (size - from < TILE ? size - from : TILE) / DIM; }

void kernel(const elem_t *A, const elem_t *B, elem_t *C) {
  gemmini_config_ex(WEIGHT_STATIONARY, NO_ACTIVATION, 0);
  gemmini_extended3_config_ld(K, MVIN_SCALE_IDENTITY, 0, 0);
  gemmini_extended3_config_ld(N, MVIN_SCALE_IDENTITY, 0, 1);
  gemmini_extended_config_st(N, NO_ACTIVATION, SCALE);
  int half = 0, result = 0;
  for (int i0 = 0; i0 < M; i0 += TILE) {
    for (int j0 = 0; j0 < N; j0 += TILE, result ^= 1) {
      int rows = blocks(i0, M), columns = blocks(j0, N);
      uint32_t acc = (UINT32_C(1) << 31) + result * BLOCKS * BLOCKS * DIM;
      for (int k0 = 0; k0 < K; k0 += TILE, half ^= 1) {
        int depth = blocks(k0, K);
        uint32_t a = half * BLOCKS * BLOCKS * DIM;
        uint32_t b = 2 * BANK_ROWS + half * BLOCKS * BLOCKS * DIM;
        for (int i = 0; i < rows; i++)
          gemmini_extended_mvin(A + (size_t)(i0 + i * DIM) * K + k0, a + i * BLOCKS * DIM, depth * DIM, DIM);
        for (int k = 0; k < depth; k++)
          gemmini_extended_mvin2(B + (size_t)(k0 + k * DIM) * N + j0, b + k * BLOCKS * DIM, columns * DIM, DIM);
        for (int j = 0; j < columns; j++) {
          for (int k = 0; k < depth; k++) {
            uint32_t add = k0 + k > 0 ? UINT32_C(1) << 30 : 0;
            for (int i = 0; i < rows; i++) {
              uint32_t c = (acc + (i * BLOCKS + j) * DIM) | add;
              if (i == 0) {
                gemmini_preload(b + (k * BLOCKS + j) * DIM, c);
                gemmini_compute_preloaded(a + (i * BLOCKS + k) * DIM, GARBAGE_ADDR);
              } else {
                gemmini_preload(GARBAGE_ADDR, c);
                gemmini_compute_accumulated(a + (i * BLOCKS + k) * DIM, GARBAGE_ADDR);
              }
            }
          }
        }
      }
      for (int i = 0; i < rows; i++)
        gemmini_extended_mvout(C + (size_t)(i0 + i * DIM) * N + j0, acc + i * BLOCKS * DIM, columns * DIM, DIM);
    }
  }
  gemmini_fence();
}
