#pragma once

#include <optional>

#include "../tensor.h"

namespace attune {

// Functions of each element. Floating dtypes keep theirs; bool and int64 give float32, except for
// abs, sign, square and the roundings of int64, which stay int64. Outside its domain a function is
// NaN or Inf as in IEEE 754. abs refuses bool (DTypeError), whose sign is itself.

// e to the power of x, and the same less 1, accurate near 0.
Tensor exp(const Tensor& x);
Tensor expm1(const Tensor& x);
// The logarithms to base e, 2 and 10, and log(1 + x), accurate near 0.
Tensor log(const Tensor& x);
Tensor log2(const Tensor& x);
Tensor log10(const Tensor& x);
Tensor log1p(const Tensor& x);
// √x, 1/√x, x² and 1/x.
Tensor sqrt(const Tensor& x);
Tensor rsqrt(const Tensor& x);
Tensor square(const Tensor& x);
Tensor reciprocal(const Tensor& x);
// x in radians.
Tensor sin(const Tensor& x);
Tensor cos(const Tensor& x);
// The error function: 2/√π times the integral of exp(-t²) from 0 to x.
Tensor erf(const Tensor& x);
// |x|, with gradient 0 at 0.
Tensor abs(const Tensor& x);
// -1, 0 or 1, and 0 for NaN; gradient 0.
Tensor sign(const Tensor& x);

// The whole number below, above, nearest (a half goes to the even one), or towards 0. Gradient 0.
Tensor floor(const Tensor& x);
Tensor ceil(const Tensor& x);
Tensor round(const Tensor& x);
Tensor trunc(const Tensor& x);

// x with numbers in the place of NaN and the infinities, for which the largest of the dtype stand
// unless told otherwise. Gradient 0 there.
Tensor nan_to_num(const Tensor& x, double nan = 0, std::optional<double> posinf = {},
                  std::optional<double> neginf = {});

}  // namespace attune
