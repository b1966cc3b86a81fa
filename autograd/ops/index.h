#pragma once

#include <optional>
#include <vector>

#include "../tensor.h"

namespace attune {

// Dimensions and indices count from the end if negative; IndexError if they do not exist. Indices
// are int64 (DTypeError) and receive no gradient.

// The slices of x along dim that indices [n] name: [..., n, ...].
Tensor index_select(const Tensor& x, int64_t dim, const Tensor& indices);
// Rows of a table. indices: [...], weight: [V, D] -> [..., D]. The row padding_idx gets no
// gradient.
Tensor embedding(const Tensor& indices, const Tensor& weight,
                 std::optional<int64_t> padding_idx = {});
// Along dim, the elements that index names, as torch.gather: the result has the shape of index,
// which is no larger than x in the other dimensions.
Tensor gather(const Tensor& x, int64_t dim, const Tensor& index);
// gather with the other dimensions broadcast, as numpy.take_along_axis.
Tensor take_along_dim(const Tensor& x, const Tensor& index, int64_t dim);
// x with source added at the elements that gather would read; index is no larger than source.
Tensor scatter_add(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& source);

// The tensors one after another along dim. ShapeError unless they agree in the other sizes; dtypes
// are promoted.
Tensor cat(const std::vector<Tensor>& tensors, int64_t dim = 0);
// The tensors one after another along a new dimension.
Tensor stack(const std::vector<Tensor>& tensors, int64_t dim = 0);
// Views of `size` slices along dim, the last smaller if it does not divide.
std::vector<Tensor> split(const Tensor& x, int64_t size, int64_t dim = 0);
// Views of the given numbers of slices, which must add up.
std::vector<Tensor> split(const Tensor& x, const Shape& sizes, int64_t dim = 0);
// At most `chunks` views of equal size along dim, the last smaller; exactly that many of an empty
// dimension.
std::vector<Tensor> chunk(const Tensor& x, int64_t chunks, int64_t dim = 0);

// x tiled repeats[i] times along dimension i; more repeats than dimensions add leading ones.
Tensor repeat(const Tensor& x, const Shape& repeats);
// x shifted along dims, with what leaves at one end entering at the other. Without dims, one shift
// of all elements in row-major order.
Tensor roll(const Tensor& x, const Shape& shifts, const Shape& dims = {});
// x with `value` around it: (before, after) for the last dimension, then the one before, …;
// negative numbers crop.
Tensor pad(const Tensor& x, const Shape& padding, double value = 0);
// The matrices of the last two dimensions with zeros above (tril) or below (triu) a diagonal.
Tensor tril(const Tensor& x, int64_t diagonal = 0);
Tensor triu(const Tensor& x, int64_t diagonal = 0);
// int64 [..., num_classes]: 1 at the index, 0 elsewhere; -1 classes means the largest index + 1.
Tensor one_hot(const Tensor& indices, int64_t num_classes = -1);

}  // namespace attune
