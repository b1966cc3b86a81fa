#pragma once

#include <cstdint>

// For .cpp files only.
namespace attune::kernels {

// y[j * y_stride + i] = x[i * x_stride + j] for i < rows and j < columns, on the calling thread.
void transpose(const float* x, int64_t x_stride, int64_t rows, int64_t columns, float* y,
               int64_t y_stride);
void transpose(const double* x, int64_t x_stride, int64_t rows, int64_t columns, double* y,
               int64_t y_stride);

}  // namespace attune::kernels
