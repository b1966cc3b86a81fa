#include "layers.h"

#include "../array/fail.h"
#include "../autograd/ops/activation.h"
#include "../autograd/ops/dropout.h"
#include "../autograd/ops/norm.h"
#include "init.h"

namespace attune::nn {

LayerNorm::LayerNorm(int64_t dim, NormOptions options) : eps_(options.eps) {
  describe("LayerNorm", fmt::format("{}, eps={}", dim, eps_));
  weight = param("weight", Shape{dim});
  init::ones_(weight);
  if (!options.bias) return;
  bias = param("bias", Shape{dim});
  init::zeros_(bias);
}

Tensor LayerNorm::operator()(const Tensor& x) const {
  auto scope = enter();
  return layer_norm(x, weight.shape(), weight, bias, eps_);
}

RMSNorm::RMSNorm(int64_t dim, double eps) : eps_(eps) {
  describe("RMSNorm", fmt::format("{}, eps={}", dim, eps));
  weight = param("weight", Shape{dim});
  init::ones_(weight);
}

Tensor RMSNorm::operator()(const Tensor& x) const {
  auto scope = enter();
  return rms_norm(x, weight.shape(), weight, eps_);
}

Dropout::Dropout(double p) : p_(p) {
  if (!(p >= 0 && p <= 1)) fail<ValueError>("Dropout", "probability {} is not in [0, 1]", p);
  describe("Dropout", fmt::format("p={}", p));
}

Tensor Dropout::operator()(const Tensor& x) const {
  auto scope = enter();
  return dropout(x, p_, is_training());
}

Activation::Activation(std::string name, std::function<Tensor(const Tensor&)> function)
    : function_(std::move(function)) {
  describe(std::move(name));
}

Tensor Activation::operator()(const Tensor& x) const {
  auto scope = enter();
  return function_(x);
}

Activation ReLU() {
  return {"ReLU", [](const Tensor& x) { return relu(x); }};
}
Activation GELU() {
  return {"GELU", [](const Tensor& x) { return gelu(x); }};
}
Activation SiLU() {
  return {"SiLU", [](const Tensor& x) { return silu(x); }};
}
Activation Tanh() {
  return {"Tanh", [](const Tensor& x) { return tanh(x); }};
}
Activation Sigmoid() {
  return {"Sigmoid", [](const Tensor& x) { return sigmoid(x); }};
}

namespace {

struct NamedActivation {
  const char* name;
  Tensor (*function)(const Tensor& x);
};

constexpr NamedActivation activations[] = {
    {"gelu", [](const Tensor& x) { return gelu(x); }},
    {"gelu_new", [](const Tensor& x) { return gelu(x, "tanh"); }},
    {"gelu_pytorch_tanh", [](const Tensor& x) { return gelu(x, "tanh"); }},
    {"linear", [](const Tensor& x) { return x; }},
    {"relu", [](const Tensor& x) { return relu(x); }},
    {"sigmoid", [](const Tensor& x) { return sigmoid(x); }},
    {"silu", [](const Tensor& x) { return silu(x); }},
    {"swish", [](const Tensor& x) { return silu(x); }},
    {"tanh", [](const Tensor& x) { return tanh(x); }},
};

}  // namespace

Activation activation(const std::string& name) {
  for (const auto& [known, function] : activations)
    if (known == name) return {name, function};
  std::string names;
  for (const auto& [known, function] : activations) names += fmt::format(" {}", known);
  fail<ValueError>("activation", "\"{}\" is none of{}", name, names);
}

Tensor Sequential::operator()(Tensor x) const {
  auto scope = enter();
  for (const auto& step : steps_) x = step(x);
  return x;
}

}  // namespace attune::nn
