#include "kernels_internal.h"

#include <math.h>
#include <string.h>

static void pack(spadix_packed *packed, const int8_t *w, long w_stride, int rows, int columns, int dim) {
  memset(packed->data, 0, (size_t)dim * dim);
  for (int k = 0; k < rows; k++) memcpy(packed->data + (size_t)k * dim, w + k * w_stride, columns);
}

static void tile(int32_t *c, long c_stride, const int8_t *a, long a_stride, int m, int n, int dim,
                 const spadix_packed *packed, int accumulate) {
  for (int i = 0; i < m; i++) {
    uint32_t sums[SPADIX_MAX_DIM] = {0};
    for (int k = 0; k < dim; k++) {
      int32_t value = a[i * a_stride + k];
      const int8_t *w = packed->data + (size_t)k * dim;
      for (int j = 0; j < dim; j++) sums[j] += (uint32_t)(value * w[j]);
    }
    int32_t *row = c + i * c_stride;
    for (int j = 0; j < n; j++) row[j] = (int32_t)(sums[j] + (accumulate ? (uint32_t)row[j] : 0));
  }
}

int8_t spadix_stage_one(float product, int32_t zero_point, int32_t low, int32_t high) {
  // Products that no 64-bit integer holds, and those that are not numbers, count as the most negative value.
  float bounded = product < 0x1p63f ? fminf(product, 0x1p30f) : -0x1p30f;
  int32_t value = (int32_t)rintf(fmaxf(bounded, -0x1p30f)) + zero_point;
  value = value < low ? low : value;
  return (int8_t)(value > high ? high : value);
}

static void store(int8_t *out, long out_stride, const int32_t *acc, int rows, int columns, int dim,
                  const spadix_output_stage *stage) {
  for (int i = 0; i < rows; i++)
    for (int j = 0; j < columns; j++)
      out[i * out_stride + j] = spadix_stage_one((float)acc[(long)i * dim + j] * stage->scales[j], stage->zero_point,
                                                 stage->low, stage->high);
}

static void scale(int8_t *out, const int8_t *in, long count, float factor) {
  for (long j = 0; j < count; j++) out[j] = spadix_stage_one((float)in[j] * factor, 0, -128, 127);
}

static void widen(int32_t *out, const int8_t *in, long count, int accumulate) {
  if (accumulate)
    for (long j = 0; j < count; j++) out[j] = (int32_t)((uint32_t)out[j] + (uint32_t)in[j]);
  else
    for (long j = 0; j < count; j++) out[j] = in[j];
}

static void add(int32_t *out, const void *in, long count) {
  for (long j = 0; j < count; j++) {
    uint32_t value;
    memcpy(&value, (const char *)in + 4 * j, 4);
    out[j] = (int32_t)((uint32_t)out[j] + value);
  }
}

static void maximum(int8_t *out, const int8_t *in, long count) {
  for (long j = 0; j < count; j++) out[j] = out[j] > in[j] ? out[j] : in[j];
}

const spadix_kernels spadix_kernels_c = {"c", pack, tile, store, scale, widen, add, maximum};

// The functional model adds or subtracts 1 in float to reach the next integer: one float below a power of two that sum
// rounds up, and the result is one too far from zero.
static int8_t model_stage_one(float product, int32_t zero_point, int32_t low, int32_t high) {
  float magnitude = fabsf(product);
  if (magnitude < 256.0f) {
    float whole = truncf(magnitude);
    float next = truncf(magnitude + 1.0f);
    float rest = magnitude - whole;
    float rounded = rest < 0.5f ? whole : rest > 0.5f ? next : fmodf(whole, 2.0f) == 0.0f ? whole : next;
    product = product < 0 ? -rounded : rounded;
  }
  return spadix_stage_one(product, zero_point, low, high);
}

void spadix_store_model(int8_t *out, long out_stride, const int32_t *acc, int rows, int columns, int dim,
                        const spadix_output_stage *stage) {
  for (int i = 0; i < rows; i++)
    for (int j = 0; j < columns; j++)
      out[i * out_stride + j] = model_stage_one((float)acc[(long)i * dim + j] * stage->scales[j], stage->zero_point,
                                                stage->low, stage->high);
}

void spadix_scale_model(int8_t *out, const int8_t *in, long count, float factor) {
  for (long j = 0; j < count; j++) out[j] = model_stage_one((float)in[j] * factor, 0, -128, 127);
}

void spadix_copy_rows(void *to, long to_stride, const void *from, long from_stride, long bytes, long count) {
  char *out = to;
  const char *in = from;
  if (to_stride == bytes && from_stride == bytes) {
    memcpy(out, in, bytes * count);
  } else if (bytes == 16) {
    for (long i = 0; i < count; i++) memcpy(out + i * to_stride, in + i * from_stride, 16);
  } else if (bytes == 64) {
    for (long i = 0; i < count; i++) memcpy(out + i * to_stride, in + i * from_stride, 64);
  } else {
    for (long i = 0; i < count; i++) memcpy(out + i * to_stride, in + i * from_stride, bytes);
  }
}
