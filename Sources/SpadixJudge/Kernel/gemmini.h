// The commands of Gemmini under the names of its own header, for kernels that spadix judge records.
//
// A command is not issued but written down, with the addresses that it has. Pointers to tensors are addresses of the
// accelerator's memory: a kernel passes them on and must not follow them.
#ifndef GEMMINI_H
#define GEMMINI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

// DIM, BANK_NUM, BANK_ROWS, ACC_ROWS of the target.
#include "gemmini_params.h"

typedef int8_t elem_t;
typedef int32_t acc_t;
typedef int64_t full_t;
typedef float scale_t;
typedef float acc_scale_t;

#define elem_t_max 127
#define elem_t_min (-128)

#define MAX_BYTES 64
#define ADDR_LEN 32
#define MAX_BLOCK_LEN (MAX_BYTES / DIM > 0 ? MAX_BYTES / DIM : 1)
#define MAX_BLOCK_LEN_ACC (MAX_BYTES / (DIM * 4) > 0 ? MAX_BYTES / (DIM * 4) : 1)

#define GARBAGE_ADDR ((uint32_t)(-1))
#define OUTPUT_STATIONARY 0
#define WEIGHT_STATIONARY 1
#define NO_ACTIVATION 0
#define RELU 1
#define LAYERNORM 2
#define IGELU 3
#define SOFTMAX 4
#define MVIN_SCALE_IDENTITY 1.0f
#define ACC_SCALE_IDENTITY 1.0f

#ifdef __cplusplus
extern "C"
#endif
void spadix_record(unsigned funct, uint64_t rs1, uint64_t rs2);

// A scale travels as the bits of its Float32.
static inline uint64_t spadix_bits(float scale) {
  uint32_t bits;
  memcpy(&bits, &scale, sizeof bits);
  return bits;
}

// The low `width` bits of a value at bit `low`.
static inline uint64_t spadix_field(uint64_t value, int low, int width) {
  return (value & ((UINT64_C(1) << width) - 1)) << low;
}

// A local address with the columns and rows of a tile.
static inline uint64_t spadix_tile(uint32_t row, uint64_t cols, uint64_t rows) {
  return (uint64_t)row | spadix_field(cols, 32, 16) | spadix_field(rows, 48, 16);
}

#define SPADIX_ADDRESS(pointer) ((uint64_t)(uintptr_t)(pointer))

// Moves.
#define gemmini_extended_mvin(dram_addr, spad_addr, cols, rows) \
  spadix_record(2, SPADIX_ADDRESS(dram_addr), spadix_tile(spad_addr, cols, rows))
#define gemmini_extended_mvin2(dram_addr, spad_addr, cols, rows) \
  spadix_record(1, SPADIX_ADDRESS(dram_addr), spadix_tile(spad_addr, cols, rows))
#define gemmini_extended_mvin3(dram_addr, spad_addr, cols, rows) \
  spadix_record(14, SPADIX_ADDRESS(dram_addr), spadix_tile(spad_addr, cols, rows))
#define gemmini_block_mvin(dram_addr, spad_addr, len) gemmini_extended_mvin(dram_addr, spad_addr, (len) * DIM, DIM)
#define gemmini_mvin(dram_addr, spad_addr) gemmini_extended_mvin(dram_addr, spad_addr, DIM, DIM)
#define gemmini_mvin2(dram_addr, spad_addr) gemmini_extended_mvin2(dram_addr, spad_addr, DIM, DIM)
#define gemmini_mvin3(dram_addr, spad_addr) gemmini_extended_mvin3(dram_addr, spad_addr, DIM, DIM)
#define gemmini_extended_mvout(dram_addr, spad_addr, cols, rows) \
  spadix_record(3, SPADIX_ADDRESS(dram_addr), spadix_tile(spad_addr, cols, rows))
