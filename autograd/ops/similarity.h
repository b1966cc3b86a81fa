#pragma once

#include "../tensor.h"

namespace attune {

// Lengths and angles of the vectors along one dimension, which counts from the end if negative
// (IndexError if it does not exist). float32 and float64 (DTypeError); operands broadcast.

// x divided by its p-norm along dim, or by eps where that is larger.
Tensor normalize(const Tensor& x, double p = 2, int64_t dim = 1, double eps = 1e-12);
// The cosine of the angle between a and b along dim, which vanishes; norms below eps count as eps.
Tensor cosine_similarity(const Tensor& a, const Tensor& b, int64_t dim = 1, double eps = 1e-8);
// The p-norm of a - b + eps along the last dimension.
Tensor pairwise_distance(const Tensor& a, const Tensor& b, double p = 2, double eps = 1e-6,
                         bool keepdim = false);

}  // namespace attune
