#include "linear.h"

#include <cmath>

#include "../array/fail.h"
#include "../autograd/ops/index.h"
#include "../autograd/ops/linalg.h"
#include "init.h"

namespace attune::nn {

Linear::Linear(int64_t in, int64_t out, LinearOptions options) {
  if (in < 0 || out < 0) fail<ValueError>("Linear", "{} inputs and {} outputs", in, out);
  describe("Linear", fmt::format("in={}, out={}, bias={}", in, out, options.bias));
  weight = param("weight", Tensor(Array({out, in}, float32)));
  const double bound = in > 0 ? 1 / std::sqrt(static_cast<double>(in)) : 0;
  init::uniform_(weight, -bound, bound);
  if (!options.bias) return;
  bias = param("bias", Tensor(Array({out}, float32)));
  init::uniform_(bias, -bound, bound);
}

Tensor Linear::operator()(const Tensor& x) const {
  auto scope = enter();
  return linear(x, weight, bias);
}

Embedding::Embedding(int64_t num, int64_t dim) {
  describe("Embedding", fmt::format("{}, {}", num, dim));
  weight = param("weight", Tensor(Array({num, dim}, float32)));
  init::normal_(weight);
}

Tensor Embedding::operator()(const Tensor& indices) const {
  auto scope = enter();
  return embedding(indices, weight);
}

}  // namespace attune::nn
