#pragma once

#include <algorithm>

#include "../array/array.h"
#include "parallel.h"
#include "reduction.h"

namespace attune::kernels {

// Calls line(in, out) with the offset of every line of x along dim and of the same line of a
// row-major result, in which the line has size out_size, unless lines are empty. For kernels' own
// .cpp files.
template <class F>
void for_each_line(const Array& x, int64_t dim, int64_t out_size, const F& line) {
  Axes axes;
  int64_t out_stride = 1;
  for (int64_t i = x.dim() - 1; i >= 0; --i) {
    if (i != dim) axes.push_back({x.shape()[i], x.strides()[i], out_stride});
    out_stride *= i == dim ? out_size : x.shape()[i];
  }
  std::reverse(&axes[0], &axes[0] + axes.count());
  const int64_t lines = axes.numel(), length = x.dim() ? x.shape()[dim] : 1;
  if (length == 0) return;
  const int64_t group = std::max<int64_t>(1, parallel_grain / std::max<int64_t>(1, length));
  parallel_tiles((lines + group - 1) / group, lines * length, [&](int64_t tile) {
    Walk at(axes, tile * group);
    for (int64_t i = tile * group; i < std::min(lines, (tile + 1) * group); ++i, at.next())
      line(at.in, at.out);
  });
}

// The step between neighbours along dim of a row-major array; 1 for a scalar.
inline int64_t stride_along(const Shape& shape, int64_t dim) {
  return shape.empty() ? 1 : row_major_strides(shape)[dim];
}

// dim counted from 0, where a scalar counts as one element along dimension 0 or -1.
inline int64_t wrap_line_dim(const char* operation, int64_t dim, const Array& x) {
  return wrap_dim(operation, dim, std::max<int64_t>(1, x.dim()));
}

}  // namespace attune::kernels
