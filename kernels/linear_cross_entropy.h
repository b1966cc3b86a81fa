#pragma once

#include "loss.h"

namespace attune::kernels {

struct LinearCrossEntropyResult {
  Array losses;                // [N]
  Array hidden, weight, bias;  // gradients, where they were asked for
};

// Which gradients linear_cross_entropy computes, and from what: g [N], the gradient of each loss;
// undefined for none of them.
struct LinearCrossEntropyGradients {
  Array g = {};
  bool hidden = false, weight = false, bias = false;
};

// Rows that linear_cross_entropy computes at a time.
int64_t linear_cross_entropy_rows(int64_t classes);

// cross_entropy of hidden weightᵀ + bias, and its gradients in the same pass, in chunks of rows, so
// that of the logits [N, V] only a few exist at a time. hidden: [N, D], weight: [V, D], bias: [V]
// or undefined, targets: int64 [N]; dtypes and targets as of cross_entropy, without class weights.
LinearCrossEntropyResult linear_cross_entropy(const Array& hidden, const Array& weight,
                                              const Array& bias, const Array& targets,
                                              const CrossEntropyOptions& options,
                                              const LinearCrossEntropyGradients& wanted);

}  // namespace attune::kernels
