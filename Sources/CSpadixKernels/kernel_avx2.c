#include "kernels_internal.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <string.h>

#define AVX2 __attribute__((target("avx2")))

// data holds, for each group of 8 columns and each two rows k, the two values of each column as int16 side by side.
AVX2 static void pack(spadix_packed *packed, const int8_t *w, long w_stride, int rows, int columns, int dim) {
  int groups = (dim + 7) / 8;
  int pairs = dim / 2;
  for (int g = 0; g < groups; g++) {
    int width = columns - 8 * g;
    width = width < 0 ? 0 : width > 8 ? 8 : width;
    for (int p = 0; p < pairs; p++) {
      int64_t even = 0, odd = 0;
      if (width == 8) {
        if (2 * p < rows) memcpy(&even, w + 2 * p * w_stride + 8 * g, 8);
        if (2 * p + 1 < rows) memcpy(&odd, w + (2 * p + 1) * w_stride + 8 * g, 8);
      } else if (width > 0) {
        if (2 * p < rows) memcpy(&even, w + 2 * p * w_stride + 8 * g, width);
        if (2 * p + 1 < rows) memcpy(&odd, w + (2 * p + 1) * w_stride + 8 * g, width);
      }
      __m128i pair = _mm_unpacklo_epi8(_mm_cvtsi64_si128(even), _mm_cvtsi64_si128(odd));
      _mm256_store_si256((__m256i *)(packed->data + 32 * (g * pairs + p)), _mm256_cvtepi8_epi16(pair));
    }
  }
}

AVX2 static inline __m256i column_mask(int width) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(width), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

AVX2 static void tile(int32_t *c, long c_stride, const int8_t *a, long a_stride, int m, int n, int dim,
                      const spadix_packed *packed, int accumulate) {
  int pairs = dim / 2;
  for (int i = 0; i < m; i++) {
    _Alignas(32) int16_t row[SPADIX_MAX_DIM];
    for (int k = 0; k < dim; k += 16)
      _mm256_store_si256((__m256i *)(row + k),
                         _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(a + i * a_stride + k))));
    for (int j = 0; j < n; j += 16) {
      __m256i mask0 = column_mask(n - j), mask1 = column_mask(n - j - 8);
      int32_t *out = c + i * c_stride + j;
      __m256i sum0 = _mm256_setzero_si256(), sum1 = _mm256_setzero_si256();
      const int8_t *w0 = packed->data + 32 * (j / 8 * pairs);
      const int8_t *w1 = w0 + 32 * pairs;
      for (int p = 0; p < pairs; p++) {
        int32_t both;
        memcpy(&both, row + 2 * p, 4);
        __m256i pair = _mm256_set1_epi32(both);
        sum0 = _mm256_add_epi32(sum0, _mm256_madd_epi16(pair, _mm256_load_si256((const __m256i *)(w0 + 32 * p))));
        sum1 = _mm256_add_epi32(sum1, _mm256_madd_epi16(pair, _mm256_load_si256((const __m256i *)(w1 + 32 * p))));
      }
      if (accumulate) {
        sum0 = _mm256_add_epi32(sum0, _mm256_maskload_epi32(out, mask0));
        sum1 = _mm256_add_epi32(sum1, _mm256_maskload_epi32(out + 8, mask1));
      }
      _mm256_maskstore_epi32(out, mask0, sum0);
      _mm256_maskstore_epi32(out + 8, mask1, sum1);
    }
  }
}

AVX2 static inline __m256i stage(__m256 product, __m256i zero_point, __m256i low, __m256i high) {
  __m256 floor = _mm256_set1_ps(-0x1p30f);
  __m256 holds = _mm256_cmp_ps(product, _mm256_set1_ps(0x1p63f), _CMP_LT_OQ);
  __m256 bounded = _mm256_blendv_ps(floor, _mm256_min_ps(product, _mm256_set1_ps(0x1p30f)), holds);
  bounded = _mm256_round_ps(_mm256_max_ps(bounded, floor), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  __m256i value = _mm256_add_epi32(_mm256_cvttps_epi32(bounded), zero_point);
  return _mm256_min_epi32(_mm256_max_epi32(value, low), high);
}

AVX2 static inline int64_t narrow(__m256i value) {
  __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(value), _mm256_extracti128_si256(value, 1));
  return _mm_cvtsi128_si64(_mm_packs_epi16(words, words));
}

