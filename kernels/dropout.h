#pragma once

#include "../array/random.h"

namespace attune::kernels {

// The elements that a draw drops, each with probability p in [0, 1]; the same draw drops the same
// elements again, so that no mask is stored. Srivastava et al. 2014.
class DropoutMask {
 public:
  DropoutMask(double p, RandomState draw);

  // Multiplies the n elements that start at index `start` of the draw by 0 or 1 / (1 - p).
  template <class T>
  void apply(int64_t start, int64_t n, const T* x, T* y) const;

 private:
  uint64_t dropped_below_;
  double scale_;
  RandomState draw_;
};

// x with elements zeroed with probability p and the others scaled by 1 / (1 - p). float32 or
// float64 (DTypeError). Linear in x: its own backward, with the same draw.
Array dropout(const Array& x, double p, RandomState draw);

}  // namespace attune::kernels
