#include "init.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>

#include "../array/fail.h"
#include "../array/scope.h"
#include "../autograd/grad_mode.h"
#include "../autograd/ops/arithmetic.h"
#include "../autograd/ops/shape.h"
#include "../kernels/copy.h"
#include "../kernels/random.h"

namespace attune::nn::init {
namespace {

struct Fans {
  double in, out;
};

Fans fans_of(const char* name, const Tensor& x) {
  if (x.dim() < 2)
    fail<ShapeError>(name, "shape {} has no fan-in and fan-out; it takes two dimensions or more",
                     to_string(x.shape()));
  double field = 1;
  for (int64_t d = 2; d < x.dim(); ++d) field *= static_cast<double>(x.size(d));
  return {static_cast<double>(x.size(1)) * field, static_cast<double>(x.size(0)) * field};
}

double kaiming_std(const char* name, const Tensor& x, double a, std::string_view mode,
                   std::string_view nonlinearity) {
  if (mode != "fan_in" && mode != "fan_out")
    fail<ValueError>(name, "mode is \"{}\"; use \"fan_in\" or \"fan_out\"", mode);
  const Fans fans = fans_of(name, x);
  return calculate_gain(nonlinearity, a) / std::sqrt(mode == "fan_in" ? fans.in : fans.out);
}

thread_local bool empty_weights = false;

template <class Values>
void overwrite(const char* name, const Tensor& x, const Values& values) {
  const OperationScope scope(name);
  if (!is_floating(x.dtype()))
    fail<DTypeError>(name, "takes a floating dtype, got {}", name_of(x.dtype()));
  if (empty_weights) return;
  NoGrad no_grad;
  x.copy_(Tensor(values()));
}

// What values for x are drawn in.
DType drawn_dtype(const Tensor& x) { return x.dtype() == float64 ? float64 : float32; }

double normal_cdf(double x) { return (1 + std::erf(x / std::numbers::sqrt2)) / 2; }

// Makes the rows orthogonal to each other and of length 1. Each is cleared of the others twice,
// because once leaves what rounding cancelled (Giraud et al. 2005).
void orthonormalise(double* rows, int64_t count, int64_t length) {
  for (int64_t i = 0; i < count; ++i) {
    double* row = rows + i * length;
    for (int64_t pass = 0; pass < 2 * i; ++pass) {
      const double* other = rows + pass % i * length;
      const double along = std::inner_product(row, row + length, other, 0.0);
      for (int64_t k = 0; k < length; ++k) row[k] -= along * other[k];
    }
    const double norm = std::sqrt(std::inner_product(row, row + length, row, 0.0));
    for (int64_t k = 0; k < length; ++k) row[k] /= norm;
  }
}

// Uniform over all orthonormal sets of `count` vectors: Gram and Schmidt on normal ones, a block at
// a time, so that most of the work is matrix products.
Tensor orthonormal_rows(int64_t count, int64_t length) {
  constexpr int64_t block = 32;
  Array memory = random_normal({count, length}, float64, 0, 1);
  const Tensor all(memory);
  for (int64_t start = 0; start < count; start += block) {
    const Tensor rows = all.narrow(0, start, std::min(block, count - start));
    const Tensor done = all.narrow(0, 0, start);
    for (int pass = 0; pass < 2 && start > 0; ++pass)
      rows.sub_(rows.matmul(done.transpose(0, 1)).matmul(done));
    orthonormalise(memory.output<double>() + start * length, rows.size(0), length);
  }
  return all;
}

// A first guess (Winitzki 2008), and Halley's steps to full precision.
double inverse_erf(double y) {
  if (std::abs(y) >= 1) return std::copysign(std::numeric_limits<double>::infinity(), y);
  constexpr double a = 0.147;
  const double log_term = std::log1p(-y * y);
  const double half = 2 / (std::numbers::pi * a) + log_term / 2;
  double x = std::copysign(std::sqrt(std::sqrt(half * half - log_term / a) - half), y);
  for (int step = 0; step < 3; ++step) {
    const double error = std::erf(x) - y;
    x -= error / (2 * std::numbers::inv_sqrtpi * std::exp(-x * x) + x * error);
  }
  return x;
}

}  // namespace

void uniform_(const Tensor& x, double low, double high) {
  const OperationScope scope("uniform_");
  const bool fits = low <= high && std::isfinite(low) && std::isfinite(high);
  if (!fits && x.numel() > 0)
    fail<ValueError>("uniform_", "the range [{}, {}]; it takes finite bounds in order", low, high);
  overwrite("uniform_", x, [&] { return random_uniform(x.shape(), drawn_dtype(x), low, high); });
}

void normal_(const Tensor& x, double mean, double std) {
  const OperationScope scope("normal_");
  const bool fits = std >= 0 && std::isfinite(std) && std::isfinite(mean);
  if (!fits && x.numel() > 0)
    fail<ValueError>("normal_", "mean {} and std {}; they are finite, and std >= 0", mean, std);
  overwrite("normal_", x, [&] { return random_normal(x.shape(), drawn_dtype(x), mean, std); });
}

void trunc_normal_(const Tensor& x, double mean, double std, double low, double high) {
  if (!(low < high)) fail<ValueError>("trunc_normal_", "the range [{}, {}] is empty", low, high);
  if (!(std > 0 && std::isfinite(std) && std::isfinite(mean)))
    fail<ValueError>("trunc_normal_", "mean {} and std {}; they are finite, and std > 0", mean,
                     std);
  overwrite("trunc_normal_", x, [&] {
    const double from = normal_cdf((low - mean) / std), to = normal_cdf((high - mean) / std);
    Array values = random_uniform(x.shape(), float64, 2 * from - 1, 2 * to - 1);
    double* value = values.output<double>();
    for (int64_t i = 0; i < values.numel(); ++i)
      value[i] = std::clamp(mean + std * std::numbers::sqrt2 * inverse_erf(value[i]), low, high);
    return values;
  });
}

void constant_(const Tensor& x, double value) {
  overwrite("constant_", x, [&] { return kernels::full({}, x.dtype(), value); });
}

double calculate_gain(std::string_view nonlinearity, double param) {
  if (nonlinearity == "linear" || nonlinearity == "sigmoid") return 1;
  if (nonlinearity == "tanh") return 5.0 / 3;
  if (nonlinearity == "relu") return std::numbers::sqrt2;
  if (nonlinearity == "leaky_relu") return std::sqrt(2 / (1 + param * param));
  if (nonlinearity == "selu") return 0.75;
  fail<ValueError>("calculate_gain",
                   "\"{}\" is none of linear, sigmoid, tanh, relu, leaky_relu, selu", nonlinearity);
}

void zeros_(const Tensor& x) { constant_(x, 0); }
void ones_(const Tensor& x) { constant_(x, 1); }

void xavier_uniform_(const Tensor& x, double gain) {
  const OperationScope scope("xavier_uniform_");
  const Fans fans = fans_of("xavier_uniform_", x);
  const double bound = gain * std::sqrt(6 / (fans.in + fans.out));
  uniform_(x, -bound, bound);
}

void xavier_normal_(const Tensor& x, double gain) {
  const OperationScope scope("xavier_normal_");
  const Fans fans = fans_of("xavier_normal_", x);
  normal_(x, 0, gain * std::sqrt(2 / (fans.in + fans.out)));
}

void kaiming_uniform_(const Tensor& x, double a, std::string_view mode,
                      std::string_view nonlinearity) {
  const OperationScope scope("kaiming_uniform_");
  const double bound = std::sqrt(3.0) * kaiming_std("kaiming_uniform_", x, a, mode, nonlinearity);
  uniform_(x, -bound, bound);
}

void kaiming_normal_(const Tensor& x, double a, std::string_view mode,
                     std::string_view nonlinearity) {
  const OperationScope scope("kaiming_normal_");
  normal_(x, 0, kaiming_std("kaiming_normal_", x, a, mode, nonlinearity));
}

void orthogonal_(const Tensor& x, double gain) {
  if (x.dim() < 2)
    fail<ShapeError>("orthogonal_", "shape {} is no matrix; it takes two dimensions or more",
                     to_string(x.shape()));
  overwrite("orthogonal_", x, [&] {
    const int64_t rows = x.size(0), columns = x.numel() / std::max<int64_t>(rows, 1);
    const Tensor basis = orthonormal_rows(std::min(rows, columns), std::max(rows, columns)) * gain;
    return reshape(rows > columns ? transpose(basis, 0, 1) : basis, x.shape()).array();
  });
}

EmptyWeights::EmptyWeights() : outer_(std::exchange(empty_weights, true)) {}
EmptyWeights::~EmptyWeights() { empty_weights = outer_; }

Tensor empty(const Shape& shape) {
  if (!empty_weights) return Tensor(Array(shape, float32));
  // One element stands for all, even for more than could be addressed.
  auto storage = Storage::allocate(sizeof(float));
  *static_cast<float*>(storage->data()) = std::numeric_limits<float>::quiet_NaN();
  return Tensor(Array(std::move(storage), shape, Shape::filled(shape.size(), 0), 0, float32));
}

}  // namespace attune::nn::init
