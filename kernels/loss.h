#pragma once

#include "../array/array.h"

namespace attune::kernels {

struct CrossEntropyOptions {
  int64_t ignore_index = -100;
  double label_smoothing = 0;
  Array weight = {};  // [C] or undefined
};

struct CrossEntropyResult {
  Array losses;  // [rows], weighted, 0 where ignored
  Array stats;   // [rows, 2]: largest logit, 1 / sum of exp(logit - largest); for the backward
  double target_weight;  // sum of the targets' weights, ignored ones left out
};

// IndexError, in the operation's name, unless every target is in [0, classes) or ignore_index.
// targets: int64 [rows], dense.
void check_targets(const char* operation, const Array& targets, int64_t classes,
                   int64_t ignore_index);

// -log softmax(logits)[target] per row. logits: [rows, C] float32 or float64 (DTypeError); targets:
// int64 [rows], each in [0, C) (IndexError) or ignore_index. Smoothing as in Szegedy et al. 2016.
CrossEntropyResult cross_entropy(const Array& logits, const Array& targets,
                                 const CrossEntropyOptions& options);
// The gradient of logits: [rows, C]. g: [rows], the gradient of each row's loss.
Array cross_entropy_backward(const Array& g, const Array& logits, const Array& targets,
                             const Array& stats, const CrossEntropyOptions& options);
// The same into out, which is dense and may be logits itself.
void cross_entropy_backward_into(Array& out, const Array& g, const Array& logits,
                                 const Array& targets, const Array& stats,
                                 const CrossEntropyOptions& options);

}  // namespace attune::kernels
