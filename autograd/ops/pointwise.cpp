#include "pointwise.h"

#include <cmath>
#include <limits>

#include "../../array/scope.h"
#include "../../kernels/copy.h"
#include "../../kernels/elementwise.h"
#include "../record.h"
#include "arithmetic.h"
#include "compare.h"

namespace attune {

using detail::no_slope;
using kernels::unary;
using kernels::Unary;

Tensor exp(const Tensor& x) {
  const OperationScope scope("exp");
  return record("exp", unary(Unary::exp, x.array()),
                wrt(x, [](const Tensor& g, const Tensor& y) { return g * y; }));
}
Tensor expm1(const Tensor& x) {
  const OperationScope scope("expm1");
  return record("expm1", unary(Unary::expm1, x.array()),
                wrt(x, [](const Tensor& g, const Tensor& y) { return g * (y + 1); }));
}
Tensor log(const Tensor& x) {
  const OperationScope scope("log");
  return record("log", unary(Unary::log, x.array()),
                wrt(x, [x](const Tensor& g) { return g / x; }));
}
Tensor log2(const Tensor& x) {
  const OperationScope scope("log2");
  return record("log2", unary(Unary::log2, x.array()),
                wrt(x, [x](const Tensor& g) { return g / (x * std::log(2.0)); }));
}
Tensor log10(const Tensor& x) {
  const OperationScope scope("log10");
  return record("log10", unary(Unary::log10, x.array()),
                wrt(x, [x](const Tensor& g) { return g / (x * std::log(10.0)); }));
}
Tensor log1p(const Tensor& x) {
  const OperationScope scope("log1p");
  return record("log1p", unary(Unary::log1p, x.array()),
                wrt(x, [x](const Tensor& g) { return g / (x + 1); }));
}
Tensor sqrt(const Tensor& x) {
  const OperationScope scope("sqrt");
  return record("sqrt", unary(Unary::sqrt, x.array()),
                wrt(x, [](const Tensor& g, const Tensor& y) { return g / (y * 2); }));
}
Tensor rsqrt(const Tensor& x) {
  const OperationScope scope("rsqrt");
  return record(
      "rsqrt", unary(Unary::rsqrt, x.array()),
      wrt(x, [](const Tensor& g, const Tensor& y) { return g * ((y * -0.5) * square(y)); }));
}
Tensor square(const Tensor& x) {
  const OperationScope scope("square");
  return record("square", unary(Unary::square, x.array()),
                wrt(x, [x](const Tensor& g) { return g * (x * 2); }));
}
Tensor reciprocal(const Tensor& x) {
  const OperationScope scope("reciprocal");
  return record("reciprocal", unary(Unary::reciprocal, x.array()),
                wrt(x, [](const Tensor& g, const Tensor& y) { return -g * square(y); }));
}
Tensor sin(const Tensor& x) {
  const OperationScope scope("sin");
  return record("sin", unary(Unary::sin, x.array()),
                wrt(x, [x](const Tensor& g) { return g * cos(x); }));
}
Tensor cos(const Tensor& x) {
  const OperationScope scope("cos");
  return record("cos", unary(Unary::cos, x.array()),
                wrt(x, [x](const Tensor& g) { return -g * sin(x); }));
}
Tensor erf(const Tensor& x) {
  const OperationScope scope("erf");
  constexpr double two_over_sqrt_pi = 1.12837916709551257390;
  return record("erf", unary(Unary::erf, x.array()),
                wrt(x, [x](const Tensor& g) { return g * (exp(-square(x)) * two_over_sqrt_pi); }));
}
Tensor abs(const Tensor& x) {
  const OperationScope scope("abs");
  return record("abs", unary(Unary::abs, x.array()),
                wrt(x, [x](const Tensor& g) { return g * sign(x); }));
}
Tensor sign(const Tensor& x) {
  const OperationScope scope("sign");
  return record("sign", unary(Unary::sign, x.array()), wrt(x, no_slope));
}
Tensor floor(const Tensor& x) {
  const OperationScope scope("floor");
  return record("floor", unary(Unary::floor, x.array()), wrt(x, no_slope));
}
Tensor ceil(const Tensor& x) {
  const OperationScope scope("ceil");
  return record("ceil", unary(Unary::ceil, x.array()), wrt(x, no_slope));
}
Tensor round(const Tensor& x) {
  const OperationScope scope("round");
  return record("round", unary(Unary::round, x.array()), wrt(x, no_slope));
}
Tensor trunc(const Tensor& x) {
  const OperationScope scope("trunc");
  return record("trunc", unary(Unary::trunc, x.array()), wrt(x, no_slope));
}

Tensor nan_to_num(const Tensor& x, double nan, std::optional<double> posinf,
                  std::optional<double> neginf) {
  const OperationScope scope("nan_to_num");
  if (!is_floating(x.dtype())) return Tensor(kernels::clone(x.array()));
  const double infinity = std::numeric_limits<double>::infinity();
  const double largest = largest_finite(x.dtype());
  const Tensor below = where(eq(x, -infinity), neginf.value_or(-largest), x);
  return where(isnan(x), nan, where(eq(x, infinity), posinf.value_or(largest), below));
}

}  // namespace attune
