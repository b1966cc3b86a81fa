#include "compare.h"

#include <limits>

#include "../../array/scope.h"
#include "../../kernels/copy.h"
#include "../../kernels/elementwise.h"
#include "../record.h"
#include "broadcast.h"

namespace attune {
namespace {

using kernels::Compare;

template <class B>
Tensor test(const char* name, Compare op, const Tensor& a, const B& b) {
  const OperationScope scope(name);
  if constexpr (std::is_same_v<B, double>) {
    return Tensor(kernels::compare(op, a.array(), b));
  } else {
    return Tensor(kernels::compare(op, a.array(), b.array()));
  }
}

// Choosing makes no value: an infinity that fills masked places is meant.
Tensor choose(const Tensor& condition, const Tensor& a, const Tensor& b) {
  const AnomalyMode unchecked(false);
  return record("where", kernels::where(condition.array(), a.array(), b.array()),
                wrt(a, [condition](const Tensor& g) { return where(condition, g, 0.0); }),
                wrt(b, [condition](const Tensor& g) { return where(condition, 0.0, g); }));
}

}  // namespace

Tensor eq(const Tensor& a, const Tensor& b) { return test("eq", Compare::eq, a, b); }
Tensor eq(const Tensor& a, double b) { return test("eq", Compare::eq, a, b); }
Tensor ne(const Tensor& a, const Tensor& b) { return test("ne", Compare::ne, a, b); }
Tensor ne(const Tensor& a, double b) { return test("ne", Compare::ne, a, b); }
Tensor lt(const Tensor& a, const Tensor& b) { return test("lt", Compare::lt, a, b); }
Tensor lt(const Tensor& a, double b) { return test("lt", Compare::lt, a, b); }
Tensor le(const Tensor& a, const Tensor& b) { return test("le", Compare::le, a, b); }
Tensor le(const Tensor& a, double b) { return test("le", Compare::le, a, b); }
Tensor gt(const Tensor& a, const Tensor& b) { return test("gt", Compare::gt, a, b); }
Tensor gt(const Tensor& a, double b) { return test("gt", Compare::gt, a, b); }
Tensor ge(const Tensor& a, const Tensor& b) { return test("ge", Compare::ge, a, b); }
Tensor ge(const Tensor& a, double b) { return test("ge", Compare::ge, a, b); }

Tensor logical_and(const Tensor& a, const Tensor& b) {
  return test("logical_and", Compare::logical_and, a, b);
}
Tensor logical_or(const Tensor& a, const Tensor& b) {
  return test("logical_or", Compare::logical_or, a, b);
}
Tensor logical_xor(const Tensor& a, const Tensor& b) {
  const OperationScope scope("logical_xor");
  return ne(to(a, boolean), to(b, boolean));
}
Tensor logical_not(const Tensor& x) {
  const OperationScope scope("logical_not");
  return Tensor(kernels::logical_not(x.array()));
}

Tensor isnan(const Tensor& x) {
  const OperationScope scope("isnan");
  return ne(x, x);
}
Tensor isinf(const Tensor& x) {
  const OperationScope scope("isinf");
  if (!is_floating(x.dtype())) return Tensor(kernels::zeros(x.shape(), boolean));
  return Tensor(kernels::compare(Compare::eq, kernels::unary(kernels::Unary::abs, x.array()),
                                 std::numeric_limits<double>::infinity()));
}
Tensor isfinite(const Tensor& x) {
  const OperationScope scope("isfinite");
  if (!is_floating(x.dtype())) return Tensor(kernels::ones(x.shape(), boolean));
  return Tensor(kernels::compare(Compare::lt, kernels::unary(kernels::Unary::abs, x.array()),
                                 std::numeric_limits<double>::infinity()));
}

Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b) {
  const OperationScope scope("where");
  return choose(condition, a, b);
}
Tensor where(const Tensor& condition, const Tensor& a, double b) {
  const OperationScope scope("where");
  return choose(condition, a, Tensor(kernels::scalar_like(b, a.dtype())));
}
Tensor where(const Tensor& condition, double a, const Tensor& b) {
  const OperationScope scope("where");
  return choose(condition, Tensor(kernels::scalar_like(a, b.dtype())), b);
}

Tensor masked_fill(const Tensor& x, const Tensor& mask, double value) {
  const OperationScope scope("masked_fill");
  const Array filler = kernels::full({}, x.dtype(), value);
  const AnomalyMode unchecked(false);
  return record("masked_fill", kernels::where(mask.array(), filler, x.array()),
                wrt(x, [mask](const Tensor& g) { return masked_fill(g, mask, 0); }));
}

}  // namespace attune
