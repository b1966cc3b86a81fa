#pragma once

#include "panels.h"

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

// Rounds `count` indices from `first`, at `depth` depths from `from`, into panels. Round to nearest
// even; subnormal numbers become zero. Lanes beyond the count hold zero.
void pack_panels(const PanelOperand& x, int64_t first, int64_t count, int64_t from, int64_t depth,
                 Bf16Pair* panels);

// The product of packed rows with packed columns, over so many pairs of depth. Meanwhile asks for
// what is upcoming, as packing waits for memory longer than it works.
void multiply_panels(int64_t pairs, const Panels<Bf16Pair>& rows, const Panels<Bf16Pair>& columns,
                     const PanelResult& result, const Upcoming& upcoming);

}  // namespace attune::kernels
