#include "kernels_internal.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <string.h>

#define VNNI __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2")))

// vpdpbusd multiplies unsigned by signed bytes: a enters as a + 128, and 128 times the column sum of w is taken off.
// data holds, for each group of 16 columns and each four rows k, the four bytes of each column side by side.
VNNI static void pack(spadix_packed *packed, const int8_t *w, long w_stride, int rows, int columns, int dim) {
  const __m512i bias = _mm512_set1_epi8((char)0x80);
  int groups = dim <= 16 ? 1 : dim / 16;
  int quads = (dim + 3) / 4;
  for (int g = 0; g < groups; g++) {
    int width = columns - 16 * g;
    __mmask16 mask = width >= 16 ? 0xFFFF : width <= 0 ? 0 : (__mmask16)((1u << width) - 1);
    __m512i sum = _mm512_setzero_si512();
    for (int q = 0; q < quads; q++) {
      __m128i row[4];
      for (int r = 0; r < 4; r++) {
        int k = 4 * q + r;
        row[r] = k < rows ? _mm_maskz_loadu_epi8(mask, w + k * w_stride + 16 * g) : _mm_setzero_si128();
      }
      __m128i low01 = _mm_unpacklo_epi8(row[0], row[1]), high01 = _mm_unpackhi_epi8(row[0], row[1]);
      __m128i low23 = _mm_unpacklo_epi8(row[2], row[3]), high23 = _mm_unpackhi_epi8(row[2], row[3]);
      __m512i all = _mm512_castsi128_si512(_mm_unpacklo_epi16(low01, low23));
      all = _mm512_inserti32x4(all, _mm_unpackhi_epi16(low01, low23), 1);
      all = _mm512_inserti32x4(all, _mm_unpacklo_epi16(high01, high23), 2);
      all = _mm512_inserti32x4(all, _mm_unpackhi_epi16(high01, high23), 3);
      _mm512_store_si512(packed->data + 64 * (g * quads + q), all);
      sum = _mm512_dpbusd_epi32(sum, bias, all);
    }
    _mm512_store_si512(packed->correction + 16 * g, _mm512_sub_epi32(_mm512_setzero_si512(), sum));
  }
}

VNNI static inline __m512i broadcast_quad(const int8_t *a) {
  int32_t quad;
  memcpy(&quad, a, 4);
  return _mm512_xor_si512(_mm512_set1_epi32(quad), _mm512_set1_epi32((int)0x80808080));
}

// One row of 16 elements in every lane, and from there each of its quads: one load a row.
VNNI static inline __m512i biased_row(const int8_t *a) {
  return _mm512_xor_si512(_mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)a)), _mm512_set1_epi8((char)0x80));
}

// full and accumulate are constants: what they decide is decided outside the loop. Whole registers are stored without a
// mask, as the next tile often adds to the same rows and a masked store does not forward to its loads.
VNNI static inline __attribute__((always_inline)) void rows16(int32_t *c, long c_stride, const int8_t *a, long a_stride,
                                                              int m, __mmask16 mask, const spadix_packed *packed,
                                                              const int full, const int accumulate) {
  __m512i w0 = _mm512_load_si512(packed->data), w1 = _mm512_load_si512(packed->data + 64);
  __m512i w2 = _mm512_load_si512(packed->data + 128), w3 = _mm512_load_si512(packed->data + 192);
  __m512i correction = _mm512_load_si512(packed->correction);
  for (int i = 0; i < m; i++) {
    __m512i row = biased_row(a), sum = correction;
    if (accumulate) sum = _mm512_add_epi32(sum, full ? _mm512_loadu_si512(c) : _mm512_maskz_loadu_epi32(mask, c));
    sum = _mm512_dpbusd_epi32(sum, _mm512_shuffle_epi32(row, 0x00), w0);
    sum = _mm512_dpbusd_epi32(sum, _mm512_shuffle_epi32(row, 0x55), w1);
    sum = _mm512_dpbusd_epi32(sum, _mm512_shuffle_epi32(row, 0xAA), w2);
    sum = _mm512_dpbusd_epi32(sum, _mm512_shuffle_epi32(row, 0xFF), w3);
    if (full)
      _mm512_storeu_si512(c, sum);
    else
      _mm512_mask_storeu_epi32(c, mask, sum);
    a += a_stride;
    c += c_stride;
  }
}

// Functions of their own: inlined into one, the loops would share registers and spill.
VNNI static __attribute__((noinline)) void add16(int32_t *c, long c_stride, const int8_t *a, long a_stride, int m,
                                                 const spadix_packed *packed) {
  rows16(c, c_stride, a, a_stride, m, 0xFFFF, packed, 1, 1);
}

VNNI static __attribute__((noinline)) void set16(int32_t *c, long c_stride, const int8_t *a, long a_stride, int m,
                                                 const spadix_packed *packed) {
  rows16(c, c_stride, a, a_stride, m, 0xFFFF, packed, 1, 0);
}

VNNI static __attribute__((noinline)) void narrow16(int32_t *c, long c_stride, const int8_t *a, long a_stride, int m,
                                                    __mmask16 mask, const spadix_packed *packed, int accumulate) {
  if (accumulate)
    rows16(c, c_stride, a, a_stride, m, mask, packed, 0, 1);
  else
    rows16(c, c_stride, a, a_stride, m, mask, packed, 0, 0);
}

