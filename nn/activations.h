#pragma once

#include <functional>
#include <string>

#include "module.h"

namespace attune::nn {

// A function as a module: Activation("GELU", [](const Tensor& x) { return gelu(x); }). details are
// what it prints in parentheses.
class Activation : public Module {
 public:
  Activation(std::string name, std::function<Tensor(const Tensor&)> function,
             std::string details = "");
  // Copied where it would be moved, as a Module.
  Activation(const Activation&) = default;
  Activation& operator=(const Activation&) = default;
  ~Activation() = default;
  Tensor operator()(const Tensor& x) const;

 private:
  std::function<Tensor(const Tensor&)> function_;
};

// The functions of autograd/ops/activation.h and softmax.h, with PyTorch's options.

struct ReLU : Activation {
  ReLU();
};
struct LeakyReLU : Activation {
  explicit LeakyReLU(double negative_slope = 0.01);
};
struct ELU : Activation {
  explicit ELU(double alpha = 1);
};
struct Mish : Activation {
  Mish();
};
struct ReLU6 : Activation {
  ReLU6();
};
struct Hardtanh : Activation {
  explicit Hardtanh(double min_val = -1, double max_val = 1);
};
struct GELU : Activation {
  explicit GELU(std::string approximate = "none");  // or "tanh"
};
struct SiLU : Activation {
  SiLU();
};
struct Softplus : Activation {
  explicit Softplus(double beta = 1, double threshold = 20);
};
struct Sigmoid : Activation {
  Sigmoid();
};
struct LogSigmoid : Activation {
  LogSigmoid();
};
struct Tanh : Activation {
  Tanh();
};
struct Softmax : Activation {
  explicit Softmax(int64_t dim);
};
struct Softmin : Activation {
  explicit Softmin(int64_t dim);
};
struct LogSoftmax : Activation {
  explicit LogSoftmax(int64_t dim);
};

// The activation that config files of transformers call by this name: gelu or gelu_python;
// gelu_new, gelu_fast, gelu_accurate, gelu_python_tanh or gelu_pytorch_tanh (by tanh); gelu_10 (cut
// at ±10); quick_gelu (x · sigmoid(1.702 x), Hendrycks and Gimpel 2016); leaky_relu (slope 0.01),
// linear, mish, relu, relu2 (squared, So et al. 2021), relu6, sigmoid, silu or swish, tanh.
// ValueError for another.
Activation activation(const std::string& name);

}  // namespace attune::nn
