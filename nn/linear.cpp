#include "linear.h"

#include <cmath>

#include "../array/fail.h"
#include "../autograd/ops/index.h"
#include "../autograd/ops/linalg.h"
#include "../autograd/ops/shape.h"
#include "init.h"

namespace attune::nn {

Linear::Linear(int64_t in, int64_t out, LinearOptions options) {
  const OperationScope scope("Linear");
  if (in < 0 || out < 0)
    fail<ValueError>("Linear", "{} inputs and {} outputs; use 0 or more", in, out);
  describe("Linear", fmt::format("in={}, out={}, bias={}", in, out, options.bias));
  weight = param("weight", Shape{out, in});
  const double bound = in > 0 ? 1 / std::sqrt(static_cast<double>(in)) : 0;
  init::uniform_(weight, -bound, bound);
  if (!options.bias) return;
  bias = param("bias", Shape{out});
  init::uniform_(bias, -bound, bound);
}

Linear::Linear(Tensor tied_weight, Tensor tied_bias) {
  const OperationScope scope("Linear");
  if (tied_weight.dim() != 2)
    fail<ShapeError>("Linear", "weight {} is not [out, in]", to_string(tied_weight.shape()));
  if (tied_bias.defined() && tied_bias.shape() != Shape{tied_weight.size(0)})
    fail<ShapeError>("Linear", "bias {} for a weight {}; it takes [{}]",
                     to_string(tied_bias.shape()), to_string(tied_weight.shape()),
                     tied_weight.size(0));
  for (const Tensor& x : {tied_weight, tied_bias})
    if (x.defined() && !is_floating(x.dtype()))
      fail<DTypeError>("Linear", "parameters are floating, {} is not", name_of(x.dtype()));
  describe("Linear", fmt::format("in={}, out={}, bias={}, tied", tied_weight.size(1),
                                 tied_weight.size(0), tied_bias.defined()));
  weight = param("weight", std::move(tied_weight));
  if (tied_bias.defined()) bias = param("bias", std::move(tied_bias));
}

Tensor Linear::operator()(const Tensor& x) const {
  auto scope = enter();
  return adapted(x, linear(x, weight, bias));
}

Conv1D::Conv1D(int64_t in, int64_t out) {
  const OperationScope scope("Conv1D");
  if (in < 0 || out < 0)
    fail<ValueError>("Conv1D", "{} inputs and {} outputs; use 0 or more", in, out);
  describe("Conv1D", fmt::format("in={}, out={}", in, out));
  weight = param("weight", Shape{in, out});
  bias = param("bias", Shape{out});
  init::normal_(weight, 0, 0.02);
  init::zeros_(bias);
}

Tensor Conv1D::operator()(const Tensor& x) const {
  auto scope = enter();
  return adapted(x, linear(x, transpose(weight, 0, 1), bias));
}

Embedding::Embedding(int64_t num, int64_t dim, EmbeddingOptions options)
    : padding_idx_(options.padding_idx) {
  const OperationScope scope("Embedding");
  if (num < 0 || dim < 0)
    fail<ValueError>("Embedding", "{} rows of width {}; use 0 or more", num, dim);
  if (padding_idx_ && (*padding_idx_ < -num || *padding_idx_ >= num))
    fail<ValueError>("Embedding", "padding_idx {} is none of {} rows", *padding_idx_, num);
  describe("Embedding", fmt::format("{}, {}", num, dim));
  weight = param("weight", Shape{num, dim});
  init::normal_(weight);
  if (padding_idx_) init::zeros_(select(weight.detach(), 0, *padding_idx_));
}

Tensor Embedding::operator()(const Tensor& indices) const {
  auto scope = enter();
  return embedding(indices, weight, padding_idx_);
}

}  // namespace attune::nn
