#pragma once

#include "loss.h"

namespace attune {

struct LinearCrossEntropyOptions {
  int64_t ignore_index = -100;  // targets that count for nothing
  Reduction reduction = Reduction::mean;
  double label_smoothing = 0;  // in [0, 1], ValueError
};

// cross_entropy(linear(hidden, weight, bias), target): the classifier and its loss in one, in
// chunks of rows, so that the logits never exist whole. Forward computes the gradients along with
// the loss and keeps them for backward; without reduction, backward computes the logits again.
// hidden: [..., D], weight: [V, D], bias: [V] or undefined, float32 or float64, all alike
// (DTypeError); target: int64 [...] (ShapeError), classes in [0, V) (IndexError) or ignore_index
// -> [], or as target without reduction. Hsu et al. 2024 (Liger).
Tensor linear_cross_entropy(const Tensor& hidden, const Tensor& weight, const Tensor& target,
                            const Tensor& bias = {}, const LinearCrossEntropyOptions& options = {});

}  // namespace attune
