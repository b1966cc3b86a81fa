#pragma once

#include <functional>

#include "module.h"

namespace attune::nn {

struct NormOptions {
  double eps = 1e-5;
  bool bias = true;
};

// Normalises the last dimension to mean 0 and variance 1, then scales and shifts. Ba et al. 2016.
// x: [..., dim] -> [..., dim]; weight, bias: [dim].
class LayerNorm : public Module {
 public:
  explicit LayerNorm(int64_t dim, NormOptions options = {});
  Tensor operator()(const Tensor& x) const;

  Tensor weight, bias;  // bias is undefined without one

 private:
  double eps_;
};

// Divides the last dimension by its root mean square, then scales. Zhang and Sennrich 2019.
// x: [..., dim] -> [..., dim]; weight: [dim].
class RMSNorm : public Module {
 public:
  explicit RMSNorm(int64_t dim, double eps = 1e-6);
  Tensor operator()(const Tensor& x) const;

  Tensor weight;

 private:
  double eps_;
};

// While training, zeroes each element with probability p and scales the rest by 1 / (1 - p).
// Srivastava et al. 2014. ValueError unless 0 <= p <= 1.
class Dropout : public Module {
 public:
  explicit Dropout(double p = 0.5);
  Tensor operator()(const Tensor& x) const;

 private:
  double p_;
};

// A function as a module: Activation("GELU", [](const Tensor& x) { return gelu(x); }).
class Activation : public Module {
 public:
  Activation(std::string name, std::function<Tensor(const Tensor&)> function);
  Tensor operator()(const Tensor& x) const;

 private:
  std::function<Tensor(const Tensor&)> function_;
};

Activation ReLU();
Activation GELU();
Activation SiLU();
Activation Tanh();
Activation Sigmoid();

// The activation that config files of transformers call by this name: gelu, gelu_new or
// gelu_pytorch_tanh (both by tanh), linear, relu, sigmoid, silu or swish, tanh. ValueError for
// another.
Activation activation(const std::string& name);

// Modules that each take one Tensor and give one, called one after another; children "0", "1", ….
class Sequential : public Module {
 public:
  template <class... M>
  explicit Sequential(M... modules) {
    describe("Sequential");
    (append(std::move(modules)), ...);
  }
  template <class M>
  void append(M module) {
    child(std::to_string(steps_.size()), module);
    steps_.push_back([module](const Tensor& x) { return module(x); });
  }
  Tensor operator()(Tensor x) const;

 private:
  std::vector<std::function<Tensor(const Tensor&)>> steps_;
};

}  // namespace attune::nn
