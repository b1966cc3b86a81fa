#include "shape.h"

#include <functional>

#include "../../array/fail.h"
#include "../../array/scope.h"
#include "../../kernels/copy.h"
#include "../../kernels/elementwise.h"
#include "../record.h"

namespace attune {
namespace {

using View = std::function<Array(const Array&)>;

// The gradient of a view that leaves elements out: g at the viewed places of a zero array. Its own
// gradient is the same view again.
Tensor scatter_view(const char* name, const Tensor& g, const Shape& shape, const View& view) {
  Array full = kernels::zeros(shape, g.dtype());
  Array places = view(full);
  kernels::copy_into(places, g.array());
  return record(name, std::move(full), wrt(g, [name, shape, view](const Tensor& d) {
                  return record(name, view(d.array()), wrt(d, [name, shape, view](const Tensor& e) {
                                  return scatter_view(name, e, shape, view);
                                }));
                }));
}

Tensor partial_view(const char* name, const Tensor& x, const View& view) {
  const auto scatter = [name, shape = x.shape(), view](const Tensor& g) {
    return scatter_view(name, g, shape, view);
  };
  const auto add = [view](Array& sum, const Tensor& g) {
    Array places = view(sum);
    kernels::add_into(places, g.array());
  };
  return record(name, view(x.array()), wrt(x, Accumulating{scatter, add}));
}

}  // namespace

Tensor reshape(const Tensor& x, const Shape& shape) {
  const OperationScope scope("reshape");
  const Shape wanted = infer_shape("reshape", shape, x.numel());
  if (wanted == x.shape()) return x;
  return record("reshape", kernels::reshape(x.array(), wanted),
                wrt(x, [from = x.shape()](const Tensor& g) { return reshape(g, from); }));
}

Tensor view(const Tensor& x, const Shape& shape) {
  const OperationScope scope("view");
  std::optional<Array> viewed = x.array().try_view(infer_shape("view", shape, x.numel()));
  if (!viewed)
    fail<ShapeError>("view",
                     "shape {} with strides {} cannot be seen as {} without a copy; use "
                     "reshape",
                     to_string(x.shape()), to_string(x.array().strides()), to_string(shape));
  return record("view", *std::move(viewed),
                wrt(x, [from = x.shape()](const Tensor& g) { return reshape(g, from); }));
}

Tensor flatten(const Tensor& x, int64_t start, int64_t end) {
  const OperationScope scope("flatten");
  start = wrap_dim("flatten", start, std::max<int64_t>(1, x.dim()));
  end = wrap_dim("flatten", end, std::max<int64_t>(1, x.dim()));
  if (x.dim() == 0) return reshape(x, {1});
  if (start > end) fail<ShapeError>("flatten", "start {} comes after end {}", start, end);
  Shape shape;
  int64_t merged = 1;
  for (int64_t d = 0; d < x.dim(); ++d) {
    if (d < start || d > end) {
      shape.push_back(x.size(d));
      continue;
    }
    merged *= x.size(d);
    if (d == end) shape.push_back(merged);
  }
  return reshape(x, shape);
}

Tensor transpose(const Tensor& x, int64_t dim0, int64_t dim1) {
  const OperationScope scope("transpose");
  return record("transpose", x.array().transpose(dim0, dim1),
                wrt(x, [dim0, dim1](const Tensor& g) { return transpose(g, dim0, dim1); }));
}

Tensor permute(const Tensor& x, const Shape& dims) {
  const OperationScope scope("permute");
  Array permuted = x.array().permute(dims);
  Shape inverse = dims;
  for (int64_t i = 0; i < dims.size(); ++i) inverse[wrap_dim("permute", dims[i], x.dim())] = i;
  return record("permute", std::move(permuted),
                wrt(x, [inverse](const Tensor& g) { return permute(g, inverse); }));
}

Tensor swapaxes(const Tensor& x, int64_t dim0, int64_t dim1) {
  const OperationScope scope("swapaxes");
  return transpose(x, dim0, dim1);
}

Tensor movedim(const Tensor& x, const Shape& source, const Shape& destination) {
  const OperationScope scope("movedim");
  if (source.size() != destination.size())
    fail<ShapeError>("movedim", "dimensions {} to places {}; there must be as many",
                     to_string(source), to_string(destination));
  Shape order = Shape::filled(x.dim(), -1), moved = Shape::filled(x.dim(), 0);
  for (int64_t i = 0; i < source.size(); ++i) {
    const int64_t from = wrap_dim("movedim", source[i], x.dim());
    const int64_t to = wrap_dim("movedim", destination[i], x.dim());
    if (x.dim() == 0) return x;
    if (moved[from]++ || order[to] >= 0)
      fail<ValueError>("movedim", "a dimension is named twice in {} or {}", to_string(source),
                       to_string(destination));
    order[to] = from;
  }
  int64_t next = 0;
  for (int64_t& dim : order) {
    if (dim >= 0) continue;
    while (moved[next]) ++next;
    dim = next++;
  }
  return permute(x, order);
}
Tensor movedim(const Tensor& x, int64_t source, int64_t destination) {
  return movedim(x, Shape{source}, Shape{destination});
}

Tensor expand(const Tensor& x, const Shape& shape) {
  const OperationScope scope("expand");
  return record("expand", x.array().expand(shape), wrt(x, [](const Tensor& g) { return g; }));
}

Tensor squeeze(const Tensor& x) {
  const OperationScope scope("squeeze");
  Shape shape;
  for (int64_t size : x.shape())
    if (size != 1) shape.push_back(size);
  return view(x, shape);
}

Tensor squeeze(const Tensor& x, int64_t dim) {
  const OperationScope scope("squeeze");
  return record("squeeze", x.array().squeeze(dim),
                wrt(x, [from = x.shape()](const Tensor& g) { return reshape(g, from); }));
}

Tensor unsqueeze(const Tensor& x, int64_t dim) {
  const OperationScope scope("unsqueeze");
  return record("unsqueeze", x.array().unsqueeze(dim),
                wrt(x, [from = x.shape()](const Tensor& g) { return reshape(g, from); }));
}

Tensor slice(const Tensor& x, int64_t dim, std::optional<int64_t> start,
             std::optional<int64_t> stop, int64_t step) {
  const OperationScope scope("slice");
  return partial_view("slice", x, [=](const Array& a) { return a.slice(dim, start, stop, step); });
}

Tensor narrow(const Tensor& x, int64_t dim, int64_t start, int64_t length) {
  const OperationScope scope("narrow");
  return partial_view("narrow", x, [=](const Array& a) { return a.narrow(dim, start, length); });
}

Tensor select(const Tensor& x, int64_t dim, int64_t index) {
  const OperationScope scope("select");
  return partial_view("select", x, [=](const Array& a) { return a.select(dim, index); });
}

Tensor flip(const Tensor& x, const Shape& dims) {
  const OperationScope scope("flip");
  Array flipped = x.array();
  Shape seen;
  for (int64_t d : dims) {
    const int64_t dim = wrap_dim("flip", d, x.dim());
    if (std::find(seen.begin(), seen.end(), dim) != seen.end())
      fail<ValueError>("flip", "dimension {} is named twice in {}", dim, to_string(dims));
    seen.push_back(dim);
    flipped = flipped.flip(dim);
  }
  return record("flip", std::move(flipped),
                wrt(x, [dims](const Tensor& g) { return flip(g, dims); }));
}

Tensor diagonal(const Tensor& x, int64_t offset, int64_t dim1, int64_t dim2) {
  const OperationScope scope("diagonal");
  return partial_view("diagonal", x,
                      [=](const Array& a) { return a.diagonal(offset, dim1, dim2); });
}

Tensor diag(const Tensor& x, int64_t diagonal) {
  const OperationScope scope("diag");
  if (x.dim() == 2) return attune::diagonal(x, diagonal);
  if (x.dim() != 1)
    fail<ShapeError>("diag", "takes a vector or a matrix, got {}", to_string(x.shape()));
  constexpr int64_t farthest = int64_t{1} << 31;
  if (diagonal < -farthest || diagonal > farthest)
    fail<ValueError>("diag", "the diagonal {} is too far out for a matrix", diagonal);
  const int64_t n = x.size(0) + std::abs(diagonal);
  return scatter_view("diag", x, {n, n},
                      [diagonal](const Array& a) { return a.diagonal(diagonal); });
}

}  // namespace attune
