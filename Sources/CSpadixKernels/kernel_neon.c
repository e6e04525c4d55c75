#include "kernels_internal.h"

#if defined(__aarch64__)
#include <arm_neon.h>
#include <string.h>

// data holds the rows of w, padded with zeros to a multiple of 8 columns.
static void pack(spadix_packed *packed, const int8_t *w, long w_stride, int rows, int columns, int dim) {
  int width = (dim + 7) / 8 * 8;
  memset(packed->data, 0, (size_t)width * dim);
  for (int k = 0; k < rows; k++) memcpy(packed->data + (size_t)k * width, w + k * w_stride, columns);
}

static void tile(int32_t *c, long c_stride, const int8_t *a, long a_stride, int m, int n, int dim,
                 const spadix_packed *packed, int accumulate) {
  int width = (dim + 7) / 8 * 8;
  for (int i = 0; i < m; i++) {
    for (int j = 0; j < n; j += 8) {
      int32x4_t sum0 = vdupq_n_s32(0), sum1 = vdupq_n_s32(0);
      for (int k = 0; k < dim; k++) {
        int16x8_t w = vmovl_s8(vld1_s8(packed->data + (size_t)k * width + j));
        int16_t value = a[i * a_stride + k];
        sum0 = vmlal_n_s16(sum0, vget_low_s16(w), value);
        sum1 = vmlal_n_s16(sum1, vget_high_s16(w), value);
      }
      int32_t sums[8];
      vst1q_s32(sums, sum0);
      vst1q_s32(sums + 4, sum1);
      int32_t *row = c + i * c_stride + j;
      for (int x = 0; x < 8 && j + x < n; x++)
        row[x] = (int32_t)((uint32_t)sums[x] + (accumulate ? (uint32_t)row[x] : 0));
    }
  }
}

static void store(int8_t *out, long out_stride, const int32_t *acc, int rows, int columns, int dim,
                  const spadix_output_stage *it) {
  for (int i = 0; i < rows; i++) {
    const int32_t *row = acc + (long)i * dim;
    int j = 0;
    for (; j + 4 <= columns; j += 4) {
      float32x4_t product = vmulq_f32(vcvtq_f32_s32(vld1q_s32(row + j)), vld1q_f32(it->scales + j));
      uint32x4_t holds = vcltq_f32(product, vdupq_n_f32(0x1p63f));
      float32x4_t bounded = vbslq_f32(holds, vminq_f32(product, vdupq_n_f32(0x1p30f)), vdupq_n_f32(-0x1p30f));
      int32x4_t value = vcvtnq_s32_f32(vmaxq_f32(bounded, vdupq_n_f32(-0x1p30f)));
      value = vaddq_s32(value, vdupq_n_s32(it->zero_point));
      value = vminq_s32(vmaxq_s32(value, vdupq_n_s32(it->low)), vdupq_n_s32(it->high));
      for (int x = 0; x < 4; x++) out[i * out_stride + j + x] = (int8_t)value[x];
    }
    for (; j < columns; j++)
      out[i * out_stride + j] = spadix_stage_one((float)row[j] * it->scales[j], it->zero_point, it->low, it->high);
  }
}

static void scale(int8_t *out, const int8_t *in, long count, float factor) {
  spadix_kernels_c.scale(out, in, count, factor);
}

static void widen(int32_t *out, const int8_t *in, long count, int accumulate) {
  spadix_kernels_c.widen(out, in, count, accumulate);
}

static void add(int32_t *out, const void *in, long count) { spadix_kernels_c.add(out, in, count); }

static void maximum(int8_t *out, const int8_t *in, long count) {
  long j = 0;
  for (; j + 16 <= count; j += 16) vst1q_s8(out + j, vmaxq_s8(vld1q_s8(out + j), vld1q_s8(in + j)));
  if (j < count) spadix_kernels_c.maximum(out + j, in + j, count - j);
}

const spadix_kernels spadix_kernels_neon = {"neon", pack, tile, store, scale, widen, add, maximum};
#endif
