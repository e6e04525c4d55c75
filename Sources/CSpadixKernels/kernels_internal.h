#ifndef SPADIX_KERNELS_INTERNAL_H
#define SPADIX_KERNELS_INTERNAL_H

#include "spadix_kernels.h"

struct spadix_packed {
  _Alignas(64) int8_t data[SPADIX_MAX_DIM * SPADIX_MAX_DIM * 2];
  _Alignas(64) int32_t correction[SPADIX_MAX_DIM];
};

extern const spadix_kernels spadix_kernels_c;
extern const spadix_kernels spadix_kernels_avx2;
extern const spadix_kernels spadix_kernels_vnni;
extern const spadix_kernels spadix_kernels_neon;

int8_t spadix_stage_one(float product, int32_t zero_point, int32_t low, int32_t high);

#endif
