#include "rotary.h"

#include "../array/trace.h"
#include "copy.h"
#include "heads.h"
#include "row_tiles.h"
#include "rows.h"
#include "strided.h"

namespace attune::kernels {
namespace {

template <class T>
void turn_neighbours(const T* x, const T* cos, const T* sin, T sign, T* y, int64_t half) {
  for (int64_t j = 0; j < half; ++j) {
    const T a = x[2 * j], b = x[2 * j + 1], c = cos[j], s = sign * sin[j];
    y[2 * j] = a * c - b * s;
    y[2 * j + 1] = b * c + a * s;
  }
}

template <class T>
void turn_halves(const T* x, const T* cos, const T* sin, T sign, T* y, int64_t half) {
  rows::rotate(x, cos, x + half, sin, -sign, y, half);
  rows::rotate(x + half, cos, x, sin, sign, y + half, half);
}

}  // namespace

Array rotary(const Array& x, const Array& cos, const Array& sin, RotaryPairs pairs,
             bool backwards) {
  Array out = with_heads_as(x, x.shape());
  count_traffic(x, out);
  if (x.numel() == 0) return out;
  visit_floating("rotary_embedding", x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const Array source = x.strides().back() == 1 ? x : contiguous(x);
    const Array dense_cos = contiguous(cos), dense_sin = contiguous(sin);
    const int64_t width = x.size(-1), tokens = x.size(-2), half = cos.size(-1);
    const int64_t rows = x.numel() / width, rows_per_sequence = rows / x.size(0);
    Shape row_shape = x.shape();
    row_shape.erase(row_shape.size() - 1);
    const T *from = source.data<T>(), *c = dense_cos.data<T>(), *s = dense_sin.data<T>();
    const T sign = backwards ? T{-1} : T{1};
    T* to = out.output<T>();
    parallel_rows(rows, width, [&](int64_t row) {
      const int64_t sequence = cos.dim() == 3 ? row / rows_per_sequence : 0;
      const int64_t angles = (sequence * tokens + row % tokens) * half;
      const T* in = from + offset_of(row, row_shape, source.strides());
      T* at = to + offset_of(row, row_shape, out.strides());
      if (pairs == RotaryPairs::halves)
        turn_halves(in, c + angles, s + angles, sign, at, half);
      else
        turn_neighbours(in, c + angles, s + angles, sign, at, half);
      std::copy_n(in + 2 * half, width - 2 * half, at + 2 * half);
    });
  });
  return out;
}

}  // namespace attune::kernels
