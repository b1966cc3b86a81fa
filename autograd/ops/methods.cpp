// The methods of Tensor, each the function of the same name.

#include "activation.h"
#include "arithmetic.h"
#include "broadcast.h"
#include "compare.h"
#include "index.h"
#include "join.h"
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
Tensor Tensor::prod() const { return attune::prod(*this); }
Tensor Tensor::prod(const Shape& dims, bool keepdim) const {
  return attune::prod(*this, dims, keepdim);
}
Tensor Tensor::var(const Shape& dims, double correction, bool keepdim) const {
  return attune::var(*this, dims, correction, keepdim);
}
Tensor Tensor::std(const Shape& dims, double correction, bool keepdim) const {
  return attune::std(*this, dims, correction, keepdim);
}
Tensor Tensor::norm(double p, const Shape& dims, bool keepdim) const {
  return attune::norm(*this, p, dims, keepdim);
}
Tensor Tensor::logsumexp(const Shape& dims, bool keepdim) const {
  return attune::logsumexp(*this, dims, keepdim);
}
Tensor Tensor::amax(const Shape& dims, bool keepdim) const {
  return attune::amax(*this, dims, keepdim);
}
Tensor Tensor::amin(const Shape& dims, bool keepdim) const {
  return attune::amin(*this, dims, keepdim);
}
Tensor Tensor::max() const { return attune::max(*this); }
Tensor Tensor::min() const { return attune::min(*this); }
Tensor Tensor::argmax() const { return attune::argmax(*this); }
Tensor Tensor::argmax(int64_t dim, bool keepdim) const {
  return attune::argmax(*this, dim, keepdim);
}
Tensor Tensor::argmin() const { return attune::argmin(*this); }
Tensor Tensor::argmin(int64_t dim, bool keepdim) const {
  return attune::argmin(*this, dim, keepdim);
}
Tensor Tensor::any(const Shape& dims, bool keepdim) const {
  return attune::any(*this, dims, keepdim);
}
Tensor Tensor::all(const Shape& dims, bool keepdim) const {
  return attune::all(*this, dims, keepdim);
}
Tensor Tensor::cumsum(int64_t dim) const { return attune::cumsum(*this, dim); }
Tensor Tensor::reshape(const Shape& shape) const { return attune::reshape(*this, shape); }
Tensor Tensor::view(const Shape& shape) const { return attune::view(*this, shape); }
Tensor Tensor::transpose(int64_t dim0, int64_t dim1) const {
  return attune::transpose(*this, dim0, dim1);
}
Tensor Tensor::permute(const Shape& dims) const { return attune::permute(*this, dims); }
Tensor Tensor::expand(const Shape& shape) const { return attune::expand(*this, shape); }
Tensor Tensor::unsqueeze(int64_t dim) const { return attune::unsqueeze(*this, dim); }
Tensor Tensor::squeeze() const { return attune::squeeze(*this); }
Tensor Tensor::squeeze(int64_t dim) const { return attune::squeeze(*this, dim); }
Tensor Tensor::flatten(int64_t start, int64_t end) const {
  return attune::flatten(*this, start, end);
}
Tensor Tensor::select(int64_t dim, int64_t index) const {
  return attune::select(*this, dim, index);
}
Tensor Tensor::operator[](int64_t index) const { return select(0, index); }
Tensor Tensor::slice(int64_t dim, std::optional<int64_t> start, std::optional<int64_t> stop,
                     int64_t step) const {
  return attune::slice(*this, dim, start, stop, step);
}
Tensor Tensor::narrow(int64_t dim, int64_t start, int64_t length) const {
  return attune::narrow(*this, dim, start, length);
}
Tensor Tensor::flip(const Shape& dims) const { return attune::flip(*this, dims); }
Tensor Tensor::repeat(const Shape& repeats) const { return attune::repeat(*this, repeats); }
std::vector<Tensor> Tensor::split(int64_t size, int64_t dim) const {
  return attune::split(*this, size, dim);
}
std::vector<Tensor> Tensor::chunk(int64_t chunks, int64_t dim) const {
  return attune::chunk(*this, chunks, dim);
}
Tensor Tensor::index_select(int64_t dim, const Tensor& indices) const {
  return attune::index_select(*this, dim, indices);
}
Tensor Tensor::gather(int64_t dim, const Tensor& index) const {
  return attune::gather(*this, dim, index);
}
Tensor Tensor::masked_fill(const Tensor& mask, double value) const {
  return attune::masked_fill(*this, mask, value);
}
Tensor Tensor::tril(int64_t diagonal) const { return attune::tril(*this, diagonal); }
Tensor Tensor::triu(int64_t diagonal) const { return attune::triu(*this, diagonal); }
Tensor Tensor::matmul(const Tensor& other) const { return attune::matmul(*this, other); }
Tensor Tensor::softmax(int64_t dim) const { return attune::softmax(*this, dim); }
Tensor Tensor::log_softmax(int64_t dim) const { return attune::log_softmax(*this, dim); }
Tensor Tensor::to(DType dtype) const { return attune::to(*this, dtype); }
Tensor Tensor::contiguous() const { return attune::contiguous(*this); }
Tensor Tensor::clone() const { return attune::clone(*this); }
Tensor Tensor::clamp(std::optional<double> low, std::optional<double> high) const {
  return attune::clamp(*this, low, high);
}
Tensor Tensor::pow(double exponent) const { return attune::pow(*this, exponent); }
Tensor Tensor::pow(const Tensor& exponent) const { return attune::pow(*this, exponent); }
Tensor Tensor::exp() const { return attune::exp(*this); }
Tensor Tensor::log() const { return attune::log(*this); }
Tensor Tensor::sqrt() const { return attune::sqrt(*this); }
Tensor Tensor::rsqrt() const { return attune::rsqrt(*this); }
Tensor Tensor::square() const { return attune::square(*this); }
Tensor Tensor::sin() const { return attune::sin(*this); }
Tensor Tensor::cos() const { return attune::cos(*this); }
Tensor Tensor::abs() const { return attune::abs(*this); }
Tensor Tensor::tanh() const { return attune::tanh(*this); }
Tensor Tensor::sigmoid() const { return attune::sigmoid(*this); }
Tensor Tensor::relu() const { return attune::relu(*this); }

}  // namespace attune
