#pragma once

#include <optional>

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

// x with alpha times slice i of source added to its slice indices[i] along dim, for every i. Of
// alpha, the whole part counts where x is int64.
Tensor index_add(const Tensor& x, int64_t dim, const Tensor& indices, const Tensor& source,
                 double alpha = 1);
// The elements where mask (bool; DTypeError) is true, in row-major order -> [n]. They broadcast.
Tensor masked_select(const Tensor& x, const Tensor& mask);

// The matrices of the last two dimensions with zeros above (tril) or below (triu) a diagonal.
Tensor tril(const Tensor& x, int64_t diagonal = 0);
Tensor triu(const Tensor& x, int64_t diagonal = 0);
// int64 [..., num_classes]: 1 at the index, 0 elsewhere; -1 classes means the largest index + 1.
Tensor one_hot(const Tensor& indices, int64_t num_classes = -1);

}  // namespace attune
