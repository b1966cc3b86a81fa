#pragma once

#include "../tensor.h"

namespace attune::detail {

// The shapes around a reduction, for its backward formula. For ops' own .cpp files.
struct Reduced {
  // dims empty means all of x's.
  Reduced(const char* operation, const Tensor& x, const Shape& dims);

  Shape dims;  // counted from 0, at least one unless x is a scalar
  Shape from;  // the input
  Shape kept;  // the result with keepdim

  // How many elements make one of the result.
  int64_t length() const;
  // The shape of the result.
  Shape result(bool keepdim) const;
  // A result, whether or not it was made with keepdim, in a shape that broadcasts with x.
  Tensor keep(const Tensor& y) const;
  // x with the reduced dimensions merged into a last one: [..., length].
  Tensor flatten(const Tensor& x) const;
};

// The elements of x that equal the extremum (kept shape), or are NaN, which beats every number.
Array at_extremum(const Array& x, const Array& extremum);
// 1 / the number of hits (bool, in x's shape) in a slice, at these; 0 elsewhere, NaN without hits.
Tensor shares(const Array& hits, const Reduced& over, DType dtype);

}  // namespace attune::detail
