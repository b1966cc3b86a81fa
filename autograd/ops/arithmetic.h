#pragma once

#include <optional>

#include "../tensor.h"

namespace attune {

// Element by element, with NumPy's broadcasting (ShapeError) and PyTorch's promotion; a C++ scalar
// keeps the dtype of a floating tensor. int64 stays int64, but division gives float32.

// a + b; of bool, "or".
Tensor add(const Tensor& a, const Tensor& b);
Tensor add(const Tensor& a, double b);
// a - b. DTypeError for two bools.
Tensor sub(const Tensor& a, const Tensor& b);
Tensor sub(const Tensor& a, double b);
Tensor sub(double a, const Tensor& b);
// a b, element by element; of bool, "and". The product of matrices is matmul (linalg.h).
Tensor mul(const Tensor& a, const Tensor& b);
Tensor mul(const Tensor& a, double b);
// a / b; x / 0 is Inf or NaN, as in IEEE 754.
Tensor div(const Tensor& a, const Tensor& b);
Tensor div(const Tensor& a, double b);
Tensor div(double a, const Tensor& b);
// -x. DTypeError for bool.
Tensor neg(const Tensor& x);

// base to the power of exponent; 0^0 is 1, a negative base to a fraction NaN. ValueError for int64
// to a negative power. The gradient of 0^e with respect to e >= 0 is 0.
Tensor pow(const Tensor& base, const Tensor& exponent);
Tensor pow(const Tensor& base, double exponent);
Tensor pow(double base, const Tensor& exponent);

// The smaller or larger of two; NaN if either is. Ties share the gradient equally.
Tensor minimum(const Tensor& a, const Tensor& b);
Tensor maximum(const Tensor& a, const Tensor& b);
// x limited to [low, high], of which one may be missing (ValueError if both). Gradient 0 at the
// bounds.
Tensor clamp(const Tensor& x, std::optional<double> low, std::optional<double> high = {});

// start + weight (end - start), exact at weights 0 and 1.
Tensor lerp(const Tensor& start, const Tensor& end, const Tensor& weight);
Tensor lerp(const Tensor& start, const Tensor& end, double weight);

// The operators are the functions of the same meaning: a + b is add(a, b).
inline Tensor operator+(const Tensor& a, const Tensor& b) { return add(a, b); }
inline Tensor operator+(const Tensor& a, double b) { return add(a, b); }
inline Tensor operator+(double a, const Tensor& b) { return add(b, a); }
inline Tensor operator-(const Tensor& a, const Tensor& b) { return sub(a, b); }
inline Tensor operator-(const Tensor& a, double b) { return sub(a, b); }
inline Tensor operator-(double a, const Tensor& b) { return sub(a, b); }
inline Tensor operator*(const Tensor& a, const Tensor& b) { return mul(a, b); }
inline Tensor operator*(const Tensor& a, double b) { return mul(a, b); }
inline Tensor operator*(double a, const Tensor& b) { return mul(b, a); }
inline Tensor operator/(const Tensor& a, const Tensor& b) { return div(a, b); }
inline Tensor operator/(const Tensor& a, double b) { return div(a, b); }
inline Tensor operator/(double a, const Tensor& b) { return div(a, b); }
inline Tensor operator-(const Tensor& x) { return neg(x); }

}  // namespace attune
