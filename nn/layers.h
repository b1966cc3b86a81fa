#pragma once

#include <functional>
#include <optional>

#include "module.h"

namespace attune::nn {

struct LayerNormOptions {
  double eps = 1e-5;
  bool elementwise_affine = true;  // scale and shift
  bool bias = true;                // shift
};

// Normalises the last dimensions, of normalized_shape, to mean 0 and variance 1, then scales and
// shifts. Ba et al. 2016. x: [..., normalized_shape] -> the same; weight, bias: normalized_shape.
class LayerNorm : public Module {
 public:
  explicit LayerNorm(const Shape& normalized_shape, LayerNormOptions options = {});
  explicit LayerNorm(int64_t dim, LayerNormOptions options = {}) : LayerNorm(Shape{dim}, options) {}
  Tensor operator()(const Tensor& x) const;

  Tensor weight, bias;  // undefined where the options leave them out

 private:
  Shape normalized_shape_;
  double eps_;
};

struct RMSNormOptions {
  std::optional<double> eps = {};  // the machine epsilon of x's dtype
  bool elementwise_affine = true;  // scale
};

// Divides the last dimensions, of normalized_shape, by their root mean square, then scales. Zhang
// and Sennrich 2019. x: [..., normalized_shape] -> the same; weight: normalized_shape.
class RMSNorm : public Module {
 public:
  explicit RMSNorm(const Shape& normalized_shape, RMSNormOptions options = {});
  explicit RMSNorm(int64_t dim, RMSNormOptions options = {}) : RMSNorm(Shape{dim}, options) {}
  Tensor operator()(const Tensor& x) const;

  Tensor weight;  // undefined without scaling

 private:
  Shape normalized_shape_;
  std::optional<double> eps_;
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

// Gives x itself, whatever it was made with.
class Identity : public Module {
 public:
  Identity() { describe("Identity"); }
  Tensor operator()(const Tensor& x) const { return x; }
};

// Joins the dimensions from start to end, included; those of each sample by default. x: [B, ...] ->
// [B, product].
class Flatten : public Module {
 public:
  explicit Flatten(int64_t start_dim = 1, int64_t end_dim = -1);
  Tensor operator()(const Tensor& x) const;

 private:
  int64_t start_dim_, end_dim_;
};

// Modules that each take one Tensor and give one, called one after another; children "0", "1", ….
// What is appended to one handle is appended to all.
class Sequential : public Module {
 public:
  template <class... M>
  explicit Sequential(M... modules) {
    describe("Sequential");
    (append(std::move(modules)), ...);
  }
  template <class M>
  void append(M module) {
    child(std::to_string(steps_->size()), module);
    steps_->push_back([module](const Tensor& x) { return module(x); });
  }
  Tensor operator()(Tensor x) const;

 private:
  using Steps = std::vector<std::function<Tensor(const Tensor&)>>;

  std::shared_ptr<Steps> steps_ = std::make_shared<Steps>();
};

}  // namespace attune::nn
