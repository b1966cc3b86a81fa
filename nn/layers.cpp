#include "layers.h"

#include "../array/fail.h"
#include "../autograd/ops/dropout.h"
#include "../autograd/ops/norm.h"
#include "../autograd/ops/shape.h"
#include "init.h"

namespace attune::nn {

namespace {

void check_norm(const char* name, const Shape& normalized_shape, double eps) {
  if (normalized_shape.empty())
    fail<ValueError>(name, "normalized_shape is empty; name the sizes of the last dimensions");
  for (const int64_t size : normalized_shape)
    if (size < 0)
      fail<ValueError>(name, "normalized_shape {} has a negative size",
                       to_string(normalized_shape));
  if (!(eps >= 0)) fail<ValueError>(name, "eps {} is negative; use 0 or more", eps);
}

// "6" or "(2, 3)", as one writes it.
std::string text_of(const Shape& shape) {
  return shape.size() == 1 ? fmt::format("{}", shape[0])
                           : fmt::format("({})", fmt::join(shape, ", "));
}

}  // namespace

LayerNorm::LayerNorm(const Shape& normalized_shape, LayerNormOptions options)
    : normalized_shape_(normalized_shape), eps_(options.eps) {
  const OperationScope scope("LayerNorm");
  check_norm("LayerNorm", normalized_shape, eps_);
  describe("LayerNorm", fmt::format("{}, eps={}", text_of(normalized_shape), eps_));
  if (!options.elementwise_affine) return;
  weight = param("weight", normalized_shape);
  init::ones_(weight);
  if (!options.bias) return;
  bias = param("bias", normalized_shape);
  init::zeros_(bias);
}

Tensor LayerNorm::operator()(const Tensor& x) const {
  auto scope = enter();
  return layer_norm(x, normalized_shape_, weight, bias, eps_);
}

RMSNorm::RMSNorm(const Shape& normalized_shape, RMSNormOptions options)
    : normalized_shape_(normalized_shape), eps_(options.eps) {
  const OperationScope scope("RMSNorm");
  check_norm("RMSNorm", normalized_shape, eps_.value_or(0));
  describe("RMSNorm", text_of(normalized_shape) + (eps_ ? fmt::format(", eps={}", *eps_) : ""));
  if (!options.elementwise_affine) return;
  weight = param("weight", normalized_shape);
  init::ones_(weight);
}

Tensor RMSNorm::operator()(const Tensor& x) const {
  auto scope = enter();
  return rms_norm(x, normalized_shape_, weight, eps_);
}

Dropout::Dropout(double p) : p_(p) {
  if (!(p >= 0 && p <= 1)) fail<ValueError>("Dropout", "probability {} is not in [0, 1]", p);
  describe("Dropout", fmt::format("p={}", p));
}

Tensor Dropout::operator()(const Tensor& x) const {
  auto scope = enter();
  return dropout(x, p_, is_training());
}

Flatten::Flatten(int64_t start_dim, int64_t end_dim) : start_dim_(start_dim), end_dim_(end_dim) {
  describe("Flatten", fmt::format("start_dim={}, end_dim={}", start_dim, end_dim));
}

Tensor Flatten::operator()(const Tensor& x) const {
  auto scope = enter();
  return flatten(x, start_dim_, end_dim_);
}

Tensor Sequential::operator()(Tensor x) const {
  auto scope = enter();
  for (const auto& step : *steps_) x = step(x);
  return x;
}

}  // namespace attune::nn
