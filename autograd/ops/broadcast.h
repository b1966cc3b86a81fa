#pragma once

#include "../tensor.h"

namespace attune {

// x repeated along new and size-1 dimensions to shape; a view. ShapeError unless it broadcasts.
Tensor broadcast_to(const Tensor& x, const Shape& shape);

// The inverse for gradients: x summed over the dimensions in which shape is missing or 1.
// ShapeError unless shape broadcasts to that of x.
Tensor sum_to(const Tensor& x, const Shape& shape);

// x in another dtype; x itself if it has it. The gradient comes back in x's dtype.
Tensor to(const Tensor& x, DType dtype);

// A copy in fresh row-major memory.
Tensor clone(const Tensor& x);

// x itself if it lies densely in row-major order, else a clone.
Tensor contiguous(const Tensor& x);

}  // namespace attune
