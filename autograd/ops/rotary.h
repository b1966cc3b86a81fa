#pragma once

#include <vector>

#include "../../kernels/rotary.h"
#include "../tensor.h"

namespace attune {

using kernels::RotaryPairs;

// The angles by which rotary positions turn queries and keys, made once a step for all layers.
struct RotaryAngles {
  Array cos, sin;  // [T, R/2], or [B, T, R/2] where every sequence has positions of its own
};

// base^(-2j/R) for j < R/2: how far pair j turns from one position to the next. ValueError unless R
// is positive and even and base positive. Su et al. 2021.
std::vector<double> rotary_frequencies(int64_t dim, double base = 10000);

// position times frequency, and its cosine and sine. positions: int64 [T] or [B, T] (DTypeError,
// ShapeError); dtype float32 or float64. The product is rounded to float32 whatever the dtype,
// because published checkpoints were trained with angles rounded so.
RotaryAngles rotary_angles(const Tensor& positions, const std::vector<double>& frequencies,
                           DType dtype = float32);

// x with each pair of elements turned by its angle, so that the product of a query and a key
// depends on the distance of their positions. x: [..., T, D], with B the first dimension if the
// angles have one; elements from R <= D on stay as they are. ShapeError unless they fit and cosines
// and sines are alike, DTypeError unless x has the angles' dtype, ValueError for angles that are
// undefined. Su et al. 2021.
Tensor rotary_embedding(const Tensor& x, const RotaryAngles& angles,
                        RotaryPairs pairs = RotaryPairs::halves);

}  // namespace attune
