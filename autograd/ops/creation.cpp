#include "creation.h"

#include <cmath>

#include "../../array/fail.h"
#include "../../array/scope.h"
#include "../../kernels/copy.h"
#include "../../kernels/random.h"

namespace attune {
namespace {

// [n] of element(i), computed in double and converted.
template <class F>
Tensor generate(int64_t n, DType dtype, F&& element) {
  Array values(Shape{n}, float64);
  double* out = values.output<double>();
  for (int64_t i = 0; i < n; ++i) out[i] = element(i);
  return Tensor(kernels::convert(values, dtype));
}

}  // namespace

Tensor full(const Shape& shape, double value, DType dtype) {
  const OperationScope scope("full");
  return Tensor(kernels::full(shape, dtype, value));
}
Tensor zeros(const Shape& shape, DType dtype) {
  const OperationScope scope("zeros");
  return Tensor(kernels::zeros(shape, dtype));
}
Tensor ones(const Shape& shape, DType dtype) {
  const OperationScope scope("ones");
  return Tensor(kernels::ones(shape, dtype));
}

Tensor eye(int64_t n, std::optional<int64_t> m, DType dtype) {
  const OperationScope scope("eye");
  Array matrix = kernels::zeros({n, m.value_or(n)}, dtype);
  Array diagonal = matrix.diagonal();
  kernels::copy_into(diagonal, kernels::ones({}, dtype));
  return Tensor(std::move(matrix));
}

Tensor linspace(double start, double end, int64_t steps, DType dtype) {
  const OperationScope scope("linspace");
  if (dtype == int64)
    start = kernels::whole_part("linspace", start), end = kernels::whole_part("linspace", end);
  const double step = steps > 1 ? (end - start) / static_cast<double>(steps - 1) : 0;
  // From both ends, so that both are met exactly.
  return generate(steps, dtype, [=](int64_t i) {
    return i < (steps + 1) / 2 ? start + static_cast<double>(i) * step
                               : end - static_cast<double>(steps - 1 - i) * step;
  });
}

namespace {

// How many elements a range has; of integers beyond 2^53 about as many.
double checked_length(double start, double end, double step) {
  const double length = std::ceil((end - start) / step);
  // Also false for NaN, which a step of zero can give.
  if (!(step != 0 && length >= 0 && length < 0x1p62))
    fail<ValueError>("arange", "steps of {} do not lead from {} to {}", step, start, end);
  return length;
}

}  // namespace

Tensor arange(double start, double end, double step, DType dtype) {
  const OperationScope scope("arange");
  const double length = checked_length(start, end, step);
  if (dtype == int64) start = std::trunc(start), step = std::trunc(step);
  return generate(static_cast<int64_t>(length), dtype,
                  [=](int64_t i) { return start + static_cast<double>(i) * step; });
}

// In unsigned arithmetic, which may go around on its way.
Tensor arange(int64_t start, int64_t end, int64_t step) {
  const OperationScope scope("arange");
  checked_length(static_cast<double>(start), static_cast<double>(end), static_cast<double>(step));
  const auto first = static_cast<uint64_t>(start), last = static_cast<uint64_t>(end);
  const auto by = static_cast<uint64_t>(step);
  const uint64_t distance = step > 0 ? last - first : first - last;
  const uint64_t length = start == end ? 0 : (distance - 1) / (step > 0 ? by : 0 - by) + 1;
  Array values({static_cast<int64_t>(length)}, int64);
  int64_t* out = values.output<int64_t>();
  for (uint64_t i = 0; i < length; ++i) out[i] = static_cast<int64_t>(first + i * by);
  return Tensor(std::move(values));
}

Tensor rand(const Shape& shape, DType dtype) {
  const OperationScope scope("rand");
  return Tensor(random_uniform(shape, dtype, 0, 1));
}
Tensor randn(const Shape& shape, DType dtype) {
  const OperationScope scope("randn");
  return Tensor(random_normal(shape, dtype, 0, 1));
}
Tensor randint(int64_t low, int64_t high, const Shape& shape) {
  const OperationScope scope("randint");
  return Tensor(random_integers(shape, low, high));
}
Tensor randint(int64_t high, const Shape& shape) { return randint(0, high, shape); }
Tensor randperm(int64_t n) {
  const OperationScope scope("randperm");
  return Tensor(random_permutation(n));
}

Tensor bernoulli(const Tensor& p) {
  const OperationScope scope("bernoulli");
  if (!is_floating(p.dtype())) fail_not_floating("bernoulli", p.dtype());
  return Tensor(kernels::convert(random_bernoulli(p.array()), p.dtype()));
}

Tensor full_like(const Tensor& x, double value, std::optional<DType> dtype) {
  const OperationScope scope("full_like");
  return full(x.shape(), value, dtype.value_or(x.dtype()));
}
Tensor zeros_like(const Tensor& x, std::optional<DType> dtype) {
  const OperationScope scope("zeros_like");
  return zeros(x.shape(), dtype.value_or(x.dtype()));
}
Tensor ones_like(const Tensor& x, std::optional<DType> dtype) {
  const OperationScope scope("ones_like");
  return ones(x.shape(), dtype.value_or(x.dtype()));
}
Tensor rand_like(const Tensor& x, std::optional<DType> dtype) {
  const OperationScope scope("rand_like");
  return rand(x.shape(), dtype.value_or(x.dtype()));
}
Tensor randn_like(const Tensor& x, std::optional<DType> dtype) {
  const OperationScope scope("randn_like");
  return randn(x.shape(), dtype.value_or(x.dtype()));
}

}  // namespace attune
