#include "sort.h"

#include "../../array/scope.h"
#include "../../kernels/sort.h"
#include "index.h"

namespace attune {
namespace {

ValuesAndIndices pick(const Tensor& x, int64_t dim, Array positions) {
  Tensor indices(std::move(positions));
  return {gather(x, dim, indices), indices};
}

}  // namespace

ValuesAndIndices sort(const Tensor& x, int64_t dim, bool descending) {
  const OperationScope scope("sort");
  return pick(x, dim, kernels::argsort(x.array(), dim, descending));
}

Tensor argsort(const Tensor& x, int64_t dim, bool descending) {
  const OperationScope scope("argsort");
  return Tensor(kernels::argsort(x.array(), dim, descending));
}

ValuesAndIndices topk(const Tensor& x, int64_t k, int64_t dim, bool largest) {
  const OperationScope scope("topk");
  return pick(x, dim, kernels::arg_topk(x.array(), k, dim, largest));
}

}  // namespace attune
