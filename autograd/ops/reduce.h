#pragma once

#include "../tensor.h"

namespace attune {

// Reductions, named as in PyTorch. dims: the dimensions that go, negative ones counted from the
// end; an empty set, or none given, means all. keepdim leaves them with size 1. IndexError for a
// dimension that does not exist, ValueError for one named twice. Sums are accumulated in double,
// in an order that does not depend on threads.

// Values, and their int64 positions along the dimension. The values carry the gradient.
struct ValuesAndIndices {
  Tensor values, indices;
};

// Of bool and int64 these are int64; bfloat16 is refused (DTypeError).
Tensor sum(const Tensor& x);
Tensor sum(const Tensor& x, const Shape& dims, bool keepdim = false);
Tensor prod(const Tensor& x);
Tensor prod(const Tensor& x, const Shape& dims, bool keepdim = false);
// Running sums along dim.
Tensor cumsum(const Tensor& x, int64_t dim);

// mean, var, std and norm take float32 and float64 only (DTypeError).
Tensor mean(const Tensor& x);
Tensor mean(const Tensor& x, const Shape& dims, bool keepdim = false);
// Squared distances from the mean, summed and divided by n - correction, by 0 if that is negative;
// std is its root, with gradient 0 where it is 0. Under `using namespace attune`, std(x) would be
// ambiguous: call x.std() or attune::std(x).
Tensor var(const Tensor& x, const Shape& dims = {}, double correction = 1, bool keepdim = false);
Tensor std(const Tensor& x, const Shape& dims = {}, double correction = 1, bool keepdim = false);
// log(sum(exp(x))), without overflow; over nothing but -inf it is -inf, and its gradient NaN.
// int64 and bool give float32; bfloat16 is refused (DTypeError).
Tensor logsumexp(const Tensor& x, const Shape& dims, bool keepdim = false);
// (sum |x|^p)^(1/p); the largest or smallest |x| for p = inf or -inf, the count of non-zeros for
// p = 0. Gradient 0 at the zero vector. Powers other than squares are rounded to the dtype before
// they are added up, so what they cannot hold is lost.
Tensor norm(const Tensor& x, double p = 2, const Shape& dims = {}, bool keepdim = false);

// The extrema. NaN wins; ShapeError over nothing. Equal extrema share the gradient evenly. Where
// one element is NaN, the gradient of amax and amin is NaN in the whole slice, that of max and min
// goes to the NaN.
Tensor amax(const Tensor& x, const Shape& dims = {}, bool keepdim = false);
Tensor amin(const Tensor& x, const Shape& dims = {}, bool keepdim = false);
Tensor max(const Tensor& x);
Tensor min(const Tensor& x);
// Along one dimension, with positions; the first of equals takes the gradient.
ValuesAndIndices max(const Tensor& x, int64_t dim, bool keepdim = false);
ValuesAndIndices min(const Tensor& x, int64_t dim, bool keepdim = false);

// int64 positions of the first extremum: in the flattened x, or along dim. No gradient.
Tensor argmax(const Tensor& x);
Tensor argmin(const Tensor& x);
Tensor argmax(const Tensor& x, int64_t dim, bool keepdim = false);
Tensor argmin(const Tensor& x, int64_t dim, bool keepdim = false);

// bool: whether one, or every, element is not zero. No gradient.
Tensor any(const Tensor& x, const Shape& dims = {}, bool keepdim = false);
Tensor all(const Tensor& x, const Shape& dims = {}, bool keepdim = false);

}  // namespace attune
