#pragma once

#include <limits>
#include <optional>
#include <vector>

#include "../array/array.h"
#include "../array/random.h"

namespace attune::kernels {

// What query i may attend to: keys j that pass all of these.
struct AttentionMask {
  static constexpr int64_t unlimited = std::numeric_limits<int64_t>::max() / 4;

  int64_t lowest = -unlimited, highest = unlimited;  // lowest <= j - i <= highest
  std::vector<int64_t> lengths;  // j < lengths[b], one for each index of the first dimension
  Array keep;                    // bool, broadcast to [..., Tq, Tk]: true may attend
  Array bias;                    // dtype of q, broadcast likewise: added to the scores
};

// bool, true where mask allows attention, -inf in its bias included; scores: [..., Tq, Tk].
Array allowed(const AttentionMask& mask, const Shape& scores);

struct AttentionOptions {
  double scale = 1;
  double dropout = 0;
  RandomState draw;  // of the dropout
};

struct AttentionResult {
  Array y;            // [..., Tq, Dv]
  Array log_sum_exp;  // [..., Tq]: of each row's scores; for the backward
};

// softmax(scale q kᵀ + bias, masked) v without ever holding a whole score matrix: tiles with a
// running softmax, Milakov and Gimelshein 2018, Dao et al. 2022. q: [..., Tq, D], k: [..., Tk, D],
// v: [..., Tk, Dv], float32 or float64 (DTypeError), all alike; the caller has checked that they
// fit. Tiles that are masked whole are skipped. A row with nothing to attend to gives zeros, and
// NaN in a masked position goes nowhere.
AttentionResult attention(const Array& q, const Array& k, const Array& v, const AttentionMask& mask,
                          const AttentionOptions& options);

struct AttentionGradients {
  Array q, k, v;
};

// The gradients of all three from the gradient g of y, tile by tile.
AttentionGradients attention_backward(const Array& g, const Array& q, const Array& k,
                                      const Array& v, const AttentionResult& result,
                                      const AttentionMask& mask, const AttentionOptions& options);

}  // namespace attune::kernels