AVX2 static void store(int8_t *out, long out_stride, const int32_t *acc, int rows, int columns, int dim,
                       const spadix_output_stage *it) {
  __m256i zero_point = _mm256_set1_epi32(it->zero_point);
  __m256i low = _mm256_set1_epi32(it->low), high = _mm256_set1_epi32(it->high);
  for (int j = 0; j < columns; j += 8) {
    int width = columns - j < 8 ? columns - j : 8;
    __m256i mask = column_mask(width);
    __m256 scales = _mm256_loadu_ps(it->scales + j);
    for (int i = 0; i < rows; i++) {
      __m256i value = _mm256_maskload_epi32(acc + (long)i * dim + j, mask);
      int64_t bytes = narrow(stage(_mm256_mul_ps(_mm256_cvtepi32_ps(value), scales), zero_point, low, high));
      if (width == 8)
        memcpy(out + i * out_stride + j, &bytes, 8);
      else
        memcpy(out + i * out_stride + j, &bytes, width);
    }
  }
}

AVX2 static void scale(int8_t *out, const int8_t *in, long count, float factor) {
  __m256 scales = _mm256_set1_ps(factor);
  __m256i low = _mm256_set1_epi32(-128), high = _mm256_set1_epi32(127);
  long j = 0;
  for (; j + 8 <= count; j += 8) {
    int64_t bytes;
    memcpy(&bytes, in + j, 8);
    __m256i value = _mm256_cvtepi8_epi32(_mm_cvtsi64_si128(bytes));
    bytes = narrow(stage(_mm256_mul_ps(_mm256_cvtepi32_ps(value), scales), _mm256_setzero_si256(), low, high));
    memcpy(out + j, &bytes, 8);
  }
  for (; j < count; j++) out[j] = spadix_stage_one((float)in[j] * factor, 0, -128, 127);
}

AVX2 static void widen(int32_t *out, const int8_t *in, long count, int accumulate) {
  long j = 0;
  for (; j + 8 <= count; j += 8) {
    int64_t bytes;
    memcpy(&bytes, in + j, 8);
    __m256i value = _mm256_cvtepi8_epi32(_mm_cvtsi64_si128(bytes));
    if (accumulate) value = _mm256_add_epi32(value, _mm256_loadu_si256((const __m256i *)(out + j)));
    _mm256_storeu_si256((__m256i *)(out + j), value);
  }
  if (j < count) spadix_kernels_c.widen(out + j, in + j, count - j, accumulate);
}

AVX2 static void add(int32_t *out, const void *in, long count) {
  long j = 0;
  for (; j + 8 <= count; j += 8) {
    __m256i value = _mm256_loadu_si256((const __m256i *)((const char *)in + 4 * j));
    value = _mm256_add_epi32(value, _mm256_loadu_si256((const __m256i *)(out + j)));
    _mm256_storeu_si256((__m256i *)(out + j), value);
  }
  if (j < count) spadix_kernels_c.add(out + j, (const char *)in + 4 * j, count - j);
}

AVX2 static void maximum(int8_t *out, const int8_t *in, long count) {
  long j = 0;
  for (; j + 16 <= count; j += 16) {
    __m128i value = _mm_max_epi8(_mm_loadu_si128((const __m128i *)(in + j)), _mm_loadu_si128((const __m128i *)(out + j)));
    _mm_storeu_si128((__m128i *)(out + j), value);
  }
  if (j < count) spadix_kernels_c.maximum(out + j, in + j, count - j);
}

const spadix_kernels spadix_kernels_avx2 = {"avx2", pack, tile, store, scale, widen, add, maximum};
#endif