#define gemmini_mvout(dram_addr, spad_addr) gemmini_extended_mvout(dram_addr, spad_addr, DIM, DIM)
// funct 23, where the target has it.
#define gemmini_extended_mvout_spad(dst_addr, dst_stride, src_addr, cols, rows) \
  spadix_record(23, (uint64_t)(uint32_t)(dst_addr) | spadix_field(dst_stride, 32, 32), spadix_tile(src_addr, cols, rows))
#define gemmini_mvout_spad(dst_addr, src_addr) gemmini_extended_mvout_spad(dst_addr, 1, src_addr, DIM, DIM)

// The array.
#define gemmini_extended_preload(BD, C, BD_cols, BD_rows, C_cols, C_rows) \
  spadix_record(6, spadix_tile(BD, BD_cols, BD_rows), spadix_tile(C, C_cols, C_rows))
#define gemmini_preload(BD, C) gemmini_extended_preload(BD, C, DIM, DIM, DIM, DIM)
#define gemmini_preload_zeros(C) gemmini_preload(GARBAGE_ADDR, C)
#define gemmini_extended_compute_preloaded(A, BD, A_cols, A_rows, BD_cols, BD_rows) \
  spadix_record(4, spadix_tile(A, A_cols, A_rows), spadix_tile(BD, BD_cols, BD_rows))
#define gemmini_extended_compute_accumulated(A, BD, A_cols, A_rows, BD_cols, BD_rows) \
  spadix_record(5, spadix_tile(A, A_cols, A_rows), spadix_tile(BD, BD_cols, BD_rows))
#define gemmini_compute_preloaded(A, BD) gemmini_extended_compute_preloaded(A, BD, DIM, DIM, DIM, DIM)
#define gemmini_compute_accumulated(A, BD) gemmini_extended_compute_accumulated(A, BD, DIM, DIM, DIM, DIM)

// Configuration.
#define gemmini_extended3_config_ex(dataflow, sys_act, sys_shift, sys_acc_scale, C_stride, A_stride, A_transpose, \
                                    B_transpose, set_only_strides) \
  spadix_record(0, \
    spadix_field(dataflow, 2, 1) | spadix_field(sys_act, 3, 2) | spadix_field(set_only_strides, 7, 1) \
      | spadix_field(A_transpose, 8, 1) | spadix_field(B_transpose, 9, 1) | spadix_field(A_stride, 16, 16) \
      | spadix_bits(sys_acc_scale) << 32, \
    spadix_field(sys_shift, 0, 32) | spadix_field(C_stride, 48, 16))
#define gemmini_extended2_config_ex(dataflow, sys_act, sys_shift, A_stride, A_transpose, B_transpose) \
  gemmini_extended3_config_ex(dataflow, sys_act, sys_shift, ACC_SCALE_IDENTITY, 1, A_stride, A_transpose, B_transpose, 0)
#define gemmini_extended_config_ex(dataflow, sys_act, sys_shift, A_stride, A_transpose, B_transpose) \
  gemmini_extended2_config_ex(dataflow, sys_act, sys_shift, A_stride, A_transpose, B_transpose)
#define gemmini_config_ex(dataflow, sys_act, sys_shift) gemmini_extended_config_ex(dataflow, sys_act, sys_shift, 1, 0, 0)

#define gemmini_extended5_config_ld(stride, scale, shrunk, block_mvin_stride, pixel_repeats, id) \
  spadix_record(0, \
    1 | spadix_field(shrunk, 2, 1) | spadix_field(id, 3, 2) | spadix_field(pixel_repeats, 8, 8) \
      | spadix_field(block_mvin_stride, 16, 16) | spadix_bits(scale) << 32, \
    (uint64_t)(stride))
#define gemmini_extended4_config_ld(stride, scale, shrunk, block_mvin_stride, id) \
  gemmini_extended5_config_ld(stride, scale, shrunk, block_mvin_stride, 1, id)
