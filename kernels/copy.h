#pragma once

#include "../array/array.h"

namespace attune::kernels {

// Arrays of one value, converted to dtype as convert() does. ShapeError if a size is negative.
Array full(const Shape& shape, DType dtype, double value);
Array zeros(const Shape& shape, DType dtype);
Array ones(const Shape& shape, DType dtype);
// value without its fraction, as an int64 takes it. ValueError in the operation's name where int64
// ends before.
double whole_part(const char* operation, double value);
// int64 [n]: 0 … n-1.
Array arange(int64_t n);

// A fresh row-major copy.
Array clone(const Array& x);
// x itself if it is dense and row-major, else a copy that is.
Array contiguous(const Array& x);
// x itself if it has the dtype, else a fresh row-major copy that does. A float becomes int64 by
// truncation (INT64_MIN if it does not fit) and bool by comparing with zero.
Array convert(const Array& x, DType dtype);
// The same elements in another shape; shares memory where it can. One size may be -1.
Array reshape(const Array& x, const Shape& shape);

// Writes from, broadcast and converted, into to, whose strides may be any that do not overlap. Not
// marked as a write: call to.mark_written() unless the array is fresh. ShapeError unless it fits.
void copy_into(Array& to, const Array& from);

}  // namespace attune::kernels
