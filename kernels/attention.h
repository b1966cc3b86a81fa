#pragma once

#include <limits>
#include <optional>
#include <vector>

#include "../array/array.h"
#include "../array/random.h"

namespace attune::kernels {

// What query i, which stands at position p = first + i, may attend to: keys j that pass all of
// these. Sequences are the indices of the first dimension, heads those of the one before Tq.
struct AttentionMask {
  static constexpr int64_t unlimited = std::numeric_limits<int64_t>::max() / 4;

  int64_t lowest = -unlimited, highest = unlimited;  // lowest <= j - p <= highest
  std::vector<int64_t> first;    // one for each sequence, or one for all; empty: 0
  std::vector<int64_t> lengths;  // j < lengths[b], one for each sequence
  std::vector<double> slopes;    // -slopes[h] |j - p| is added to the scores, one for each head
  Array keep;                    // bool, broadcast to [..., Tq, Tk]: true may attend
  Array bias;                    // dtype of q, broadcast likewise: added to the scores

  // True if it hides nothing; it may still add to the scores, where its bias has no -inf.
  bool hides_nothing() const {
    return lowest <= -unlimited && highest >= unlimited && lengths.empty() && !keep.defined() &&
           !bias.defined();
  }
};

// bool, true where mask allows attention, -inf in its bias included; scores: [..., Tq, Tk].
Array allowed(const AttentionMask& mask, const Shape& scores);
// a b with the pairs that keep forbids left out, even where b is NaN or Inf. keep: bool [..., M,
// K], a: [..., M, K], b: [..., K, N] -> [..., M, N]; no broadcasting.
Array masked_matmul(const Array& keep, const Array& a, const Array& b);
// What the slopes of mask add to the scores [..., Tq, Tk]: float64 [..., Tq, Tk].
Array distance_bias(const AttentionMask& mask, const Shape& scores);

struct AttentionOptions {
  double scale = 1;
  double dropout = 0;
  RandomState draw;  // of the dropout
  // Whether the operands of both products are rounded to bfloat16 where that gains: float32, on a
  // processor with AVX512-BF16, of more than 16 queries, keys and columns. Forward only.
  bool rounds = false;
};

struct AttentionResult {
  Array y;  // [..., Tq, Dv], with heads lying as those of q do
  // For the backward, of each row's scores [..., Tq]: weights are exp(score - largest) / sum. Their
  // logarithm would be one number, but of some tens, whose rounding all weights of a row would
  // share.
  Array largest, sum;
};

// softmax(scale q kᵀ + bias, masked) v without ever holding a whole score matrix: tiles with a
// running softmax, Milakov and Gimelshein 2018, Dao et al. 2022. q: [..., H, Tq, D],
// k: [..., G, Tk, D], v: [..., G, Tk, Dv], float32 or float64 (DTypeError), all alike; the caller
// has checked that they fit. H is a multiple of G: that many heads of queries share one of keys,
// Ainslie et al. 2023. Tiles that are masked whole are skipped. A row with nothing to attend to
// gives zeros, and NaN in a masked position goes nowhere.
AttentionResult attention(const Array& q, const Array& k, const Array& v, const AttentionMask& mask,
                          const AttentionOptions& options);

struct AttentionGradients {
  Array q, k, v;
  Array scores;  // [..., Tq, Tk], of whatever is added to the scores; where it was asked for
};

// The gradients of all three, with heads lying as theirs, from the gradient g of y, tile by tile.
// Only the gradient of the scores, if wanted, takes memory of T².
AttentionGradients attention_backward(const Array& g, const Array& q, const Array& k,
                                      const Array& v, const AttentionResult& result,
                                      const AttentionMask& mask, const AttentionOptions& options,
                                      bool want_scores = false);

}  // namespace attune::kernels
