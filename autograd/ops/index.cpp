#include "index.h"

#include <algorithm>

#include "../../array/fail.h"
#include "../../array/scope.h"
#include "../../kernels/copy.h"
#include "../../kernels/elementwise.h"
#include "../../kernels/index.h"
#include "../record.h"
#include "arithmetic.h"
#include "broadcast.h"
#include "join.h"
#include "shape.h"

namespace attune {
namespace {

// Zeros of `shape` with source added along dim; the gradient of index_select.
Tensor index_add_zeros(const Shape& shape, int64_t dim, const Tensor& indices,
                       const Tensor& source) {
  if (source.dtype() == bfloat16) return index_add_zeros(shape, dim, indices, to(source, float32));
  Array sums = kernels::zeros(shape, source.dtype());
  kernels::index_add_into(sums, dim, indices.array(), source.array());
  return record("index_add", std::move(sums), wrt(source, [dim, indices](const Tensor& g) {
                  return index_select(g, dim, indices);
                }));
}

// The same into what an input has received already. bfloat16 is only stored: its sums go through
// float32.
void index_add_to(Array& sum, int64_t dim, const Tensor& indices, const Tensor& source) {
  if (sum.dtype() != bfloat16)
    return kernels::index_add_into(sum, dim, indices.array(), source.array());
  Array wide = kernels::convert(sum, float32);
  kernels::index_add_into(wide, dim, indices.array(), kernels::convert(source.array(), float32));
  kernels::copy_into(sum, wide);
}

// int64 [n]: where the 1-D indices into `size` elements name another element than `excluded`.
Tensor positions_other_than(int64_t excluded, int64_t size, const Tensor& indices) {
  const Array dense = kernels::contiguous(indices.array());
  const int64_t* index = dense.data<int64_t>();
  std::vector<int64_t> kept;
  for (int64_t i = 0; i < dense.numel(); ++i)
    if ((index[i] - excluded) % size != 0) kept.push_back(i);
  return tensor(kept, {static_cast<int64_t>(kept.size())});
}

void check_gather(const char* name, const Tensor& x, int64_t dim, const Tensor& index,
                  const Tensor& limit) {
  if (index.dim() != x.dim())
    fail<ShapeError>(name, "index {} and {} differ in dimensions", to_string(index.shape()),
                     to_string(x.shape()));
  for (int64_t d = 0; d < x.dim(); ++d)
    if ((d != dim && index.size(d) > x.size(d)) ||
        (limit.defined() && index.size(d) > limit.size(d)))
      fail<ShapeError>(name, "index {} is larger than {} in dimension {}", to_string(index.shape()),
                       to_string((limit.defined() ? limit : x).shape()), d);
  kernels::check_indices(name, index.array(), x.size(dim));
}

Tensor at_least_1d(const Tensor& x) { return x.dim() == 0 ? reshape(x, {1}) : x; }

}  // namespace

Tensor index_select(const Tensor& x, int64_t dim, const Tensor& indices) {
  const OperationScope scope("index_select");
  if (indices.dim() > 1 || (x.dim() == 0 && indices.numel() != 1))
    fail<ShapeError>("index_select", "{} takes indices [n]{}, got {}", to_string(x.shape()),
                     x.dim() ? "" : " with n = 1", to_string(indices.shape()));
  if (x.dim() == 0) return reshape(index_select(reshape(x, {1}), dim, reshape(indices, {1})), {});
  dim = wrap_dim("index_select", dim, x.dim());
  kernels::check_indices("index_select", indices.array(), x.size(dim));
  const auto gradient = [dim, indices, shape = x.shape()](const Tensor& g) {
    return index_add_zeros(shape, dim, indices, g);
  };
  const auto add = [dim, indices](Array& sum, const Tensor& g) {
    index_add_to(sum, dim, indices, g);
  };
  return record("index_select", kernels::index_select(x.array(), dim, indices.array()),
                wrt(x, Accumulating{gradient, add}));
}

Tensor embedding(const Tensor& indices, const Tensor& weight, std::optional<int64_t> padding_idx) {
  const OperationScope scope("embedding");
  if (weight.dim() != 2)
    fail<ShapeError>("embedding", "weight is {}; it takes [V, D]", to_string(weight.shape()));
  const int64_t rows = weight.size(0);
  kernels::check_indices("embedding", indices.array(), rows);
  if (padding_idx && (*padding_idx < -rows || *padding_idx >= rows))
    fail<IndexError>("embedding", "padding_idx {} is out of range for {} rows", *padding_idx, rows);
  const Tensor flat = reshape(indices, {indices.numel()});
  Shape shape = indices.shape();
  shape.push_back(weight.size(1));
  const Array picked = kernels::index_select(weight.array(), 0, flat.array());
  // Indices, and the gradient of the row that each names.
  const auto named_rows = [=, width = weight.size(1)](const Tensor& g) {
    const Tensor gradients = reshape(g, {flat.numel(), width});
    if (!padding_idx) return std::pair(flat, gradients);
    const Tensor kept = positions_other_than(*padding_idx, rows, flat);
    return std::pair(index_select(flat, 0, kept), index_select(gradients, 0, kept));
  };
  const auto gradient = [named_rows, shape = weight.shape()](const Tensor& g) {
    const auto [named, gradients] = named_rows(g);
    return index_add_zeros(shape, 0, named, gradients);
  };
  const auto add = [named_rows](Array& sum, const Tensor& g) {
    const auto [named, gradients] = named_rows(g);
    index_add_to(sum, 0, named, gradients);
  };
  return record("embedding", *picked.try_view(shape), wrt(weight, Accumulating{gradient, add}));
}

Tensor gather(const Tensor& x, int64_t dim, const Tensor& index) {
  const OperationScope scope("gather");
  if (std::min(x.dim(), index.dim()) == 0 && std::max(x.dim(), index.dim()) <= 1)
    return reshape(gather(at_least_1d(x), dim, at_least_1d(index)), index.shape());
  dim = wrap_dim("gather", dim, x.dim());
  check_gather("gather", x, dim, index, {});
  return record("gather", kernels::gather(x.array(), dim, index.array()),
                wrt(x, [dim, index, shape = x.shape()](const Tensor& g) {
                  const Tensor added = g.dtype() == bfloat16 ? to(g, float32) : g;
                  return scatter_add(Tensor(kernels::zeros(shape, added.dtype())), dim, index,
                                     added);
                }));
}

Tensor take_along_dim(const Tensor& x, const Tensor& index, int64_t dim) {
  const OperationScope scope("take_along_dim");
  if (x.dim() != index.dim())
    fail<ShapeError>("take_along_dim", "index {} and {} differ in dimensions",
                     to_string(index.shape()), to_string(x.shape()));
  dim = wrap_dim("take_along_dim", dim, x.dim());
  Shape x_shape = x.shape(), index_shape = index.shape();
  x_shape[dim] = index_shape[dim] = 1;
  const Shape common = broadcast_shapes("take_along_dim", x_shape, index_shape);
  x_shape = index_shape = common;
  x_shape[dim] = x.size(dim);
  index_shape[dim] = index.size(dim);
  return gather(expand(x, x_shape), dim, expand(index, index_shape));
}

Tensor scatter_add(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& source) {
  const OperationScope scope("scatter_add");
  const auto [least, most] = std::minmax({x.dim(), index.dim(), source.dim()});
  if (least == 0 && most <= 1)
    return reshape(scatter_add(at_least_1d(x), dim, at_least_1d(index), at_least_1d(source)),
                   x.shape());
  dim = wrap_dim("scatter_add", dim, x.dim());
  if (x.dtype() != source.dtype())
    fail<DTypeError>("scatter_add", "source is {}, the tensor {}; convert one with to()",
                     name_of(source.dtype()), name_of(x.dtype()));
  if (source.dim() != x.dim())
    fail<ShapeError>("scatter_add", "source {} and {} differ in dimensions",
                     to_string(source.shape()), to_string(x.shape()));
  check_gather("scatter_add", x, dim, index, source);
  Array sums = kernels::clone(x.array());
  kernels::scatter_add_into(sums, dim, index.array(), source.array());
  return record("scatter_add", std::move(sums), wrt(x, [](const Tensor& g) { return g; }),
                wrt(source, [dim, index, shape = source.shape()](const Tensor& g) {
                  const Tensor picked = gather(g, dim, index);
                  if (picked.shape() == shape) return picked;
                  // Elements of source beyond the index were not used.
                  std::vector<int64_t> padding;
                  for (int64_t d = shape.size() - 1; d >= 0; --d) {
                    padding.push_back(0);
                    padding.push_back(shape[d] - picked.size(d));
                  }
                  return pad(picked, padding);
                }));
}

Tensor index_add(const Tensor& x, int64_t dim, const Tensor& indices, const Tensor& source,
                 double alpha) {
  const OperationScope scope("index_add");
  dim = wrap_dim("index_add", dim, std::max<int64_t>(x.dim(), 1));
  Shape expected = x.shape();
  if (!expected.empty()) expected[dim] = indices.numel();
  const bool fits = x.dim() > 0 || indices.numel() == 1;
  if (!fits || indices.dim() > 1 || source.shape() != expected)
    fail<ShapeError>("index_add", "indices {} and source {} do not fit {} along dimension {}",
                     to_string(indices.shape()), to_string(source.shape()), to_string(x.shape()),
                     dim);
  if (x.dtype() != source.dtype())
    fail<DTypeError>("index_add", "source is {}, the tensor {}; convert one with to()",
                     name_of(source.dtype()), name_of(x.dtype()));
  if (x.dim() == 0)
    return reshape(index_add(reshape(x, {1}), 0, indices, reshape(source, {1}), alpha), {});
  kernels::check_indices("index_add", indices.array(), x.size(dim));
  if (!is_floating(x.dtype())) alpha = kernels::whole_part("index_add", alpha);
  const Tensor added = alpha == 1 ? source : to(source * alpha, x.dtype());
  Array sums = kernels::clone(x.array());
  kernels::index_add_into(sums, dim, indices.array(), added.array());
  return record(
      "index_add", std::move(sums), wrt(x, [](const Tensor& g) { return g; }),
      wrt(added, [dim, indices](const Tensor& g) { return index_select(g, dim, indices); }));
}

Tensor masked_select(const Tensor& x, const Tensor& mask) {
  const OperationScope scope("masked_select");
  if (mask.dtype() != boolean)
    fail<DTypeError>("masked_select", "the mask is {}; compare or convert it to bool",
                     name_of(mask.dtype()));
  const Shape shape = broadcast_shapes("masked_select", x.shape(), mask.shape());
  const Array wide = kernels::contiguous(mask.array().expand(shape));
  const bool* chosen = wide.data<bool>();
  std::vector<int64_t> positions;
  for (int64_t i = 0; i < wide.numel(); ++i)
    if (chosen[i]) positions.push_back(i);
  const auto n = static_cast<int64_t>(positions.size());
  return index_select(reshape(expand(x, shape), {wide.numel()}), 0, tensor(positions, {n}));
}

namespace {

// bool [rows, columns]: true where column - row <= diagonal (lower) or >= diagonal.
Array triangle(int64_t rows, int64_t columns, int64_t diagonal, bool lower) {
  Array mask({rows, columns}, boolean);
  if (columns == 0) return mask;
  bool* at = mask.output<bool>();
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j) *at++ = lower ? j - i <= diagonal : j - i >= diagonal;
  return mask;
}

Tensor triangular(const char* name, const Tensor& x, int64_t diagonal, bool lower) {
  const OperationScope scope(name);
  if (x.dim() < 2)
    fail<ShapeError>(name, "shape {} has fewer than 2 dimensions", to_string(x.shape()));
  const Array mask = triangle(x.size(-2), x.size(-1), diagonal, lower);
  return record(name, kernels::where(mask, x.array(), kernels::zeros({}, x.dtype())),
                wrt(x, [name, diagonal, lower](const Tensor& g) {
                  return triangular(name, g, diagonal, lower);
                }));
}

}  // namespace

