#pragma once

// For .cpp files only.

#include <utility>

#include "../array/array.h"

namespace attune::kernels {

// Uninitialised memory for shape, [..., H, T, D]. Where the heads of x lie within its tokens, as
// those split from [..., T, H D] do, so do these: merging them again needs no copy.
inline Array with_heads_as(const Array& x, const Shape& shape) {
  const int64_t heads = x.dim() - 3, tokens = x.dim() - 2;
  if (heads < 1 || x.strides()[heads] >= x.strides()[tokens]) return Array(shape, x.dtype());
  Shape memory = shape;
  std::swap(memory[heads], memory[tokens]);
  return Array(memory, x.dtype()).transpose(heads, tokens);
}

}  // namespace attune::kernels
