#pragma once

#include <optional>

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
  // Of parameters that belong to another module too: an output layer tied to an embedding. As those
  // of any module they require gradients from then on; freeze them afterwards.
  explicit Linear(Tensor tied_weight, Tensor tied_bias = {});
  Tensor operator()(const Tensor& x) const;

  Tensor weight, bias;  // bias is undefined without one
};

// A Linear whose weight lies the other way round, [in, out], as GPT-2's published weights do. x:
// [..., in] -> [..., out]; bias: [out]. Starts normal with deviation 0.02 and without bias.
class Conv1D : public Module {
 public:
  Conv1D(int64_t in, int64_t out);
  Tensor operator()(const Tensor& x) const;

  Tensor weight, bias;
};

struct EmbeddingOptions {
  // A row that starts at zero and gets no gradient; counted from the end if negative.
  std::optional<int64_t> padding_idx = {};
};

// Rows of a table by index. indices: int64 [...] -> [..., dim]; weight: [num, dim], starts normal.
class Embedding : public Module {
 public:
  Embedding(int64_t num, int64_t dim, EmbeddingOptions options = {});
  Tensor operator()(const Tensor& indices) const;

  Tensor weight;

 private:
  std::optional<int64_t> padding_idx_;
};

}  // namespace attune::nn
