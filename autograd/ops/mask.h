#pragma once

#include <vector>

#include "../../kernels/attention.h"
#include "../tensor.h"

namespace attune {

// Which keys a query may attend to. Masks combine with & (or +): every part must allow a pair, and
// biases add up. The default masks nothing. A query that nothing is left for gives exact zeros.
class Mask {
 public:
  Mask() = default;
  // Query i sees keys 0 … first + i: `first` is the position of query 0, which is not 0 where
  // earlier keys come from a cache.
  static Mask causal(int64_t first = 0);
  // Query i sees the keys less than n > 0 positions (ValueError) away from first + i, on both
  // sides; with causal, the n latest.
  static Mask window(int64_t n, int64_t first = 0);
  // All queries of sequence b, the first dimension, see the first lengths[b] keys.
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
};

}  // namespace attune
