#pragma once

#include "../tensor.h"

namespace attune {

// While training: elements zeroed with probability p in [0, 1] (ValueError), the others times
// 1 / (1 - p), by one draw of this thread's random stream; else, or if p is 0 or x empty, x itself.
// Srivastava et al. 2014.
Tensor dropout(const Tensor& x, double p = 0.5, bool training = true);

}  // namespace attune
