#pragma once

#include <attune/nn.h>

#include <cmath>

#include "../catch.h"

// A float64 leaf that requires a gradient, standard normal.
inline attune::Tensor random(const attune::Shape& shape) {
  return attune::randn(shape, attune::float64).requires_grad_();
}

// Makes every parameter float64 and draws it anew, biases and norms too.
inline void draw_parameters(const attune::nn::Module& module) {
  module.to(attune::float64);
  for (const attune::Tensor& tensor : module.parameters())
    attune::nn::init::normal_(tensor, 0, 0.4);
}

inline bool all_finite(const attune::Tensor& x) {
  for (double value : x.to(attune::float64).to_vector<double>())
    if (!std::isfinite(value)) return false;
  return true;
}

inline void require_finite_gradients(const attune::nn::Module& module) {
  for (const auto& [name, tensor] : module.named_parameters()) {
    INFO(name);
    REQUIRE(tensor.grad().defined());
    CHECK(all_finite(tensor.grad()));
  }
}
