#pragma once

#include <algorithm>

#include "../array/array.h"
#include "reduction.h"
#include "scratch.h"

namespace attune::kernels {

// The lines of x along dim, cut into tiles, beside the lines of a row-major result, in which they
// have size out_size. No tiles where lines are empty.
class Lines {
 public:
  Lines(const Array& x, int64_t dim, int64_t out_size)
      : length_(x.dim() ? x.shape()[dim] : 1),
        per_tile_(std::max<int64_t>(1, parallel_grain / std::max<int64_t>(1, length_))) {
    int64_t out_stride = 1;
    for (int64_t i = x.dim() - 1; i >= 0; --i) {
      if (i != dim) axes_.push_back({x.shape()[i], x.strides()[i], out_stride});
      out_stride *= i == dim ? out_size : x.shape()[i];
    }
    std::reverse(&axes_[0], &axes_[0] + axes_.count());
    if (length_ > 0) count_ = axes_.numel();
  }

  int64_t tiles() const { return divide_up(count_, per_tile_); }
  int64_t work() const { return count_ * length_; }
  // Calls line(in, out) with the offsets of every line of the tile.
  template <class F>
  void visit(int64_t tile, const F& line) const {
    Walk at(axes_, tile * per_tile_);
    for (int64_t i = tile * per_tile_; i < std::min(count_, (tile + 1) * per_tile_); ++i, at.next())
      line(at.in, at.out);
  }

 private:
  Axes axes_;
  int64_t length_, per_tile_, count_ = 0;
};

// Calls line(in, out) with the offset of every line of x and of the same line of the result. For
// kernels' own .cpp files, as what follows.
template <class F>
void for_each_line(const Array& x, int64_t dim, int64_t out_size, const F& line) {
  const Lines lines(x, dim, out_size);
  parallel_tiles(lines.tiles(), lines.work(), [&](int64_t tile) { lines.visit(tile, line); });
}

// The same of a line(in, out, scratch) that needs working memory of so many T.
template <class T, class F>
void for_each_line_with_scratch(int64_t elements, const Array& x, int64_t dim, int64_t out_size,
                                const F& line) {
  const Lines lines(x, dim, out_size);
  parallel_tiles_with_scratch<T>(
      elements, lines.tiles(), lines.work(), [&](int64_t tile, T* scratch) {
        lines.visit(tile, [&](int64_t in, int64_t out) { line(in, out, scratch); });
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
