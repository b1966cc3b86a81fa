#include "reduce.h"

#include <limits>

#include "../../array/scope.h"
#include "../../kernels/copy.h"
#include "../../kernels/elementwise.h"
#include "../../kernels/reduce.h"
#include "../record.h"
#include "arithmetic.h"
#include "broadcast.h"
#include "compare.h"
#include "index.h"
#include "join.h"
#include "pointwise.h"
#include "reduction_shape.h"
#include "shape.h"

namespace attune {

using detail::Reduced;
using kernels::Compare;

Tensor sum(const Tensor& x) { return sum(x, {}); }
Tensor sum(const Tensor& x, const Shape& dims, bool keepdim) {
  const OperationScope scope("sum");
  const Reduced over("sum", x, dims);
  return record("sum", kernels::sum(x.array(), over.dims, keepdim),
                wrt(x, [over](const Tensor& g) { return broadcast_to(over.keep(g), over.from); }));
}

Tensor mean(const Tensor& x) { return mean(x, {}); }
Tensor mean(const Tensor& x, const Shape& dims, bool keepdim) {
  const OperationScope scope("mean");
  const Reduced over("mean", x, dims);
  return record("mean", kernels::mean(x.array(), over.dims, keepdim),
                wrt(x, [over](const Tensor& g) {
                  // Of no elements, there is nothing to divide.
                  const auto length = static_cast<double>(std::max<int64_t>(1, over.length()));
                  return broadcast_to(over.keep(g) / length, over.from);
                }));
}

Tensor prod(const Tensor& x) { return prod(x, {}); }

namespace {

// The product as a tree of multiplications: its derivatives need no division.
Tensor product_tree(const Tensor& x, const Reduced& over) {
  Tensor level = over.flatten(x);
  for (int64_t n = level.size(-1); n > 1; n = level.size(-1)) {
    const Tensor pairs = narrow(level, -1, 0, n / 2) * narrow(level, -1, n / 2, n / 2);
    level = n % 2 ? cat({pairs, narrow(level, -1, n - 1, 1)}, -1) : pairs;
  }
  return reshape(level, over.kept);
}

// Whether no product was rounded to 0, infinity or to few digits, and no factor is 0: only then is
// the product over a factor that of the others. What is NaN stays NaN, but may hide a factor of 0.
bool can_be_divided(const Tensor& factors, const Tensor& products) {
  const auto some = [](const Tensor& test) { return any(test).item<bool>(); };
  const Tensor size = abs(products.detach());
  const double smallest = visit_floating("prod", size.dtype(), []<class T>(TypeTag<T>) {
    return static_cast<double>(std::numeric_limits<T>::min());
  });
  const bool hidden = some(isnan(size)) && some(factors == 0.0);
  return !hidden && !some(size < smallest) && !some(size > largest_finite(size.dtype()));
}

Tensor prod_gradient(const Tensor& x, const Tensor& y, const Tensor& g, const Reduced& over) {
  if (can_be_divided(x, y)) return over.keep(g) * over.keep(y) / x;
  const auto tree = [over](std::span<const Tensor> inputs) {
    return product_tree(inputs[0], over);
  };
  return composite_gradients(tree, {x}, over.keep(g))[0];
}

}  // namespace

Tensor prod(const Tensor& x, const Shape& dims, bool keepdim) {
  const OperationScope scope("prod");
  const Reduced over("prod", x, dims);
  return record(
      "prod", kernels::prod(x.array(), over.dims, keepdim),
      wrt(x, [x, over](const Tensor& g, const Tensor& y) { return prod_gradient(x, y, g, over); }));
}

namespace {

Tensor reverse_cumsum(const Tensor& x, int64_t dim) {
  const Array flipped = x.dim() ? x.array().flip(dim) : x.array();
  const Array sums = kernels::cumsum(flipped, dim);
  return record("reverse_cumsum", x.dim() ? sums.flip(dim) : sums,
                wrt(x, [dim](const Tensor& g) { return cumsum(g, dim); }));
}

}  // namespace

Tensor cumsum(const Tensor& x, int64_t dim) {
  const OperationScope scope("cumsum");
  return record("cumsum", kernels::cumsum(x.array(), dim),
                wrt(x, [dim](const Tensor& g) { return reverse_cumsum(g, dim); }));
}

namespace {

// hits: which elements of the first array take a share of the gradient, given the extrema.
Tensor extremum(const char* name, const Tensor& x, Array value, const Reduced& over,
                Array (*hits)(const Array&, const Array&)) {
  return record(name, std::move(value), wrt(x, [x, over, hits](const Tensor& g, const Tensor& y) {
                  const Array extrema = over.keep(y.detach()).array();
                  return over.keep(g) * detail::shares(hits(x.array(), extrema), over, x.dtype());
                }));
}

Array equal(const Array& x, const Array& extrema) {
  return kernels::compare(Compare::eq, x, extrema);
}

ValuesAndIndices pick(const Tensor& x, int64_t dim, bool keepdim, Array positions) {
  Tensor indices(std::move(positions));
  Tensor values = gather(x, dim, indices);
  if (keepdim || x.dim() == 0) return {values, indices};
  return {squeeze(values, dim), squeeze(indices, dim)};
}

Array flat(const Tensor& x) { return kernels::reshape(x.array(), {x.numel()}); }

}  // namespace

Tensor amax(const Tensor& x, const Shape& dims, bool keepdim) {
  const OperationScope scope("amax");
  const Reduced over("amax", x, dims);
  return extremum("amax", x, kernels::amax(x.array(), over.dims, keepdim), over, equal);
}
Tensor amin(const Tensor& x, const Shape& dims, bool keepdim) {
  const OperationScope scope("amin");
  const Reduced over("amin", x, dims);
  return extremum("amin", x, kernels::amin(x.array(), over.dims, keepdim), over, equal);
}
Tensor max(const Tensor& x) {
  const OperationScope scope("max");
  const Reduced over("max", x, {});
  return extremum("max", x, kernels::amax(x.array(), over.dims, false), over, detail::at_extremum);
}
Tensor min(const Tensor& x) {
  const OperationScope scope("min");
  const Reduced over("min", x, {});
  return extremum("min", x, kernels::amin(x.array(), over.dims, false), over, detail::at_extremum);
}
ValuesAndIndices max(const Tensor& x, int64_t dim, bool keepdim) {
  const OperationScope scope("max");
  return pick(x, dim, keepdim, kernels::argmax(x.array(), dim, true));
}
ValuesAndIndices min(const Tensor& x, int64_t dim, bool keepdim) {
  const OperationScope scope("min");
  return pick(x, dim, keepdim, kernels::argmin(x.array(), dim, true));
}

Tensor argmax(const Tensor& x) {
  const OperationScope scope("argmax");
  return Tensor(kernels::argmax(flat(x), 0, false));
}
Tensor argmin(const Tensor& x) {
  const OperationScope scope("argmin");
  return Tensor(kernels::argmin(flat(x), 0, false));
}
Tensor argmax(const Tensor& x, int64_t dim, bool keepdim) {
  const OperationScope scope("argmax");
  return Tensor(kernels::argmax(x.array(), dim, keepdim));
}
Tensor argmin(const Tensor& x, int64_t dim, bool keepdim) {
  const OperationScope scope("argmin");
  return Tensor(kernels::argmin(x.array(), dim, keepdim));
}

Tensor any(const Tensor& x, const Shape& dims, bool keepdim) {
  const OperationScope scope("any");
  return Tensor(kernels::any(x.array(), Reduced("any", x, dims).dims, keepdim));
}
Tensor all(const Tensor& x, const Shape& dims, bool keepdim) {
  const OperationScope scope("all");
  return Tensor(kernels::all(x.array(), Reduced("all", x, dims).dims, keepdim));
}

}  // namespace attune
