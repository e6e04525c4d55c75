#include "gemmini.h"
void kernel(const elem_t *A, const elem_t *B, elem_t *C) { gemmini_mvin(A, 0) undeclared; }