VNNI static __attribute__((noinline)) void tile_any(int32_t *c, long c_stride, const int8_t *a, long a_stride, int m,
                                                    int n, int dim, const spadix_packed *packed, int accumulate) {
  int groups = dim <= 16 ? 1 : dim / 16;
  int quads = (dim + 3) / 4;
  for (int g = 0; g < groups && 16 * g < n; g++) {
    int width = n - 16 * g < 16 ? n - 16 * g : 16;
    __mmask16 mask = (__mmask16)((1u << width) - 1);
    __m512i correction = _mm512_load_si512(packed->correction + 16 * g);
    for (int i = 0; i < m; i++) {
      __m512i sum = correction;
      int32_t *out = c + i * c_stride + 16 * g;
      if (accumulate) sum = _mm512_add_epi32(sum, _mm512_maskz_loadu_epi32(mask, out));
      const int8_t *row = a + i * a_stride;
      // With dim 2 the second half of the quad meets zero weights.
      for (int q = 0; q < quads; q++)
        sum = _mm512_dpbusd_epi32(sum, broadcast_quad(row + 4 * q), _mm512_load_si512(packed->data + 64 * (g * quads + q)));
      _mm512_mask_storeu_epi32(out, mask, sum);
    }
  }
}

VNNI static void tile(int32_t *c, long c_stride, const int8_t *a, long a_stride, int m, int n, int dim,
                      const spadix_packed *packed, int accumulate) {
  if (dim != 16)
    tile_any(c, c_stride, a, a_stride, m, n, dim, packed, accumulate);
  else if (n < 16)
    narrow16(c, c_stride, a, a_stride, m, (__mmask16)((1u << n) - 1), packed, accumulate);
  else if (accumulate)
    add16(c, c_stride, a, a_stride, m, packed);
  else
    set16(c, c_stride, a, a_stride, m, packed);
}

VNNI static inline __m512i stage(__m512 product, __m512i zero_point, __m512i low, __m512i high) {
  __mmask16 holds = _mm512_cmp_ps_mask(product, _mm512_set1_ps(0x1p63f), _CMP_LT_OQ);
  __m512 bounded = _mm512_mask_min_ps(_mm512_set1_ps(-0x1p30f), holds, product, _mm512_set1_ps(0x1p30f));
  bounded = _mm512_max_ps(bounded, _mm512_set1_ps(-0x1p30f));
  __m512i value = _mm512_cvt_roundps_epi32(bounded, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  value = _mm512_add_epi32(value, zero_point);
  return _mm512_min_epi32(_mm512_max_epi32(value, low), high);
}

VNNI static void store(int8_t *out, long out_stride, const int32_t *acc, int rows, int columns, int dim,
                       const spadix_output_stage *it) {
  __m512i zero_point = _mm512_set1_epi32(it->zero_point);
  __m512i low = _mm512_set1_epi32(it->low), high = _mm512_set1_epi32(it->high);
  for (int j = 0; j < columns; j += 16) {
    int width = columns - j < 16 ? columns - j : 16;
    __mmask16 mask = (__mmask16)((1u << width) - 1);
    __m512 scales = _mm512_loadu_ps(it->scales + j);
    for (int i = 0; i < rows; i++) {
      __m512i value = _mm512_maskz_loadu_epi32(mask, acc + (long)i * dim + j);
      value = stage(_mm512_mul_ps(_mm512_cvtepi32_ps(value), scales), zero_point, low, high);
      _mm512_mask_cvtepi32_storeu_epi8(out + i * out_stride + j, mask, value);
    }
  }
}

VNNI static void scale(int8_t *out, const int8_t *in, long count, float factor) {
  __m512 scales = _mm512_set1_ps(factor);
  __m512i low = _mm512_set1_epi32(-128), high = _mm512_set1_epi32(127);
  for (long j = 0; j < count; j += 16) {
    __mmask16 mask = count - j < 16 ? (__mmask16)((1u << (count - j)) - 1) : 0xFFFF;
    __m512i value = _mm512_cvtepi8_epi32(_mm_maskz_loadu_epi8(mask, in + j));
    value = stage(_mm512_mul_ps(_mm512_cvtepi32_ps(value), scales), _mm512_setzero_si512(), low, high);
    _mm512_mask_cvtepi32_storeu_epi8(out + j, mask, value);
  }
}

VNNI static void widen(int32_t *out, const int8_t *in, long count, int accumulate) {
  for (long j = 0; j < count; j += 16) {
    __mmask16 mask = count - j < 16 ? (__mmask16)((1u << (count - j)) - 1) : 0xFFFF;
    __m512i value = _mm512_cvtepi8_epi32(_mm_maskz_loadu_epi8(mask, in + j));
    if (accumulate) value = _mm512_add_epi32(value, _mm512_maskz_loadu_epi32(mask, out + j));
    _mm512_mask_storeu_epi32(out + j, mask, value);
  }
}

VNNI static void add(int32_t *out, const void *in, long count) {
  for (long j = 0; j < count; j += 16) {
    __mmask16 mask = count - j < 16 ? (__mmask16)((1u << (count - j)) - 1) : 0xFFFF;
    __m512i value = _mm512_maskz_loadu_epi32(mask, (const char *)in + 4 * j);
    _mm512_mask_storeu_epi32(out + j, mask, _mm512_add_epi32(value, _mm512_maskz_loadu_epi32(mask, out + j)));
  }
}

VNNI static void maximum(int8_t *out, const int8_t *in, long count) {
  for (long j = 0; j < count; j += 16) {
    __mmask16 mask = count - j < 16 ? (__mmask16)((1u << (count - j)) - 1) : 0xFFFF;
    __m128i value = _mm_max_epi8(_mm_maskz_loadu_epi8(mask, in + j), _mm_maskz_loadu_epi8(mask, out + j));
    _mm_mask_storeu_epi8(out + j, mask, value);
  }
}

const spadix_kernels spadix_kernels_vnni = {"avx512-vnni", pack, tile, store, scale, widen, add, maximum};
#endif
