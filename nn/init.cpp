#include "init.h"

#include <cmath>

#include "../array/fail.h"
#include "../array/random.h"
#include "../autograd/grad_mode.h"

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

double kaiming_std(const char* name, const Tensor& x, double slope, Fan fan) {
  const Fans fans = fans_of(name, x);
  return std::sqrt(2 / ((1 + slope * slope) * (fan == Fan::in ? fans.in : fans.out)));
}

thread_local bool empty_weights = false;

template <class Values>
void overwrite(const Tensor& x, const Values& values) {
  if (empty_weights) return;
  NoGrad no_grad;
  x.copy_(Tensor(values()));
}

}  // namespace

void uniform_(const Tensor& x, double low, double high) {
  overwrite(x, [&] { return random_uniform(x.shape(), x.dtype(), low, high); });
}

void normal_(const Tensor& x, double mean, double std) {
  overwrite(x, [&] { return random_normal(x.shape(), x.dtype(), mean, std); });
}

void trunc_normal_(const Tensor& x, double mean, double std, double low, double high) {
  if (!(low < high)) fail<ValueError>("trunc_normal_", "the range [{}, {}] is empty", low, high);
  overwrite(x, [&] {
    Array values = random_normal(x.shape(), float64, mean, std);
    double* value = values.output<double>();
    for (int64_t i = 0; i < values.numel(); ++i) {
      while (value[i] < low || value[i] > high)
        value[i] = *random_normal({}, float64, mean, std).data<double>();
    }
    return values;
  });
}

void constant_(const Tensor& x, double value) {
  if (empty_weights) return;
  NoGrad no_grad;
  x.fill_(value);
}

void zeros_(const Tensor& x) { constant_(x, 0); }
void ones_(const Tensor& x) { constant_(x, 1); }

void xavier_uniform_(const Tensor& x, double gain) {
  const Fans fans = fans_of("xavier_uniform_", x);
  const double bound = gain * std::sqrt(6 / (fans.in + fans.out));
  uniform_(x, -bound, bound);
}

void xavier_normal_(const Tensor& x, double gain) {
  const Fans fans = fans_of("xavier_normal_", x);
  normal_(x, 0, gain * std::sqrt(2 / (fans.in + fans.out)));
}

void kaiming_uniform_(const Tensor& x, double negative_slope, Fan fan) {
  const double bound = std::sqrt(3.0) * kaiming_std("kaiming_uniform_", x, negative_slope, fan);
  uniform_(x, -bound, bound);
}

void kaiming_normal_(const Tensor& x, double negative_slope, Fan fan) {
  normal_(x, 0, kaiming_std("kaiming_normal_", x, negative_slope, fan));
}

EmptyWeights::EmptyWeights() : outer_(std::exchange(empty_weights, true)) {}
EmptyWeights::~EmptyWeights() { empty_weights = outer_; }

Tensor empty(const Shape& shape) {
  if (!empty_weights) return Tensor(Array(shape, float32));
  // One element stands for all.
  return Tensor(Array({}, float32).expand(shape));
}

}  // namespace attune::nn::init
