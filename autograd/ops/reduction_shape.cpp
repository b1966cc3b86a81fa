#include "reduction_shape.h"

#include "../../array/fail.h"
#include "../../kernels/copy.h"
#include "../../kernels/elementwise.h"
#include "../../kernels/reduce.h"
#include "shape.h"

namespace attune::detail {

Reduced::Reduced(const char* operation, const Tensor& x, const Shape& given)
    : dims(given), from(x.shape()), kept(x.shape()) {
  if (dims.empty()) dims = kernels::all_dims(x.dim());
  // A scalar has one element along dimension 0 or -1, as in PyTorch.
  if (from.empty()) {
    for (const int64_t dim : dims) wrap_dim(operation, dim, 1);
    if (dims.size() > 1)
      fail<ValueError>(operation, "dimensions {} of a scalar; it has one", to_string(dims));
    dims = {};
  }
  for (int64_t& dim : dims) {
    dim = wrap_dim(operation, dim, from.size());
    kept[dim] = 1;
  }
}

int64_t Reduced::length() const {
  int64_t product = 1;
  for (const int64_t dim : dims) product *= from[dim];
  return product;
}

Shape Reduced::result(bool keepdim) const {
  if (keepdim) return kept;
  Shape shape;
  for (int64_t i = 0; i < from.size(); ++i)
    if (std::find(dims.begin(), dims.end(), i) == dims.end()) shape.push_back(from[i]);
  return shape;
}

Tensor Reduced::keep(const Tensor& y) const { return y.shape() == kept ? y : reshape(y, kept); }

Tensor Reduced::flatten(const Tensor& x) const {
  Shape order, shape = result(false);
  for (int64_t i = 0; i < from.size(); ++i)
    if (std::find(dims.begin(), dims.end(), i) == dims.end()) order.push_back(i);
  for (const int64_t dim : dims) order.push_back(dim);
  shape.push_back(length());
  return reshape(permute(x, order), shape);
}

Array at_extremum(const Array& x, const Array& extremum) {
  using kernels::Compare;
  return kernels::compare(Compare::logical_or, kernels::compare(Compare::eq, x, extremum),
                          kernels::compare(Compare::ne, x, x));
}

Tensor shares(const Array& hits, const Reduced& over, DType dtype) {
  const Array count = kernels::convert(kernels::sum(hits, over.dims, true), dtype);
  const Array weights = kernels::convert(hits, dtype);
  return Tensor(kernels::binary(kernels::Binary::div, weights, count));
}

}  // namespace attune::detail
