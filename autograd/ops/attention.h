#pragma once

#include <optional>

#include "../tensor.h"
#include "mask.h"

namespace attune {

struct AttentionOptions {
  double dropout = 0;                // probability that a weight is dropped, in [0, 1] (ValueError)
  std::optional<double> scale = {};  // of the scores; 1 / sqrt(D) if absent
  // k and v may have fewer heads than q, the dimension before T, if their number divides that of q:
  // consecutive heads of q then share one. Ainslie et al. 2023.
  bool enable_gqa = false;
};

// softmax(scale q kᵀ, masked) v, Vaswani et al. 2017; in tiles, so that memory grows with T, not
// T². q: [..., Tq, D], k: [..., Tk, D], v: [..., Tk, Dv] -> [..., Tq, Dv]; leading dimensions
// broadcast (a single head of k and v is read by all of q's). ShapeError unless they fit,
// DTypeError unless all float32 or all float64. A query with nothing to attend to gives zeros and
// takes no gradient; NaN in a masked position goes nowhere. Only the gradient of a bias in the mask
// needs memory of T².
Tensor scaled_dot_product_attention(const Tensor& q, const Tensor& k, const Tensor& v,
                                    const Mask& mask = {}, const AttentionOptions& options = {});

// The weights that it gives the values, before dropout: softmax(scale q kᵀ, masked). -> [..., Tq,
// Tk], of which every row sums to 1, or is 0 where a query has nothing to attend to. Errors
// likewise. Memory of T²; to look at some rows or at a whole model, take an AttentionRecorder.
Tensor attention_weights(const Tensor& q, const Tensor& k, const Mask& mask = {},
                         const AttentionOptions& options = {});

}  // namespace attune
