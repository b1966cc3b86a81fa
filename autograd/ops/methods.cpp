// The methods of Tensor, each the function of the same name.

#include "activation.h"
#include "arithmetic.h"
#include "broadcast.h"
#include "linalg.h"
#include "pointwise.h"
#include "reduce.h"
#include "shape.h"
#include "softmax.h"

namespace attune {

Tensor Tensor::sum() const { return attune::sum(*this); }
Tensor Tensor::sum(const Shape& dims, bool keepdim) const {
  return attune::sum(*this, dims, keepdim);
}
Tensor Tensor::mean() const { return attune::mean(*this); }
Tensor Tensor::mean(const Shape& dims, bool keepdim) const {
  return attune::mean(*this, dims, keepdim);
}
Tensor Tensor::reshape(const Shape& shape) const { return attune::reshape(*this, shape); }
Tensor Tensor::view(const Shape& shape) const { return attune::view(*this, shape); }
Tensor Tensor::transpose(int64_t dim0, int64_t dim1) const {
  return attune::transpose(*this, dim0, dim1);
}
Tensor Tensor::permute(const Shape& dims) const { return attune::permute(*this, dims); }
Tensor Tensor::expand(const Shape& shape) const { return attune::expand(*this, shape); }
Tensor Tensor::unsqueeze(int64_t dim) const { return attune::unsqueeze(*this, dim); }
Tensor Tensor::squeeze(int64_t dim) const { return attune::squeeze(*this, dim); }
Tensor Tensor::flatten(int64_t start, int64_t end) const {
  return attune::flatten(*this, start, end);
}
Tensor Tensor::operator[](int64_t index) const { return select(0, index); }
Tensor Tensor::select(int64_t dim, int64_t index) const {
  return attune::select(*this, dim, index);
}
Tensor Tensor::slice(int64_t dim, std::optional<int64_t> start, std::optional<int64_t> stop,
                     int64_t step) const {
  return attune::slice(*this, dim, start, stop, step);
}
Tensor Tensor::narrow(int64_t dim, int64_t start, int64_t length) const {
  return attune::narrow(*this, dim, start, length);
}
Tensor Tensor::matmul(const Tensor& other) const { return attune::matmul(*this, other); }
Tensor Tensor::softmax(int64_t dim) const { return attune::softmax(*this, dim); }
Tensor Tensor::to(DType dtype) const { return attune::to(*this, dtype); }
Tensor Tensor::contiguous() const { return attune::contiguous(*this); }
Tensor Tensor::clone() const { return attune::clone(*this); }
Tensor Tensor::pow(double exponent) const { return attune::pow(*this, exponent); }
Tensor Tensor::exp() const { return attune::exp(*this); }
Tensor Tensor::log() const { return attune::log(*this); }
Tensor Tensor::sqrt() const { return attune::sqrt(*this); }
Tensor Tensor::abs() const { return attune::abs(*this); }
Tensor Tensor::tanh() const { return attune::tanh(*this); }

}  // namespace attune