#define gemmini_extended3_config_ld(stride, scale, shrunk, id) gemmini_extended4_config_ld(stride, scale, shrunk, DIM, id)
#define gemmini_extended2_config_ld(stride, scale, shrunk) gemmini_extended3_config_ld(stride, scale, shrunk, 0)
#define gemmini_extended_config_ld(stride, scale) gemmini_extended2_config_ld(stride, scale, 0)
#define gemmini_config_ld(stride) gemmini_extended_config_ld(stride, MVIN_SCALE_IDENTITY)

#define gemmini_extended2_config_st(stride, acc_act, acc_scale, pool_stride, pool_size, pool_out_dim, porows, pocols, \
                                    orows, ocols, upad, lpad) \
  spadix_record(0, \
    2 | spadix_field(acc_act, 2, 2) | spadix_field(pool_stride, 4, 2) | spadix_field(pool_size, 6, 2) \
      | spadix_field(upad, 8, 2) | spadix_field(lpad, 10, 2) | spadix_field(pool_out_dim, 24, 8) \
      | spadix_field(porows, 32, 8) | spadix_field(pocols, 40, 8) | spadix_field(orows, 48, 8) \
      | spadix_field(ocols, 56, 8), \
    spadix_field(stride, 0, 32) | spadix_bits(acc_scale) << 32)
#define gemmini_extended_config_st(stride, acc_act, acc_scale) \
  gemmini_extended2_config_st(stride, acc_act, acc_scale, 0, 0, 0, 0, 0, 0, 0, 0, 0)
#define gemmini_config_st(stride) gemmini_extended_config_st(stride, NO_ACTIVATION, ACC_SCALE_IDENTITY)

#define gemmini_config_norm(q_const, q_const_type, set_stats_id_only, act_msb, stat_id, igelu_qb, igelu_qc) \
  spadix_record(0, \
    3 | spadix_field(stat_id, 8, 8) | spadix_field(act_msb, 16, 1) | spadix_field(set_stats_id_only, 17, 1) \
      | spadix_field(q_const_type, 18, 1) | spadix_field(q_const, 32, 32), \
    spadix_field(igelu_qb, 0, 32) | spadix_field(igelu_qc, 32, 32))

#define gemmini_flush(skip) spadix_record(7, spadix_field(skip, 0, 1), 0)
#define gemmini_fence() spadix_record(127, 0, 0)

// Hardware loops.
#define gemmini_loop_ws(I, J, K, pad_I, pad_J, pad_K, A, B, D, C, A_stride, B_stride, D_stride, C_stride, A_transpose, \
                        B_transpose, full_C, low_D, ex_accumulate, act, a_spad_id, b_spad_id, is_resadd) \
  do { \
    spadix_record(9, spadix_field(pad_I, 0, 16) | spadix_field(pad_J, 16, 16) | spadix_field(pad_K, 32, 16), \
                  spadix_field(I, 0, 16) | spadix_field(J, 16, 16) | spadix_field(K, 32, 16)); \
    spadix_record(10, SPADIX_ADDRESS(A), SPADIX_ADDRESS(B)); \
    spadix_record(11, SPADIX_ADDRESS(D), SPADIX_ADDRESS(C)); \
    spadix_record(12, (uint64_t)(A_stride), (uint64_t)(B_stride)); \
    spadix_record(13, (uint64_t)(D_stride), (uint64_t)(C_stride)); \
    spadix_record(8, \
      spadix_field(ex_accumulate, 0, 1) | spadix_field(full_C, 1, 1) | spadix_field(low_D, 2, 1) \
        | spadix_field(act, 8, 3) | spadix_field(b_spad_id, 16, 2) | spadix_field(a_spad_id, 18, 2), \
      spadix_field(A_transpose, 0, 1) | spadix_field(B_transpose, 1, 1) | spadix_field(is_resadd, 2, 1)); \
  } while (0)

