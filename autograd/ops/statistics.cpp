// The reductions of reduce.h that are made of several: var, std, logsumexp, norm.

#include <cmath>
#include <limits>

#include "../../array/fail.h"
#include "../../array/scope.h"
#include "../../kernels/copy.h"
#include "../../kernels/elementwise.h"
#include "../../kernels/reduce.h"
#include "../record.h"
#include "arithmetic.h"
#include "broadcast.h"
#include "compare.h"
#include "pointwise.h"
#include "reduce.h"
#include "reduction_shape.h"

namespace attune {

using detail::Reduced;
using kernels::Binary;
using kernels::Compare;
using kernels::Unary;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

// x with 1 added where it is zero: a divisor that turns 0 / 0 into 0. The derivative stays 1.
Tensor nonzero(const Tensor& x) {
  return x + Tensor(kernels::convert(kernels::compare(Compare::eq, x.array(), 0.0), x.dtype()));
}

// The gradient of the variance, divided by 2: the distance from the mean over n - correction.
Tensor deviation(const Tensor& x, const Reduced& over, double correction) {
  return (x - mean(x, over.dims, true)) / (static_cast<double>(over.length()) - correction);
}

}  // namespace

Tensor var(const Tensor& x, const Shape& dims, double correction, bool keepdim) {
  const OperationScope scope("var");
  const Reduced over("var", x, dims);
  return record("var", kernels::var(x.array(), over.dims, correction, keepdim),
                wrt(x, [x, over, correction](const Tensor& g) {
                  return over.keep(g) * 2.0 * deviation(x, over, correction);
                }));
}

Tensor std(const Tensor& x, const Shape& dims, double correction, bool keepdim) {
  const OperationScope scope("std");
  const Reduced over("std", x, dims);
  return record("std", kernels::std(x.array(), over.dims, correction, keepdim),
                wrt(x, [x, over, correction](const Tensor& g, const Tensor& y) {
                  const Tensor scaled = masked_fill(g / nonzero(y), eq(y, 0), 0);
                  return over.keep(scaled) * deviation(x, over, correction);
                }));
}

namespace {

// What exp(x - top) can be shifted by without making NaN, of the largest x: 0 where there is none
// but -infinity, and where it is infinity so much that all others vanish beside it.
Array finite_top(const Array& largest) {
  const Array nothing = kernels::compare(Compare::eq, largest, -infinity);
  return kernels::where(nothing, kernels::zeros({}, largest.dtype()),
                        kernels::binary(Binary::minimum, largest, largest_finite(largest.dtype())));
}

}  // namespace

Tensor logsumexp(const Tensor& x, const Shape& dims, bool keepdim) {
  const OperationScope scope("logsumexp");
  if (!is_floating(x.dtype())) return logsumexp(to(x, float32), dims, keepdim);
  const Reduced over("logsumexp", x, dims);
  const Array top = over.length() ? finite_top(kernels::amax(x.array(), over.dims, true))
                                  : kernels::zeros(over.kept, x.dtype());
  const Array shifted = kernels::unary(Unary::exp, kernels::binary(Binary::sub, x.array(), top));
  const Array logs = kernels::unary(Unary::log, kernels::sum(shifted, over.dims, true));
  const Array value = kernels::binary(Binary::add, logs, top);
  return record("logsumexp", kernels::reshape(value, over.result(keepdim)),
                wrt(x, [x, over, top](const Tensor& g) {
                  // The softmax, from x rather than from the rounded result.
                  const Tensor e = exp(x - Tensor(top));
                  return over.keep(g) * (e / sum(e, over.dims, true));
                }));
}

namespace {

// The norm of any p but 2.
Array power_sum(const Array& magnitude, double p, const Reduced& over, bool keepdim) {
  if (p < 0 && over.length() == 0)
    fail<ShapeError>("norm", "the norm {} of no element, in dimensions {} of {}", p,
                     to_string(over.dims), to_string(over.from));
  if (p == 0)
    return kernels::convert(
        kernels::sum(kernels::compare(Compare::ne, magnitude, 0.0), over.dims, keepdim),
        magnitude.dtype());
  if (p == 1) return kernels::sum(magnitude, over.dims, keepdim);
  if (p == infinity) return kernels::amax(magnitude, over.dims, keepdim);
  if (p == -infinity) return kernels::amin(magnitude, over.dims, keepdim);
  const Array powers = kernels::binary(Binary::pow, magnitude, p);
  return kernels::binary(Binary::pow, kernels::sum(powers, over.dims, keepdim), 1 / p);
}

// The gradient of the norm y with respect to x.
Tensor norm_gradient(const Tensor& x, const Tensor& y, double p, const Reduced& over) {
  if (p == 2) return masked_fill(x / over.keep(nonzero(y)), over.keep(eq(y, 0)), 0);
  const Tensor sign(kernels::unary(Unary::sign, x.array()));
  if (p == 0) return sign * 0.0;
  if (p == 1) return sign;
  if (std::isinf(p))
    return sign * detail::shares(detail::at_extremum(kernels::unary(Unary::abs, x.array()),
                                                     over.keep(y.detach()).array()),
                                 over, x.dtype());
  // Where x is 0 its sign makes the product 0, whatever stands for the power; and the gradient at a
  // norm of 0 is 0, which a negative p meets if one element is.
  const Tensor ratio = nonzero(x * sign) / over.keep(nonzero(y));
  return masked_fill(sign * pow(ratio, p - 1), over.keep(eq(y, 0)), 0);
}

}  // namespace

Tensor norm(const Tensor& x, double p, const Shape& dims, bool keepdim) {
  const OperationScope scope("norm");
  const Reduced over("norm", x, dims);
  visit_floating("norm", x.dtype(), [](auto) {});
  Array value = p == 2 ? kernels::norm(x.array(), over.dims, keepdim)
                       : power_sum(kernels::unary(Unary::abs, x.array()), p, over, keepdim);
  return record("norm", std::move(value), wrt(x, [x, p, over](const Tensor& g, const Tensor& y) {
                  return over.keep(g) * norm_gradient(x, y, p, over);
                }));
}

}  // namespace attune
