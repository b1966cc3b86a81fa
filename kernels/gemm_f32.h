#pragma once

#include "panels.h"

// For kernels/gemm.cpp.
namespace attune::kernels {

// Whether this product is faster here than by sgemm, on the processor and instruction set in use.
bool gemm_f32_pays(int64_t m, int64_t n, int64_t k);

// Elements of memory that it works in.
int64_t gemm_f32_scratch(int64_t m, int64_t n, int64_t k);

// C = A B, or C += A B, in float32; a: m rows, b: n columns, c: row-major [m, n], dense; bias: n
// values to add to every row, or null. Only where gemm_f32_pays(). Works in parallel. An element of
// C depends on its row of A and its column of B alone, whatever stands beside them.
void gemm_f32(int64_t m, int64_t n, int64_t k, const PanelOperand& a, const PanelOperand& b,
              bool accumulate, float* c, const float* bias = nullptr);

}  // namespace attune::kernels
