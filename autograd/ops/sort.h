#pragma once

#include "../tensor.h"
#include "reduce.h"

namespace attune {

// Along dim (negative ones count from the end; IndexError if it does not exist). NaN counts as
// larger than everything; equal elements keep their order. The gradient goes back to where each
// value came from.

// x in ascending or descending order, and where each element was.
ValuesAndIndices sort(const Tensor& x, int64_t dim = -1, bool descending = false);
// Only the positions.
Tensor argsort(const Tensor& x, int64_t dim = -1, bool descending = false);
// The k largest or smallest, best first. ShapeError unless 0 <= k <= size of dim.
ValuesAndIndices topk(const Tensor& x, int64_t k, int64_t dim = -1, bool largest = true);

}  // namespace attune
