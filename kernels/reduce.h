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
// The product, of bool and int64 in int64. 1 over nothing.
Array prod(const Array& x, const Shape& dims, bool keepdim);
// The mean squared distance from the mean, divided by n - correction (inf or NaN where that is not
// positive). DTypeError unless float32 or float64. Chan et al. 1979 joins two-pass blocks.
Array var(const Array& x, const Shape& dims, double correction, bool keepdim);
// Its root, taken before rounding: the square of a float32 may be more, or less, than one holds.
Array std(const Array& x, const Shape& dims, double correction, bool keepdim);
// The Euclidean length, of squares in double. DTypeError unless float32 or float64. 0 over nothing.
Array norm(const Array& x, const Shape& dims, bool keepdim);
// The largest and the smallest element; NaN if there is one. ShapeError over nothing.
Array amax(const Array& x, const Shape& dims, bool keepdim);
Array amin(const Array& x, const Shape& dims, bool keepdim);
// bool: whether one, or every, element is not zero. false and true over nothing.
Array any(const Array& x, const Shape& dims, bool keepdim);
Array all(const Array& x, const Shape& dims, bool keepdim);
// int64: where along dim the first largest or smallest element is; the first NaN if there is one.
// ShapeError over nothing.
Array argmax(const Array& x, int64_t dim, bool keepdim);
Array argmin(const Array& x, int64_t dim, bool keepdim);
// Running sums along dim, in double; of bool and int64 in int64.
Array cumsum(const Array& x, int64_t dim);
// x summed over the dimensions in which shape is missing or 1: the gradient of a broadcast. May
// alias x if nothing is summed. ShapeError unless shape broadcasts to that of x.
Array sum_to(const Array& x, const Shape& shape);

// {0, 1, …, rank - 1}
Shape all_dims(int64_t rank);

}  // namespace attune::kernels
