#pragma once

#include "../array/array.h"

namespace attune::kernels {

// Reductions over a set of dimensions (negative ones count from the end; an empty set reduces
// none). Results are fresh row-major arrays without those dimensions, or with size 1 if keepdim.
// IndexError for a dimension that does not exist, ValueError for one named twice.

// The sum, accumulated in double; of bool and int64 in int64. 0 over nothing.
Array sum(const Array& x, const Shape& dims, bool keepdim);
// The mean. DTypeError unless float32 or float64. NaN over nothing.
Array mean(const Array& x, const Shape& dims, bool keepdim);
// x summed over the dimensions in which shape is missing or 1: the gradient of a broadcast. May
// alias x if nothing is summed. ShapeError unless shape broadcasts to that of x.
Array sum_to(const Array& x, const Shape& shape);

// {0, 1, …, rank - 1}
Shape all_dims(int64_t rank);

}  // namespace attune::kernels
