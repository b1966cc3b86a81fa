#include "transpose.h"

#include <hwy/cache_control.h>

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/transpose.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "loops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace attune::kernels::HWY_NAMESPACE {

// By squares, which stay in the nearest cache.
template <class T>
void transpose_plainly(const T* x, int64_t x_stride, int64_t rows, int64_t columns, T* y,
                       int64_t y_stride) {
  constexpr int64_t side = 16;
  for (int64_t row = 0; row < rows; row += side)
    for (int64_t column = 0; column < columns; column += side)
      for (int64_t j = column; j < std::min(columns, column + side); ++j)
        for (int64_t i = row; i < std::min(rows, row + side); ++i)
          y[j * y_stride + i] = x[i * x_stride + j];
}

void transpose_double(const double* x, int64_t x_stride, int64_t rows, int64_t columns, double* y,
                      int64_t y_stride) {
  transpose_plainly(x, x_stride, rows, columns, y, y_stride);
}

#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2

using Tag = hn::ScalableTag<float>;
using Vector = hn::Vec<Tag>;
constexpr int64_t width = HWY_TARGET == HWY_AVX2 ? 8 : 16;

// Rows i, i + 4, … side by side, four columns of each.
template <class Row>
HWY_INLINE hn::Vec<hn::FixedTag<float, 8>> every_fourth(hn::FixedTag<float, 8> d, const Row& row,
                                                        int64_t i) {
  return hn::Combine(d, row(i + 4), row(i));
}
#if HWY_TARGET != HWY_AVX2
template <class Row>
HWY_INLINE Vector every_fourth(Tag d, const Row& row, int64_t i) {
  const hn::FixedTag<float, 8> half;
  return hn::Combine(d, every_fourth(half, row, i + 8), every_fourth(half, row, i));
}
#endif

// At most `width` rows of at most four columns: every block of four lanes is transposed by itself,
// and stands where it should.
HWY_INLINE void transpose_four(const float* x, int64_t x_stride, int64_t rows, int64_t columns,
                               float* y, int64_t y_stride) {
  const Tag d;
  const hn::Repartition<double, Tag> pairs;
  const hn::FixedTag<float, 4> four;
  const auto row = [&](int64_t i) HWY_ATTR {
    if (i >= rows) return hn::Zero(four);
    return columns == 4 ? hn::LoadU(four, x + i * x_stride)
                        : load_head(four, x + i * x_stride, static_cast<size_t>(columns));
  };
  const auto every = [&](int64_t i) HWY_ATTR { return every_fourth(d, row, i); };
  const Vector row0 = every(0), row1 = every(1), row2 = every(2), row3 = every(3);
  const auto low01 = hn::BitCast(pairs, hn::InterleaveLower(d, row0, row1));
  const auto low23 = hn::BitCast(pairs, hn::InterleaveLower(d, row2, row3));
  const auto high01 = hn::BitCast(pairs, hn::InterleaveUpper(d, row0, row1));
  const auto high23 = hn::BitCast(pairs, hn::InterleaveUpper(d, row2, row3));
  const auto put = [&](int64_t j, auto column) HWY_ATTR {
    if (j >= columns) return;
    const Vector lanes = hn::BitCast(d, column);
    if (rows == width)
      hn::StoreU(lanes, d, y + j * y_stride);
    else
      store_head(d, lanes, y + j * y_stride, static_cast<size_t>(rows));
  };
  put(0, hn::InterleaveLower(pairs, low01, low23));
  put(1, hn::InterleaveUpper(pairs, low01, low23));
  put(2, hn::InterleaveLower(pairs, high01, high23));
  put(3, hn::InterleaveUpper(pairs, high01, high23));
}

// Processors foresee one stream of memory, not the many rows that go into a vector: what they
// hold is asked for some iterations before it is read.
void transpose_float(const float* x, int64_t x_stride, int64_t rows, int64_t columns, float* y,
                     int64_t y_stride) {
  constexpr int64_t line = 16, ahead = 4 * line;
  for (; rows >= width; rows -= width, x += width * x_stride, y += width) {
    int64_t j = 0;
    for (; j + line <= columns; j += line) {
      for (int64_t i = 0; i < width; ++i) hwy::Prefetch(x + i * x_stride + j + ahead);
      for (int64_t at = j; at < j + line; at += 4)
        transpose_four(x + at, x_stride, width, 4, y + at * y_stride, y_stride);
    }
    for (; j < columns; j += 4)
      transpose_four(x + j, x_stride, width, std::min<int64_t>(4, columns - j), y + j * y_stride,
                     y_stride);
  }
  for (int64_t j = 0; rows > 0 && j < columns; j += 4)
    transpose_four(x + j, x_stride, rows, std::min<int64_t>(4, columns - j), y + j * y_stride,
                   y_stride);
}

#else

void transpose_float(const float* x, int64_t x_stride, int64_t rows, int64_t columns, float* y,
                     int64_t y_stride) {
  transpose_plainly(x, x_stride, rows, columns, y, y_stride);
}

#endif

}  // namespace attune::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace attune::kernels {
namespace {

HWY_EXPORT(transpose_float);
HWY_EXPORT(transpose_double);

}  // namespace

void transpose(const float* x, int64_t x_stride, int64_t rows, int64_t columns, float* y,
               int64_t y_stride) {
  HWY_DYNAMIC_DISPATCH(transpose_float)(x, x_stride, rows, columns, y, y_stride);
}

void transpose(const double* x, int64_t x_stride, int64_t rows, int64_t columns, double* y,
               int64_t y_stride) {
  HWY_DYNAMIC_DISPATCH(transpose_double)(x, x_stride, rows, columns, y, y_stride);
}

}  // namespace attune::kernels
#endif
