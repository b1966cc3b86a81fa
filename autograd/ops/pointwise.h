#pragma once

#include "../tensor.h"

namespace attune {

// Functions of each element. Floating dtypes keep theirs; bool and int64 give float32, except for
// abs, sign, square and floor of int64, which stay int64. Outside its domain a function is NaN or
// Inf as in IEEE 754.

Tensor exp(const Tensor& x);
Tensor expm1(const Tensor& x);  // exp(x) - 1, accurate near 0
Tensor log(const Tensor& x);
Tensor log1p(const Tensor& x);  // log(1 + x), accurate near 0
Tensor sqrt(const Tensor& x);
Tensor rsqrt(const Tensor& x);  // 1 / sqrt(x)
Tensor square(const Tensor& x);
Tensor reciprocal(const Tensor& x);
Tensor sin(const Tensor& x);
Tensor cos(const Tensor& x);
Tensor erf(const Tensor& x);
Tensor abs(const Tensor& x);    // gradient 0 at 0
Tensor sign(const Tensor& x);   // -1, 0 or 1; gradient 0
Tensor floor(const Tensor& x);  // gradient 0

}  // namespace attune