#define gemmini_loop_conv_ws( \
    batch_size, in_row_dim, in_col_dim, in_channels, out_channels, out_row_dim, out_col_dim, pool_out_row_dim, \
    pool_out_col_dim, stride, padding, kernel_dim, kernel_dilation, pool_size, pool_stride, pool_padding, batches, \
    porows, pocols, pochs, krows, kcols, kchs, lpad, rpad, upad, dpad, plpad, prpad, pupad, pdpad, orows, ocols, \
    weights, output, bias, input, no_bias, no_pool, downsample, wrot180, input_dilated, activation, \
    trans_output_1203, trans_weight_1203, trans_weight_0132, trans_input_3120, max_pixels_per_row, in_stride, \
    weight_stride, out_stride, dw, a_spad_id, b_spad_id) \
  do { \
    spadix_record(16, \
      spadix_field(batch_size, 0, 16) | spadix_field(in_row_dim, 16, 16) | spadix_field(in_channels, 32, 16) \
        | spadix_field(out_channels, 48, 16), \
      spadix_field(out_row_dim, 0, 16) | spadix_field(pool_out_row_dim, 16, 16) | spadix_field(out_col_dim, 32, 16) \
        | spadix_field(stride, 48, 8) | spadix_field(padding, 56, 8)); \
    spadix_record(17, \
      spadix_field(pool_padding, 0, 8) | spadix_field(pool_stride, 8, 8) | spadix_field(pool_size, 16, 16) \
        | spadix_field(pool_out_col_dim, 32, 16) | spadix_field(kernel_dim, 48, 16), \
      spadix_field(pochs, 0, 16) | spadix_field(pocols, 16, 16) | spadix_field(porows, 32, 16) \
        | spadix_field(batches, 48, 16)); \
    spadix_record(18, \
      spadix_field(lpad, 0, 16) | spadix_field(kchs, 16, 16) | spadix_field(kcols, 32, 16) \
        | spadix_field(krows, 48, 16), \
      spadix_field(in_col_dim, 0, 16) | spadix_field(plpad, 16, 8) | spadix_field(dpad, 24, 8) \
        | spadix_field(upad, 32, 16) | spadix_field(rpad, 48, 16)); \
    spadix_record(19, \
      spadix_field(kernel_dilation, 0, 10) | spadix_field(pdpad, 10, 11) | spadix_field(pupad, 21, 11) \
        | spadix_field(prpad, 32, 16) | spadix_field(orows, 48, 16), \
      spadix_field(ocols, 0, 16) | spadix_field(out_stride, 16, 16) | spadix_field(weight_stride, 32, 16) \
        | spadix_field(in_stride, 48, 16)); \
    spadix_record(20, SPADIX_ADDRESS(weights), SPADIX_ADDRESS(output)); \
    spadix_record(21, SPADIX_ADDRESS(bias), SPADIX_ADDRESS(input)); \
    spadix_record(15, \
      spadix_field(no_bias, 0, 1) | spadix_field(wrot180, 1, 1) | spadix_field(trans_output_1203, 2, 1) \
        | spadix_field(trans_weight_1203, 3, 1) | spadix_field(trans_weight_0132, 4, 1) \
        | spadix_field(trans_input_3120, 5, 1) | spadix_field(dw, 6, 1) | spadix_field(max_pixels_per_row, 8, 8) \
        | spadix_field(b_spad_id, 16, 2) | spadix_field(a_spad_id, 18, 2), \
      spadix_field(no_pool, 0, 1) | spadix_field(downsample, 1, 1) | spadix_field(input_dilated, 2, 1) \
        | spadix_field(activation, 3, 2)); \
  } while (0)

// Extensions of the spadix target.
#define gemmini_config_output(zero_point, low, high) \
  spadix_record(32, spadix_field(zero_point, 0, 8) | spadix_field(low, 8, 8) | spadix_field(high, 16, 8), 0)
#define gemmini_config_output_scales(dram_addr, count) \
  spadix_record(33, SPADIX_ADDRESS(dram_addr), spadix_field(count, 0, 16))

#endif
