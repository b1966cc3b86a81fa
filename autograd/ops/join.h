#pragma once

#include <vector>

#include "../tensor.h"

namespace attune {

// Tensors joined, cut and tiled. Dimensions count from the end if negative; IndexError if they do
// not exist.

// The tensors one after another along dim. ShapeError unless they agree in the other sizes, but an
// empty vector fits everything; dtypes are promoted, its own as well.
Tensor cat(const std::vector<Tensor>& tensors, int64_t dim = 0);
// The tensors one after another along a new dimension.
Tensor stack(const std::vector<Tensor>& tensors, int64_t dim = 0);
// Views of `size` slices along dim, the last smaller if it does not divide.
std::vector<Tensor> split(const Tensor& x, int64_t size, int64_t dim = 0);
// Views of the given numbers of slices, which must add up.
std::vector<Tensor> split(const Tensor& x, const std::vector<int64_t>& sizes, int64_t dim = 0);
// At most `chunks` views of equal size along dim, the last smaller; exactly that many of an empty
// dimension.
std::vector<Tensor> chunk(const Tensor& x, int64_t chunks, int64_t dim = 0);
// The views x.select(dim, i), for every i.
std::vector<Tensor> unbind(const Tensor& x, int64_t dim = 0);

// x tiled repeats[i] times along dimension i, in new memory; more repeats than dimensions add
// leading ones.
Tensor repeat(const Tensor& x, const Shape& repeats);
// The same, where fewer repeats than dimensions leave the leading ones alone.
Tensor tile(const Tensor& x, const Shape& repeats);
// x shifted along dims, with what leaves at one end entering at the other, in new memory. Without
// dims, one shift of all elements in row-major order. ValueError for no shift.
Tensor roll(const Tensor& x, const Shape& shifts, const Shape& dims = {});
// x with `value` around it: (before, after) for the last dimension, then the one before, …;
// negative numbers crop.
Tensor pad(const Tensor& x, const std::vector<int64_t>& padding, double value = 0);

}  // namespace attune
