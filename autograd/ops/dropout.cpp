#include "dropout.h"

#include "../../array/fail.h"
#include "../../array/scope.h"
#include "../../kernels/dropout.h"
#include "../record.h"

namespace attune {
namespace {

Tensor dropout_of(const Tensor& x, double p, RandomState draw) {
  return record("dropout", kernels::dropout(x.array(), p, draw),
                wrt(x, [p, draw](const Tensor& g) { return dropout_of(g, p, draw); }));
}

}  // namespace

Tensor dropout(const Tensor& x, double p, bool training) {
  const OperationScope scope("dropout");
  if (!(p >= 0 && p <= 1)) fail<ValueError>("dropout", "p is {}; a probability lies in [0, 1]", p);
  if (x.numel() == 0 || !training || p == 0) return x;
  return with_next_draw([&](RandomState draw) { return dropout_of(x, p, draw); });
}

}  // namespace attune
