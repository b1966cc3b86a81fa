#include "broadcast.h"

#include "../../array/fail.h"
#include "../../array/scope.h"
#include "../../kernels/copy.h"
#include "../../kernels/reduce.h"
#include "../record.h"
#include "shape.h"

namespace attune {

Tensor broadcast_to(const Tensor& x, const Shape& shape) {
  const OperationScope scope("broadcast_to");
  return expand(x, shape);
}

Tensor sum_to(const Tensor& x, const Shape& shape) {
  const OperationScope scope("sum_to");
  if (broadcast_shapes("sum_to", x.shape(), shape) != x.shape())
    fail<ShapeError>("sum_to", "{} does not broadcast to {}", to_string(shape),
                     to_string(x.shape()));
  return record("sum_to", kernels::sum_to(x.array(), shape),
                wrt(x, [from = x.shape()](const Tensor& g) { return broadcast_to(g, from); }));
}

Tensor to(const Tensor& x, DType dtype) {
  const OperationScope scope("to");
  if (x.dtype() == dtype) return x;
  Array converted = kernels::convert(x.array(), dtype);
  if (!is_floating(dtype)) return Tensor(std::move(converted));
  return record("to", std::move(converted),
                wrt(x, [from = x.dtype()](const Tensor& g) { return to(g, from); }));
}

Tensor clone(const Tensor& x) {
  const OperationScope scope("clone");
  return record("clone", kernels::clone(x.array()), wrt(x, [](const Tensor& g) { return g; }));
}

Tensor contiguous(const Tensor& x) {
  const OperationScope scope("contiguous");
  return x.array().is_contiguous() ? x : clone(x);
}

}  // namespace attune