Tensor tril(const Tensor& x, int64_t diagonal) { return triangular("tril", x, diagonal, true); }
Tensor triu(const Tensor& x, int64_t diagonal) { return triangular("triu", x, diagonal, false); }

Tensor one_hot(const Tensor& indices, int64_t num_classes) {
  const OperationScope scope("one_hot");
  kernels::check_indices("one_hot", indices.array(), INT64_MAX);
  const Array dense = kernels::contiguous(indices.array());
  const int64_t* index = dense.data<int64_t>();
  const int64_t n = dense.numel();
  if (num_classes < -1)
    fail<ValueError>("one_hot", "{} classes; -1 for as many as the indices need", num_classes);
  if (num_classes == -1) {
    if (n == 0) fail<ValueError>("one_hot", "num_classes cannot be told from no indices; pass it");
    num_classes = std::min(*std::max_element(index, index + n), INT64_MAX - 1) + 1;
  }
  for (int64_t i = 0; i < n; ++i)
    if (index[i] < 0 || index[i] >= num_classes)
      fail<IndexError>("one_hot", "index {} is not below {} classes", index[i], num_classes);
  Shape shape = indices.shape();
  shape.push_back(num_classes);
  Array out = kernels::zeros(shape, int64);
  int64_t* ones = out.output<int64_t>();
  for (int64_t i = 0; i < n; ++i) ones[i * num_classes + index[i]] = 1;
  return Tensor(std::move(out));
}

}  // namespace attune
