#ifndef SPADIX_KERNELS_H
#define SPADIX_KERNELS_H

#include <stdint.h>

// The inner loops of the machine. Everything around them (addresses, limits, configuration) is decided before: no
// function here checks its arguments. A plain Swift twin of each function is the oracle of its tests.
//
// dim is the edge of the array, a power of two from 2 to 64. Buffers of local memory must be followed by 64 readable
// bytes.

#define SPADIX_MAX_DIM 64

// An array operand in the order that the tile kernel of one implementation wants.
typedef struct spadix_packed spadix_packed;

// What happens to an int32 on its way out: clamp(round_half_even(float(acc) * scale[column]) + zero_point, low, high).
typedef struct {
  float scales[SPADIX_MAX_DIM];
  int32_t zero_point;
  int32_t low;
  int32_t high;
} spadix_output_stage;

typedef struct {
  const char *name;

  // Packs rows x columns elements at w (rows w_stride bytes apart), zero elsewhere in dim x dim.
  void (*pack)(spadix_packed *packed, const int8_t *w, long w_stride, int rows, int columns, int dim);

  // c[i][j] (=, +=) sum over k of a[i][k] * w[k][j], for i < m, j < n; rows of a are a_stride bytes apart and all dim
  // elements of them are read; rows of c are c_stride elements apart. Sums wrap.
  void (*tile)(int32_t *c, long c_stride, const int8_t *a, long a_stride, int m, int n, int dim,
               const spadix_packed *packed, int accumulate);

  // out[i][j] = stage(acc[i * dim + j]) for j < columns <= dim; rows of out are out_stride bytes apart.
  void (*store)(int8_t *out, long out_stride, const int32_t *acc, int rows, int columns, int dim,
                const spadix_output_stage *stage);

  // out[j] = saturate(round_half_even(in[j] * scale)).
  void (*scale)(int8_t *out, const int8_t *in, long count, float scale);

  // out[j] (=, +=) in[j].
  void (*widen)(int32_t *out, const int8_t *in, long count, int accumulate);

  // out[j] += in[j], wrapping; in need not be aligned.
  void (*add)(int32_t *out, const void *in, long count);

  // out[j] = max(out[j], in[j]).
  void (*maximum)(int8_t *out, const int8_t *in, long count);
} spadix_kernels;

// The implementations that this processor can run, the fastest first; the plain C one is always last.
int spadix_kernel_count(void);
const spadix_kernels *spadix_kernel_at(int index);

// As store and scale of the kernels, with the rounding of Gemmini's functional model.
void spadix_store_model(int8_t *out, long out_stride, const int32_t *acc, int rows, int columns, int dim,
                        const spadix_output_stage *stage);
void spadix_scale_model(int8_t *out, const int8_t *in, long count, float scale);

// Bytes of a spadix_packed, which must be aligned to 64 bytes.
long spadix_packed_size(void);

// Copies count rows of bytes, both sides strided. Short rows are copied without a call.
void spadix_copy_rows(void *to, long to_stride, const void *from, long from_stride, long bytes, long count);

#endif
