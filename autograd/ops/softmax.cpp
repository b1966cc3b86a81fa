#include "softmax.h"

#include "../../array/scope.h"
#include "../../kernels/softmax.h"
#include "../record.h"
#include "arithmetic.h"
#include "broadcast.h"
#include "pointwise.h"
#include "reduce.h"
#include "shape.h"

namespace attune {

Tensor softmax(const Tensor& x, int64_t dim) {
  const OperationScope scope("softmax");
  dim = wrap_dim("softmax", dim, x.dim());
  if (dim < x.dim() - 1) return contiguous(transpose(softmax(transpose(x, dim, -1), -1), dim, -1));
  return record("softmax", kernels::softmax(x.array()),
                wrt(x, [](const Tensor& g, const Tensor& y) {
                  if (!grad_enabled())
                    return Tensor(kernels::softmax_backward(g.array(), y.array()));
                  return y * (g - sum(g * y, {-1}, true));
                }));
}

Tensor log_softmax(const Tensor& x, int64_t dim) {
  const OperationScope scope("log_softmax");
  dim = wrap_dim("log_softmax", dim, x.dim());
  if (dim < x.dim() - 1)
    return contiguous(transpose(log_softmax(transpose(x, dim, -1), -1), dim, -1));
  return record("log_softmax", kernels::log_softmax(x.array()),
                wrt(x, [](const Tensor& g, const Tensor& y) {
                  if (!grad_enabled())
                    return Tensor(kernels::log_softmax_backward(g.array(), y.array()));
                  return g - exp(y) * sum(g, {-1}, true);
                }));
}

Tensor softmin(const Tensor& x, int64_t dim) {
  const OperationScope scope("softmin");
  return softmax(-x, dim);
}

}  // namespace attune
