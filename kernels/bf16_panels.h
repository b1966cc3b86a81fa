#pragma once

#include <cstdint>

// For kernels/gemm_bf16.cpp: the two inner parts of a bfloat16 product, in AVX512-BF16. On other
// processors there is no instruction that makes rounding worth while, and these are never called.
namespace attune::kernels {

// Whether this processor has AVX512-BF16, and Highway may use AVX-512.
bool has_bf16_panels();

// Two bfloat16 of consecutive depth, the lower one in the low half: what one lane multiplies at
// once.
using Bf16Pair = uint32_t;

// Rows or columns that lie side by side in a panel: the lanes of a vector. A panel of depth d is
// Bf16Pair[(d + 1) / 2][16]; an odd last depth is paired with zero.
inline constexpr int64_t panel_width = 16;

// One side of a product: `index` counts rows of the left operand, columns of the right one; `depth`
// is what the product sums over.
struct Bf16Operand {
  const float* data;
  int64_t stride;    // between what is not dense
  bool dense_depth;  // whether neighbours in memory differ in depth, or else in index

  const float* at(int64_t index, int64_t depth) const {
    return data + (dense_depth ? index * stride + depth : depth * stride + index);
  }
};

// Rounds `count` indices from `first`, at `depth` depths from `from`, into panels. Round to nearest
// even; subnormal numbers become zero. Lanes beyond the count hold zero.
void pack_panels(const Bf16Operand& x, int64_t first, int64_t count, int64_t from, int64_t depth,
                 Bf16Pair* panels);

// Where a product goes: row-major, on top of what is there if `add`, with a bias for every column
// unless that is null.
struct Bf16Result {
  float* data;
  int64_t stride, rows, columns;
  bool add;
  const float* bias;
};

// Panels of one side that follow each other at a distance, which is that of a panel or, where they
// are part of deeper ones, more.
struct Bf16Panels {
  const Bf16Pair* data;
  int64_t distance;  // in pairs

  const Bf16Pair* panel_of(int64_t index) const { return data + index / panel_width * distance; }
};

// The product of packed rows with packed columns, over so many pairs of depth.
void multiply_panels(int64_t pairs, const Bf16Panels& rows, const Bf16Panels& columns,
                     const Bf16Result& result);

}  // namespace attune::kernels
