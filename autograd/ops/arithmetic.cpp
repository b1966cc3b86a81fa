#include "arithmetic.h"

#include <cmath>
#include <limits>

#include "../../array/fail.h"
#include "../../array/scope.h"
#include "../../kernels/copy.h"
#include "../../kernels/elementwise.h"
#include "../record.h"
#include "compare.h"
#include "pointwise.h"

namespace attune {

using kernels::Binary;
using kernels::Compare;
using kernels::Unary;

Tensor add(const Tensor& a, const Tensor& b) {
  const OperationScope scope("add");
  return record("add", kernels::binary(Binary::add, a.array(), b.array()),
                wrt(a, [](const Tensor& g) { return g; }),
                wrt(b, [](const Tensor& g) { return g; }));
}
Tensor add(const Tensor& a, double b) {
  const OperationScope scope("add");
  return record("add", kernels::binary(Binary::add, a.array(), b),
                wrt(a, [](const Tensor& g) { return g; }));
}

Tensor sub(const Tensor& a, const Tensor& b) {
  const OperationScope scope("sub");
  return record("sub", kernels::binary(Binary::sub, a.array(), b.array()),
                wrt(a, [](const Tensor& g) { return g; }),
                wrt(b, [](const Tensor& g) { return -g; }));
}
Tensor sub(const Tensor& a, double b) {
  const OperationScope scope("sub");
  return record("sub", kernels::binary(Binary::sub, a.array(), b),
                wrt(a, [](const Tensor& g) { return g; }));
}
Tensor sub(double a, const Tensor& b) {
  const OperationScope scope("sub");
  return record("sub", kernels::binary(Binary::sub, a, b.array()),
                wrt(b, [](const Tensor& g) { return -g; }));
}

Tensor mul(const Tensor& a, const Tensor& b) {
  const OperationScope scope("mul");
  return record("mul", kernels::binary(Binary::mul, a.array(), b.array()),
                wrt(a, [b](const Tensor& g) { return g * b; }),
                wrt(b, [a](const Tensor& g) { return g * a; }));
}
Tensor mul(const Tensor& a, double b) {
  const OperationScope scope("mul");
  return record("mul", kernels::binary(Binary::mul, a.array(), b),
                wrt(a, [b](const Tensor& g) { return g * b; }));
}

Tensor div(const Tensor& a, const Tensor& b) {
  const OperationScope scope("div");
  return record("div", kernels::binary(Binary::div, a.array(), b.array()),
                wrt(a, [b](const Tensor& g) { return g / b; }),
                wrt(b, [b](const Tensor& g, const Tensor& y) { return -g * (y / b); }));
}
Tensor div(const Tensor& a, double b) {
  const OperationScope scope("div");
  return record("div", kernels::binary(Binary::div, a.array(), b),
                wrt(a, [b](const Tensor& g) { return g / b; }));
}
Tensor div(double a, const Tensor& b) {
  const OperationScope scope("div");
  return record("div", kernels::binary(Binary::div, a, b.array()),
                wrt(b, [b](const Tensor& g, const Tensor& y) { return -g * (y / b); }));
}

Tensor neg(const Tensor& x) {
  const OperationScope scope("neg");
  return record("neg", kernels::unary(Unary::neg, x.array()),
                wrt(x, [](const Tensor& g) { return -g; }));
}

namespace {

Array power(const Array& base, double exponent) {
  if (exponent == 2) return kernels::unary(Unary::square, base);
  if (is_floating(base.dtype())) {
    if (exponent == 0.5) return kernels::unary(Unary::sqrt, base);
    if (exponent == -0.5) return kernels::unary(Unary::rsqrt, base);
    if (exponent == -1) return kernels::unary(Unary::reciprocal, base);
    if (exponent == 3)
      return kernels::binary(Binary::mul, kernels::unary(Unary::square, base), base);
  }
  return kernels::binary(Binary::pow, base, exponent);
}

// Whether the reciprocal overflows.
Tensor is_tiny_or_nan(const Tensor& x) {
  const double least = x.dtype() == float64 ? std::numeric_limits<double>::min()
                                            : double{std::numeric_limits<float>::min()};
  return logical_not(ge(abs(x), least));
}

// The gradient of maximum (or, operands swapped, of minimum) with respect to a.
Tensor winner_gradient(const Tensor& g, const Tensor& loses, const Tensor& ties) {
  return masked_fill(where(ties, g * 0.5, g), loses, 0);
}

}  // namespace

Tensor pow(const Tensor& base, double exponent) {
  const OperationScope scope("pow");
  return record("pow", power(base.array(), exponent), wrt(base, [=](const Tensor& g) {
                  // 0 · 0^-1 would be NaN.
                  if (exponent == 0) return Tensor(kernels::zeros(g.shape(), g.dtype()));
                  if (exponent == 1) return g;
                  return g * (pow(base, exponent - 1) * exponent);
                }));
}

Tensor pow(const Tensor& base, const Tensor& exponent) {
  const OperationScope scope("pow");
  return record("pow", kernels::binary(Binary::pow, base.array(), exponent.array()),
                wrt(base,
                    [=](const Tensor& g) {
                      const Tensor constant = eq(exponent, 0);
                      if (!grad_enabled())
                        return masked_fill(g * (exponent * pow(base, exponent - 1)), constant, 0);
                      // Of a mask behind the product, later derivatives would be 0; and 0 · 0^-1
                      // would be NaN.
                      const Tensor flat = logical_and(constant, is_tiny_or_nan(base));
                      return g * (exponent * pow(masked_fill(base, flat, 1), exponent - 1));
                    }),
                wrt(exponent, [=](const Tensor& g, const Tensor& y) {
                  // 0^e is flat for e >= 0, though log 0 is -Inf, which no later gradient may meet
                  // either.
                  const Tensor flat = logical_and(eq(base, 0), ge(exponent, 0));
                  return masked_fill(g * (y * log(masked_fill(base, flat, 1))), flat, 0);
                }));
}

Tensor pow(double base, const Tensor& exponent) {
  const OperationScope scope("pow");
  return record("pow", kernels::binary(Binary::pow, base, exponent.array()),
                wrt(exponent, [=](const Tensor& g, const Tensor& y) {
                  if (base != 0) return g * (y * std::log(base));
                  const Tensor slope(kernels::full({}, exponent.dtype(), std::log(base)));
                  return g * (y * where(ge(exponent, 0), 0, slope));
                }));
}

Tensor minimum(const Tensor& a, const Tensor& b) {
  const OperationScope scope("minimum");
  return record("minimum", kernels::binary(Binary::minimum, a.array(), b.array()),
                wrt(a, [=](const Tensor& g) { return winner_gradient(g, gt(a, b), eq(a, b)); }),
                wrt(b, [=](const Tensor& g) { return winner_gradient(g, lt(a, b), eq(a, b)); }));
}

Tensor maximum(const Tensor& a, const Tensor& b) {
  const OperationScope scope("maximum");
  return record("maximum", kernels::binary(Binary::maximum, a.array(), b.array()),
                wrt(a, [=](const Tensor& g) { return winner_gradient(g, lt(a, b), eq(a, b)); }),
                wrt(b, [=](const Tensor& g) { return winner_gradient(g, gt(a, b), eq(a, b)); }));
}

Tensor clamp(const Tensor& x, std::optional<double> low, std::optional<double> high) {
  const OperationScope scope("clamp");
  if (!low && !high) fail<ValueError>("clamp", "neither a lower nor an upper bound was given");
  Array out = x.array();
  if (low) out = kernels::binary(Binary::maximum, out, *low);
  if (high) out = kernels::binary(Binary::minimum, out, *high);
  return record("clamp", out, wrt(x, [=](const Tensor& g) {
                  Tensor kept = g;
                  if (low) kept = where(gt(x, *low), kept, 0);
                  if (high) kept = where(lt(x, *high), kept, 0);
                  return kept;
                }));
}

namespace {

// From the nearer end, so that both are met exactly.
Array interpolate(const Array& start, const Array& end, const Array& weight) {
  const Array difference = kernels::binary(Binary::sub, end, start);
  const auto step = [&](const Array& share) {
    return kernels::binary(Binary::mul, difference, share);
  };
  const Array near = kernels::compare(Compare::lt, kernels::unary(Unary::abs, weight), 0.5);
  return kernels::where(
      near, kernels::binary(Binary::add, start, step(weight)),
      kernels::binary(Binary::sub, end, step(kernels::binary(Binary::sub, 1.0, weight))));
}

}  // namespace

namespace {

Tensor lerp_by(const Tensor& start, const Tensor& end, const Tensor& weight) {
  // Of bfloat16, only the result is rounded.
  const bool narrow = start.dtype() == bfloat16 && end.dtype() == bfloat16 &&
                      (weight.dtype() == bfloat16 || weight.dim() == 0);
  const auto operand = [&](const Tensor& x) {
    return narrow ? kernels::convert(x.array(), float32) : x.array();
  };
  const Array y = interpolate(operand(start), operand(end), operand(weight));
  return record("lerp", narrow ? kernels::convert(y, bfloat16) : y,
                wrt(start, [=](const Tensor& g) { return g * (1 - weight); }),
                wrt(end, [=](const Tensor& g) { return g * weight; }),
                wrt(weight, [=](const Tensor& g) { return g * (end - start); }));
}

}  // namespace

Tensor lerp(const Tensor& start, const Tensor& end, const Tensor& weight) {
  const OperationScope scope("lerp");
  return lerp_by(start, end, weight);
}
Tensor lerp(const Tensor& start, const Tensor& end, double weight) {
  const OperationScope scope("lerp");
  const DType dtype = promote(float32, promote(start.dtype(), end.dtype()));
  return lerp_by(start, end, Tensor(kernels::full({}, dtype, weight)));
}

}  // namespace attune
