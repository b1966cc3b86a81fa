#pragma once

#include "bf16_panels.h"

// For kernels/gemm.cpp.
namespace attune::kernels {

// C = A B, or C += A B, with operands rounded to bfloat16 and sums in float32; a: m rows, b: n
// columns, c: row-major [m, n], dense. Subnormal numbers count as zero. Needs has_bf16_panels().
// Works in parallel; no size may be 0.
void gemm_bf16(int64_t m, int64_t n, int64_t k, const Bf16Operand& a, const Bf16Operand& b,
               bool accumulate, float* c);

}  // namespace attune::kernels
