#pragma once

#include <string_view>

#include "../tensor.h"

namespace attune {

// Activations, element by element. float32 and float64; integers give float32.

Tensor tanh(const Tensor& x);
Tensor sigmoid(const Tensor& x);  // 1 / (1 + exp(-x))
Tensor relu(const Tensor& x);     // max(x, 0); gradient 0 at 0; int64 stays int64
// x, or slope x below 0.
Tensor leaky_relu(const Tensor& x, double slope = 0.01);
// x, or alpha (exp(x) - 1) below 0. Clevert et al. 2015.
Tensor elu(const Tensor& x, double alpha = 1);
// x Φ(x); approximate "tanh" computes x (1 + tanh(sqrt(2/π) (x + 0.044715 x³))) / 2 instead of
// "none". Hendrycks and Gimpel 2016. ValueError for another word.
Tensor gelu(const Tensor& x, std::string_view approximate = "none");
Tensor silu(const Tensor& x);        // x sigmoid(x). Elfwing et al. 2017.
Tensor logsigmoid(const Tensor& x);  // log sigmoid(x), exact where sigmoid rounds to zero
Tensor mish(const Tensor& x);        // x tanh(softplus(x)). Misra 2019.
// x limited to [low, high] (ValueError if reversed), with gradient 0 at the bounds; int64 stays
// int64, within the bounds without their fractions.
Tensor hardtanh(const Tensor& x, double low = -1, double high = 1);
Tensor relu6(const Tensor& x);  // hardtanh from 0 to 6
// log(1 + exp(beta x)) / beta; x itself where beta x exceeds threshold. ValueError unless beta > 0.
Tensor softplus(const Tensor& x, double beta = 1, double threshold = 20);

}  // namespace attune
