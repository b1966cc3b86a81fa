#include "activations.h"

#include "../array/fail.h"
#include "../autograd/ops/activation.h"
#include "../autograd/ops/arithmetic.h"
#include "../autograd/ops/pointwise.h"
#include "../autograd/ops/softmax.h"

namespace attune::nn {

Activation::Activation(std::string name, std::function<Tensor(const Tensor&)> function,
                       std::string details)
    : function_(std::move(function)) {
  if (!function_) fail<ValueError>("Activation", "\"{}\" has no function", name);
  describe(std::move(name), std::move(details));
}

Tensor Activation::operator()(const Tensor& x) const {
  auto scope = enter();
  return function_(x);
}

ReLU::ReLU() : Activation("ReLU", relu) {}
LeakyReLU::LeakyReLU(double negative_slope)
    : Activation(
          "LeakyReLU", [=](const Tensor& x) { return leaky_relu(x, negative_slope); },
          fmt::format("negative_slope={}", negative_slope)) {}
ELU::ELU(double alpha)
    : Activation(
          "ELU", [=](const Tensor& x) { return elu(x, alpha); }, fmt::format("alpha={}", alpha)) {}
Mish::Mish() : Activation("Mish", mish) {}
ReLU6::ReLU6() : Activation("ReLU6", relu6) {}
Hardtanh::Hardtanh(double min_val, double max_val)
    : Activation(
          "Hardtanh", [=](const Tensor& x) { return hardtanh(x, min_val, max_val); },
          fmt::format("min_val={}, max_val={}", min_val, max_val)) {
  if (!(min_val < max_val))
    fail<ValueError>("Hardtanh", "min_val {} is not below max_val {}", min_val, max_val);
}
GELU::GELU(std::string approximate)
    : Activation(
          "GELU", [=](const Tensor& x) { return gelu(x, approximate); },
          approximate == "none" ? "" : "approximate=" + approximate) {
  if (approximate != "none" && approximate != "tanh")
    fail<ValueError>("GELU", "approximate is \"{}\"; use \"none\" or \"tanh\"", approximate);
}
SiLU::SiLU() : Activation("SiLU", silu) {}
Softplus::Softplus(double beta, double threshold)
    : Activation(
          "Softplus", [=](const Tensor& x) { return softplus(x, beta, threshold); },
          fmt::format("beta={}, threshold={}", beta, threshold)) {
  if (!(beta > 0)) fail<ValueError>("Softplus", "beta is {}; use a number > 0", beta);
}
Sigmoid::Sigmoid() : Activation("Sigmoid", sigmoid) {}
LogSigmoid::LogSigmoid() : Activation("LogSigmoid", logsigmoid) {}
Tanh::Tanh() : Activation("Tanh", [](const Tensor& x) { return tanh(x); }) {}
Softmax::Softmax(int64_t dim)
    : Activation(
          "Softmax", [=](const Tensor& x) { return softmax(x, dim); }, fmt::format("dim={}", dim)) {
}
Softmin::Softmin(int64_t dim)
    : Activation(
          "Softmin", [=](const Tensor& x) { return softmin(x, dim); }, fmt::format("dim={}", dim)) {
}
LogSoftmax::LogSoftmax(int64_t dim)
    : Activation(
          "LogSoftmax", [=](const Tensor& x) { return log_softmax(x, dim); },
          fmt::format("dim={}", dim)) {}

namespace {

struct NamedActivation {
  const char* name;
  Tensor (*function)(const Tensor& x);
};

constexpr NamedActivation activations[] = {
    {"gelu", [](const Tensor& x) { return gelu(x); }},
    {"gelu_10", [](const Tensor& x) { return clamp(gelu(x), -10, 10); }},
    {"gelu_accurate", [](const Tensor& x) { return gelu(x, "tanh"); }},
    {"gelu_fast", [](const Tensor& x) { return gelu(x, "tanh"); }},
    {"gelu_new", [](const Tensor& x) { return gelu(x, "tanh"); }},
    {"gelu_python", [](const Tensor& x) { return gelu(x); }},
    {"gelu_python_tanh", [](const Tensor& x) { return gelu(x, "tanh"); }},
    {"gelu_pytorch_tanh", [](const Tensor& x) { return gelu(x, "tanh"); }},
    {"leaky_relu", [](const Tensor& x) { return leaky_relu(x); }},
    {"linear", [](const Tensor& x) { return x; }},
    {"mish", [](const Tensor& x) { return mish(x); }},
    {"quick_gelu", [](const Tensor& x) { return x * sigmoid(x * 1.702); }},
    {"relu", [](const Tensor& x) { return relu(x); }},
    {"relu2", [](const Tensor& x) { return square(relu(x)); }},
    {"relu6", [](const Tensor& x) { return relu6(x); }},
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

}  // namespace attune::nn
