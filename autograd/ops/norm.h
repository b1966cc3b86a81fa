#pragma once

#include <optional>

#include "../tensor.h"

namespace attune {

// Each slice over the last dimensions, which must be normalized_shape (ShapeError), with mean 0 and
// variance 1, times weight, plus bias; both have normalized_shape or are undefined. float32 or
// float64, all alike (DTypeError). Ba et al. 2016.
Tensor layer_norm(const Tensor& x, const Shape& normalized_shape, const Tensor& weight = {},
                  const Tensor& bias = {}, double eps = 1e-5);

// Each slice divided by the root of its mean square, times weight. eps defaults to the dtype's
// machine epsilon, as in PyTorch. Zhang and Sennrich 2019.
Tensor rms_norm(const Tensor& x, const Shape& normalized_shape, const Tensor& weight = {},
                std::optional<double> eps = {});

}  // namespace attune
