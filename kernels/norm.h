#pragma once

#include "../array/array.h"

namespace attune::kernels {

// Normalisation of each row along the last dimension; float32 or float64, all arrays alike
// (DTypeError). weight and bias: [width], or undefined.

struct NormResult {
  Array y;
  Array moments;  // [rows, 3]: mean, its correction, 1 / deviation; for the backward
};

struct NormGradients {
  Array x, weight, bias;  // undefined where not asked for
};

// (x - mean) / sqrt(variance + eps) weight + bias, in two passes. Ba et al. 2016.
NormResult layer_norm(const Array& x, const Array& weight, const Array& bias, double eps);
// x / sqrt(mean(x²) + eps) weight. Zhang and Sennrich 2019.
NormResult rms_norm(const Array& x, const Array& weight, double eps);

struct NormNeeds {
  bool x, weight, bias;
};

NormGradients layer_norm_backward(const Array& g, const Array& x, const Array& weight,
                                  const Array& moments, NormNeeds needs);
NormGradients rms_norm_backward(const Array& g, const Array& x, const Array& weight,
                                const Array& moments, NormNeeds needs);

}  // namespace attune::kernels
