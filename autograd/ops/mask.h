#pragma once

#include <vector>

#include "../../kernels/attention.h"
#include "../tensor.h"

namespace attune {

// Which keys a query may attend to. Masks combine with & (or +): every part must allow a pair, and
// biases add up. The default masks nothing. A query that nothing is left for gives exact zeros.
// Key j stands at position j, query i at position i unless an offset says otherwise.
class Mask {
 public:
  Mask() = default;
  // A query sees the keys up to its own position.
  static Mask causal();
  // A query sees the keys less than n > 0 positions (ValueError) away, on both sides; with causal,
  // the n latest.
  static Mask window(int64_t n);
  // Query 0 stands at position `first`, because earlier keys come from a cache; or at first[b] in
  // sequence b, the first dimension. Two different offsets do not combine; they lie within ±2^60
  // (ValueError).
  static Mask offset(int64_t first);
  static Mask offset(std::vector<int64_t> first);
  // Adds -slopes[h] times the distance between query and key to the scores of head h, the dimension
  // before Tq (ShapeError unless there are as many). Press et al. 2022, ALiBi.
  static Mask alibi(std::vector<double> slopes);
  // The slopes of that paper for a number of heads (ValueError unless positive): 2^(-8/n),
  // 2^(-16/n), …; between powers of two filled up with every other slope of the next.
  static Mask alibi(int64_t heads);
  // All queries of sequence b, the first dimension, see the first lengths[b] keys. ValueError for a
  // negative length, ShapeError where there is not one for each sequence.
  static Mask padding(std::vector<int64_t> lengths);
  static Mask padding(const Tensor& lengths);  // int64 [B]
  // Query i sees key j where keep is true. bool (DTypeError), broadcast to [..., Tq, Tk].
  static Mask keep(const Tensor& keep);
  // Added to the scores; -inf masks. float32 or float64 (DTypeError), broadcast to [..., Tq, Tk].
  static Mask bias(const Tensor& bias);

  friend Mask operator&(const Mask& a, const Mask& b);
  friend Mask operator+(const Mask& a, const Mask& b) { return a & b; }

  // True if it masks and adds nothing.
  bool empty() const;
  // The added scores; undefined if none.
  const Tensor& bias() const { return bias_; }
  // The mask as the kernels read it, checked to fit scores of a shape [..., Tq, Tk] (ShapeError)
  // and dtype (DTypeError).
  kernels::AttentionMask for_scores(const Shape& shape, DType dtype) const;

 private:
  kernels::AttentionMask limits_;  // all but the bias
  Tensor bias_;
  bool lacks_values_ = false;  // a list without any was given, which fits an empty batch alone
};

}  // namespace attune
