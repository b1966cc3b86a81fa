#pragma once

#include "../array/array.h"

namespace attune::kernels {

// Positions along dim, int64, row-major. NaN counts as larger than everything; equal elements keep
// their order. IndexError if dim does not exist.

// The positions of all elements in ascending or descending order: the shape of x.
Array argsort(const Array& x, int64_t dim, bool descending);
// The positions of the k largest or smallest, best first. ShapeError unless 0 <= k <= size of dim.
Array arg_topk(const Array& x, int64_t k, int64_t dim, bool largest);

}  // namespace attune::kernels
