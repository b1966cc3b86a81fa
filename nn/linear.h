#pragma once

#include "module.h"

namespace attune::nn {

struct LinearOptions {
  bool bias = true;
};

// y = x Wᵀ + b. x: [..., in] -> [..., out]; weight: [out, in], bias: [out]. Starts uniform in
// ±1/sqrt(in), as PyTorch does.
class Linear : public Module {
 public:
  Linear(int64_t in, int64_t out, LinearOptions options = {});
  Tensor operator()(const Tensor& x) const;

  Tensor weight, bias;  // bias is undefined without one
};

// Rows of a table by index. indices: int64 [...] -> [..., dim]; weight: [num, dim], starts normal.
class Embedding : public Module {
 public:
  Embedding(int64_t num, int64_t dim);
  Tensor operator()(const Tensor& indices) const;

  Tensor weight;
};

}  // namespace attune::nn
