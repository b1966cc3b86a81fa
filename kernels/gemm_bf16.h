#pragma once

#include "../array/array.h"
#include "bf16_panels.h"
#include "packed_product.h"

// For .cpp files only.
namespace attune::kernels {

using Bf16Side = PackedSide<Bf16Pair>;

// C = A B, or C += A B, with operands rounded to bfloat16 and sums in float32; a: m rows, b: n
// columns, c: row-major [m, n], dense; bias: n values to add to every row, or null. Subnormal
// numbers count as zero. Needs has_bf16_panels(). Works in parallel; no size may be 0.
void gemm_bf16(int64_t m, int64_t n, int64_t k, const Bf16Side& a, const Bf16Side& b,
               bool accumulate, float* c, const float* bias = nullptr);

// A whole side rounded and packed, for products to come. Works in parallel.
Array pack_operand(const PanelOperand& x, int64_t indices, int64_t depth);

}  // namespace attune::kernels
