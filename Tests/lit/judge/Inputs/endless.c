#include "gemmini.h"
void kernel(const elem_t *A, const elem_t *B, elem_t *C) {
  for (;;) gemmini_config_ld(*(volatile int *)&(int){1});
}
