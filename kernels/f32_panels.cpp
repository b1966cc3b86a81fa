#include "f32_panels.h"

#include <hwy/cache_control.h>

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/f32_panels.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "loops-inl.h"
#include "transpose.h"

HWY_BEFORE_NAMESPACE();
namespace attune::kernels::HWY_NAMESPACE {

#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2

using Tag = hn::ScalableTag<float>;
using Vector = hn::Vec<Tag>;
constexpr int64_t width = HWY_TARGET == HWY_AVX2 ? 8 : 16;

// Rows whose sums with three panels of columns stay in registers, 24 of 32 or 12 of 16. A depth
// takes as many multiply-adds, which the processor starts two at a time, and half as many loads:
// what keeps the multipliers busy is all in registers and in the nearest caches.
constexpr int tile_rows = HWY_TARGET == HWY_AVX2 ? 4 : 8;
static_assert(width % tile_rows == 0);

// Depths summed in one chain. The sums of chains are added in the result, which stays in the
// nearest cache meanwhile: 1 % of the time, for rounding errors half of those of one chain over
// 1,024.
constexpr int64_t chain = 256;

// Depths between two lines asked for: a piece of the other operand is read as fast as it is
// multiplied with 100 rows.
constexpr int64_t prefetch_depths = 4;

// All panels at once from rows of indices, which so are read from end to end. Processors foresee no
// jump from row to row: the next ones are asked for some iterations before they are read.
void pack_dense_index(const float* x, int64_t stride, int64_t count, int64_t depth, float* panels) {
  const Tag d;
  constexpr int64_t line = 16, ahead = 16;
  for (int64_t l = 0; l < depth; ++l, x += stride, panels += width) {
    for (int64_t i = 0; i < count; i += line) hwy::Prefetch(x + ahead * stride + i);
    int64_t i = 0;
    for (; i + width <= count; i += width) hn::Store(hn::LoadU(d, x + i), d, panels + i * depth);
    if (i < count)
      hn::Store(load_head(d, x + i, static_cast<size_t>(count - i)), d, panels + i * depth);
  }
}

void pack(const PanelOperand& x, int64_t first, int64_t count, int64_t from, int64_t depth,
          float* panels) {
  if (!x.dense_depth) return pack_dense_index(x.at(first, from), x.stride, count, depth, panels);
  for (int64_t i = 0; i < count; i += width, panels += depth * width) {
    if (count - i < width) std::fill_n(panels, depth * width, 0.0f);
    transpose(x.at(first + i, from), x.stride, std::min(width, count - i), depth, panels, width);
  }
}

// Loops over sums are unrolled early, or GCC keeps the array in memory.

// Stores the sums of a tile, or adds them to what is there, and the bias if this is the last time.
template <int panels>
HWY_INLINE void put(const Vector (&sums)[tile_rows][panels], const PanelResult& result, bool add,
                    bool last) {
  const Tag d;
  const int64_t rest = result.columns - width * (panels - 1);
  const auto n = static_cast<size_t>(rest);
#pragma GCC unroll 8
  for (int i = 0; i < tile_rows; ++i) {
    if (i >= result.rows) return;
    float* to = result.data + i * result.stride;
#pragma GCC unroll 3
    for (int j = 0; j < panels; ++j, to += width) {
      const bool whole = j + 1 < panels || rest == width;
      const auto load = [&](const float* from)
                            HWY_ATTR { return whole ? hn::LoadU(d, from) : load_head(d, from, n); };
      Vector sum = sums[i][j];
      if (add) sum = hn::Add(sum, load(to));
      if (last && result.bias) sum = hn::Add(sum, load(result.bias + j * width));
      if (whole)
        hn::StoreU(sum, d, to);
      else
        store_head(d, sum, to, n);
    }
  }
}

// tile_rows rows times so many panels of columns.
template <int panels>
void multiply_tile(int64_t depth, const float* HWY_RESTRICT rows, const float* HWY_RESTRICT columns,
                   int64_t next_panel, const PanelResult& result, Prefetcher& upcoming) {
  const Tag d;
  Prefetcher ahead = upcoming;  // in registers
  // Rows of the result lie far apart: their way from memory is as long as the loop below.
  for (int64_t i = 0; i < std::min<int64_t>(tile_rows, result.rows); ++i)
    for (int j = 0; j < panels; ++j) hwy::Prefetch(result.data + i * result.stride + width * j);
  for (int64_t from = 0; from < depth; from += chain) {
    Vector sums[tile_rows][panels];
#pragma GCC unroll 8
    for (int i = 0; i < tile_rows; ++i)
#pragma GCC unroll 3
      for (int j = 0; j < panels; ++j) sums[i][j] = hn::Zero(d);
    const int64_t end = std::min(depth, from + chain);
    for (int64_t l = from; l < end;) {
      ahead.next();
      const int64_t stop = std::min(l + prefetch_depths, end);
      for (; l < stop; ++l, rows += width, columns += width) {
        Vector right[panels];
#pragma GCC unroll 3
        for (int j = 0; j < panels; ++j) right[j] = hn::Load(d, columns + j * next_panel);
#pragma GCC unroll 8
        for (int i = 0; i < tile_rows; ++i) {
          const Vector left = hn::Set(d, rows[i]);
#pragma GCC unroll 3
          for (int j = 0; j < panels; ++j) sums[i][j] = hn::MulAdd(left, right[j], sums[i][j]);
        }
      }
    }
    put<panels>(sums, result, result.add || from > 0, end == depth);
  }
  upcoming = ahead;
}

void multiply(int64_t depth, const Panels<float>& rows, const Panels<float>& columns,
              const PanelResult& result, const Upcoming& upcoming) {
  multiply_tiles<float>({multiply_tile<1>, multiply_tile<2>, multiply_tile<3>}, tile_rows, width,
                        depth, rows, columns, result, upcoming);
}

int64_t panel_width() { return width; }

#else

int64_t panel_width() { return 0; }
void pack(const PanelOperand&, int64_t, int64_t, int64_t, int64_t, float*) {}
void multiply(int64_t, const Panels<float>&, const Panels<float>&, const PanelResult&,
              const Upcoming&) {}

#endif

}  // namespace attune::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace attune::kernels {
namespace {

HWY_EXPORT(panel_width);
HWY_EXPORT(pack);
HWY_EXPORT(multiply);

}  // namespace

int64_t f32_panel_width() { return HWY_DYNAMIC_DISPATCH(panel_width)(); }

void pack_panels(const PanelOperand& x, int64_t first, int64_t count, int64_t from, int64_t depth,
                 float* panels) {
  HWY_DYNAMIC_DISPATCH(pack)(x, first, count, from, depth, panels);
}

void multiply_panels(int64_t depth, const Panels<float>& rows, const Panels<float>& columns,
                     const PanelResult& result, const Upcoming& upcoming) {
  HWY_DYNAMIC_DISPATCH(multiply)(depth, rows, columns, result, upcoming);
}

}  // namespace attune::kernels
#endif
