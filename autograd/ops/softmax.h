#pragma once

#include "../tensor.h"

namespace attune {

// exp(x) along dim, divided by its sum there. float32 or float64 (DTypeError); dim counts from the
// end if negative (IndexError). Where all of x is -inf the result is NaN, as in PyTorch.
Tensor softmax(const Tensor& x, int64_t dim);
// The logarithm of softmax, exact where that would round to zero.
Tensor log_softmax(const Tensor& x, int64_t dim);

// The softmax of -x.
Tensor softmin(const Tensor& x, int64_t dim);

}  // namespace attune
