#include "softmax.h"

#include "../../array/scope.h"
#include "../../kernels/copy.h"
#include "../../kernels/softmax.h"
#include "../record.h"
#include "arithmetic.h"
#include "pointwise.h"
#include "reduce.h"
#include "shape.h"

namespace attune {

namespace {

// With the dimension last, where kernels take it, or back in its place.
Array swapped(const Array& x, int64_t dim) { return x.dim() > 1 ? x.transpose(dim, -1) : x; }

}  // namespace

Tensor softmax(const Tensor& x, int64_t dim) {
  const OperationScope scope("softmax");
  dim = wrap_dim("softmax", dim, x.dim());
  const Array value = kernels::contiguous(swapped(kernels::softmax(swapped(x.array(), dim)), dim));
  return record(
      "softmax", value, wrt(x, [dim](const Tensor& g, const Tensor& y) {
        if (grad_enabled()) return y * (g - sum(g * y, {dim}, true));
        return Tensor(swapped(
            kernels::softmax_backward(swapped(g.array(), dim), swapped(y.array(), dim)), dim));
      }));
}

Tensor log_softmax(const Tensor& x, int64_t dim) {
  const OperationScope scope("log_softmax");
  dim = wrap_dim("log_softmax", dim, x.dim());
  const Array value =
      kernels::contiguous(swapped(kernels::log_softmax(swapped(x.array(), dim)), dim));
  return record(
      "log_softmax", value, wrt(x, [dim](const Tensor& g, const Tensor& y) {
        if (grad_enabled()) return g - exp(y) * sum(g, {dim}, true);
        return Tensor(swapped(
            kernels::log_softmax_backward(swapped(g.array(), dim), swapped(y.array(), dim)), dim));
      }));
}

Tensor softmin(const Tensor& x, int64_t dim) {
  const OperationScope scope("softmin");
  return softmax(-x, dim);
}

}  // namespace attune
