#pragma once

#include <cstdint>

namespace attune::kernels {

// The sum of n neighbouring elements, in double: blocks of SIMD lanes, added pairwise.
double sum_row(const float* x, int64_t n);
double sum_row(const double* x, int64_t n);

// The sum of their squares, likewise.
double sum_row_squares(const float* x, int64_t n);
double sum_row_squares(const double* x, int64_t n);

// into[i] += the sum over n rows, `stride` apart, of x[i], for i < width.
void sum_columns(const float* x, int64_t n, int64_t stride, int64_t width, double* into);
void sum_columns(const double* x, int64_t n, int64_t stride, int64_t width, double* into);

}  // namespace attune::kernels
