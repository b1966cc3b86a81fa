#pragma once

#include <vector>

#include "../array/array.h"

namespace attune::kernels {

// Throws an IndexError in the operation's name unless every index (int64; DTypeError) lies in
// [-size, size).
void check_indices(const char* operation, const Array& indices, int64_t size);

// Slices of x along dim at 1-D indices (checked by the caller): [..., n, ...].
Array index_select(const Array& x, int64_t dim, const Array& indices);
// into[..., indices[i], ...] += source[..., i, ...] along dim, in the order of i.
void index_add_into(Array& into, int64_t dim, const Array& indices, const Array& source);

// out[i][j][k] = x[index[i][j][k]][j][k] for dim 0, likewise for others; index is no larger than x
// beside dim.
Array gather(const Array& x, int64_t dim, const Array& index);
// into[index[i][j][k]][j][k] += source[i][j][k] for dim 0, in row-major order along dim.
void scatter_add_into(Array& into, int64_t dim, const Array& index, const Array& source);

// The arrays one after another along dim; all of one dtype and alike in the other sizes.
Array cat(const std::vector<Array>& arrays, int64_t dim);

}  // namespace attune::kernels
