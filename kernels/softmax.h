#pragma once

#include "../array/array.h"

namespace attune::kernels {

// Along the last dimension; float32 or float64 (DTypeError). A row of -inf alone gives NaN, as in
// PyTorch.
Array softmax(const Array& x);
Array log_softmax(const Array& x);
// Gradients from the gradient g of the result y.
Array softmax_backward(const Array& g, const Array& y);
Array log_softmax_backward(const Array& g, const Array& y);

}  // namespace attune::kernels
