#pragma once

#include <optional>

#include "../tensor.h"

namespace attune {

// Dimensions count from the end if negative (IndexError if they do not exist). Results are views
// that share memory with x, but for reshape and flatten where the strides allow none, and for diag
// of a vector.

// The same elements in another shape; one size may be -1. A view where the strides allow it, else a
// copy. ShapeError unless the number of elements agrees.
Tensor reshape(const Tensor& x, const Shape& shape);
// reshape that never copies: ShapeError where the strides do not allow a view.
Tensor view(const Tensor& x, const Shape& shape);
// Dimensions start to end (inclusive) merged into one.
Tensor flatten(const Tensor& x, int64_t start = 0, int64_t end = -1);

Tensor transpose(const Tensor& x, int64_t dim0, int64_t dim1);
Tensor swapaxes(const Tensor& x, int64_t dim0, int64_t dim1);  // NumPy's name for transpose
// Dimension i of the result is dimension dims[i] of x.
Tensor permute(const Tensor& x, const Shape& dims);
// Dimensions source[i] moved to destination[i], the others kept in order. ShapeError unless there
// are as many, ValueError for one named twice.
Tensor movedim(const Tensor& x, const Shape& source, const Shape& destination);
Tensor movedim(const Tensor& x, int64_t source, int64_t destination);
// Size-1 dimensions repeated to `shape` without a copy; -1 keeps a size, new dimensions lead.
Tensor expand(const Tensor& x, const Shape& shape);
// Without dimensions of size 1: all, or `dim` if its size is 1.
Tensor squeeze(const Tensor& x);
Tensor squeeze(const Tensor& x, int64_t dim);
// With a dimension of size 1 at `dim`.
Tensor unsqueeze(const Tensor& x, int64_t dim);

// Elements start, start + step, … below stop along dim, clamped as Python clamps slices; a negative
// step walks down from start to, not including, stop.
Tensor slice(const Tensor& x, int64_t dim, std::optional<int64_t> start,
             std::optional<int64_t> stop, int64_t step = 1);
// `length` elements from start. IndexError unless they lie inside.
Tensor narrow(const Tensor& x, int64_t dim, int64_t start, int64_t length);
// The element at index of dim, without that dimension.
Tensor select(const Tensor& x, int64_t dim, int64_t index);
// The elements of the given dimensions in reverse order.
Tensor flip(const Tensor& x, const Shape& dims);
// The elements where the index along dim2 is that along dim1 plus offset, as the last dimension.
// ShapeError with fewer than two dimensions, ValueError if both are the same.
Tensor diagonal(const Tensor& x, int64_t offset = 0, int64_t dim1 = 0, int64_t dim2 = 1);

// A vector as the diagonal of a matrix of zeros, or the diagonal of a matrix. ShapeError for
// others.
Tensor diag(const Tensor& x, int64_t diagonal = 0);

}  // namespace attune
