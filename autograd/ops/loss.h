#pragma once

#include "../tensor.h"

namespace attune {

// What becomes of the losses of single elements. batchmean (their sum over the first size) is for
// kl_div only.
enum class Reduction { none, mean, sum, batchmean };

struct CrossEntropyOptions {
  Tensor weight = {};           // [C]: of each class; no gradient
  int64_t ignore_index = -100;  // targets that count for nothing
  Reduction reduction = Reduction::mean;
  double label_smoothing = 0;  // in [0, 1], ValueError. Szegedy et al. 2016.
};

// -log softmax(logits)[target]. logits: [C], [N, C] or [N, C, …], float32 or float64 (DTypeError);
// target: int64 [], [N] or [N, …] (ShapeError), classes in [0, C) (IndexError). The mean is over
// the weights of the targets: NaN if they have none, but 0, with zero gradients, if every target is
// ignored.
Tensor cross_entropy(const Tensor& logits, const Tensor& target,
                     const CrossEntropyOptions& options = {});

struct NllLossOptions {
  Tensor weight = {};
  int64_t ignore_index = -100;
  Reduction reduction = Reduction::mean;
};

// cross_entropy of what log_softmax made.
Tensor nll_loss(const Tensor& log_probabilities, const Tensor& target,
                const NllLossOptions& options = {});

// Operands broadcast. (input - target)²
Tensor mse_loss(const Tensor& input, const Tensor& target, Reduction reduction = Reduction::mean);
// |input - target|
Tensor l1_loss(const Tensor& input, const Tensor& target, Reduction reduction = Reduction::mean);
// Half the square up to delta > 0 (ValueError), linear beyond. Huber 1964.
Tensor huber_loss(const Tensor& input, const Tensor& target, Reduction reduction = Reduction::mean,
                  double delta = 1);

// huber_loss divided by its delta, here beta >= 0 (ValueError); l1_loss if that is 0. Girshick
// 2015.
Tensor smooth_l1_loss(const Tensor& input, const Tensor& target,
                      Reduction reduction = Reduction::mean, double beta = 1);

struct BceOptions {
  Tensor weight = {};      // of each element
  Tensor pos_weight = {};  // of the positive answers
  Reduction reduction = Reduction::mean;
};

// -target log sigmoid(input) - (1 - target) log sigmoid(-input), finite for any finite input.
Tensor binary_cross_entropy_with_logits(const Tensor& input, const Tensor& target,
                                        const BceOptions& options = {});
// The same by its short name.
Tensor bce_with_logits(const Tensor& input, const Tensor& target, const BceOptions& options = {});

// target (log target - input), 0 where target is 0, but without a gradient to it (NaN). input: log
// probabilities; target: probabilities, or their logarithms if log_target.
Tensor kl_div(const Tensor& input, const Tensor& target, Reduction reduction = Reduction::mean,
              bool log_target = false);

}  // namespace attune
