#pragma once

#include "../array/array.h"

namespace attune::kernels {

// Which elements of a row turn together: j with j + R/2, as the LLaMA and NeoX checkpoints are
// stored, or 2j with 2j + 1, as the paper has it.
enum class RotaryPairs : uint8_t { halves, neighbours };

// Turns each pair (a, b) among the first R elements of a row by its angle t: (a cos t - b sin t,
// b cos t + a sin t), or by -t if told; the elements from R on stay. Su et al. 2021. x: [..., T,
// D]; cos, sin: [T, R/2] or [B, T, R/2] with B the first dimension of x, dense and of x's dtype,
// which is float32 or float64 (DTypeError). The caller has checked the shapes.
Array rotary(const Array& x, const Array& cos, const Array& sin, RotaryPairs pairs, bool backwards);

}  // namespace attune::kernels
