#include "bf16_panels.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include <algorithm>
#include <type_traits>

#include "f32_panels.h"

// Highway 1.0 has no operation that compiles to vdpbf16ps, so this is written for the processor.
#define ATTUNE_TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512bf16")))

namespace attune::kernels {
namespace {

// Rows whose sums with three panels of columns stay in registers: 24 of 32.
constexpr int most_rows = 8;
static_assert(panel_width % most_rows == 0);
// How far ahead of its use a panel of columns is asked for: one that was packed long ago comes from
// memory, and with few rows there is little to do meanwhile.
constexpr int64_t prefetch_pairs = 24;
// Where __builtin_prefetch puts it.
constexpr int into_second_cache = 2;

ATTUNE_TARGET inline __mmask16 first_lanes(int64_t n) {
  return static_cast<__mmask16>((1u << std::clamp<int64_t>(n, 0, 16)) - 1u);
}

// The first n of 16 elements; zeros behind.
ATTUNE_TARGET inline __m512 load_first(int64_t n, const float* x) {
  return _mm512_maskz_loadu_ps(first_lanes(n), x);
}

// 32 bfloat16: those of low, then those of high.
ATTUNE_TARGET inline __m512i round(__m512 low, __m512 high) {
  return reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(high, low));
}

// Swaps lane j of x[i] with lane i of x[j], by halves, quarters, … of the square.
ATTUNE_TARGET inline void transpose(__m512i* x) {
  const __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
#pragma GCC unroll 4
  for (int half = 8; half > 0; half /= 2) {
    const __mmask16 right = _mm512_test_epi32_mask(lane, _mm512_set1_epi32(half));
    const __m512i upper = _mm512_mask_add_epi32(lane, right, lane, _mm512_set1_epi32(16 - half));
    const __m512i lower = _mm512_mask_add_epi32(_mm512_add_epi32(lane, _mm512_set1_epi32(half)),
                                                right, lane, _mm512_set1_epi32(16));
#pragma GCC unroll 16
    for (int i = 0; i < 16; ++i) {
      if (i & half) continue;
      const __m512i above = x[i], below = x[i + half];
      x[i] = _mm512_permutex2var_epi32(above, upper, below);
      x[i + half] = _mm512_permutex2var_epi32(above, lower, below);
    }
  }
}

// Processors foresee one stream of memory, not the many rows that a panel is made of: packing asks
// for what it reads some iterations later. A large weight is packed half again as fast for it.

// One panel from rows of depths.
ATTUNE_TARGET void pack_dense_depth(const float* x, int64_t stride, int64_t count, int64_t depth,
                                    Bf16Pair* panel) {
  for (int64_t d = 0; d < depth; d += 32, panel += 16 * panel_width) {
    const int64_t pairs = std::min<int64_t>(16, (depth - d + 1) / 2);
    __m512i rows[16];
    for (int i = 0; i < 16; ++i) {
      // Rows that are not there are not touched, not even by a masked load: it may take the
      // processor a microsecond to find out that it need not fault.
      rows[i] = _mm512_setzero_si512();
      if (i >= count) continue;
      const float* row = x + i * stride + d;
      __builtin_prefetch(row + 64);
      __builtin_prefetch(row + 80);
      rows[i] = round(load_first(depth - d, row), load_first(depth - d - 16, row + 16));
    }
    transpose(rows);
    for (int i = 0; i < 16; ++i)
      if (i < pairs) _mm512_storeu_si512(panel + i * panel_width, rows[i]);
  }
}

// All panels at once from rows of indices, which so are read from end to end.
ATTUNE_TARGET void pack_dense_index(const float* x, int64_t stride, int64_t count, int64_t depth,
                                    Bf16Pair* panels) {
  const int64_t pairs = (depth + 1) / 2;
  const __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  const __m512i interleaved =
      _mm512_or_si512(lane, _mm512_slli_epi32(_mm512_add_epi32(lane, _mm512_set1_epi32(16)), 16));
  for (int64_t pair = 0; pair < pairs; ++pair, x += 2 * stride, panels += panel_width) {
    const bool both = 2 * pair + 1 < depth;
    for (int64_t i = 0; i < count; i += panel_width) {
      __builtin_prefetch(x + 16 * stride + i);
      __builtin_prefetch(x + 17 * stride + i);
    }
    for (int64_t i = 0; i < count; i += panel_width) {
      const __m512 low = load_first(count - i, x + i);
      const __m512 high = load_first(both ? count - i : 0, x + (both ? stride : 0) + i);
      _mm512_storeu_si512(panels + i * pairs,
                          _mm512_permutexvar_epi16(interleaved, round(low, high)));
    }
  }
}

// So many rows times so many panels of columns.
template <int tile_rows, int panels>
ATTUNE_TARGET void multiply_tile(int64_t pairs, const Bf16Pair* rows, const Bf16Pair* columns,
                                 int64_t next_panel, const PanelResult& result,
                                 Prefetcher& upcoming) {
  __m512 sums[tile_rows][panels];
#pragma GCC unroll 8
  for (int i = 0; i < tile_rows; ++i) {
#pragma GCC unroll 3
    for (int j = 0; j < panels; ++j) {
      sums[i][j] = _mm512_setzero_ps();
      // Rows of the result lie far apart: their way from memory is as long as the loop below.
      if (i < result.rows) __builtin_prefetch(result.data + i * result.stride + 16 * j, 1);
    }
  }
  Prefetcher ahead = upcoming;  // in registers
  for (int64_t pair = 0; pair < pairs; ++pair, rows += panel_width, columns += panel_width) {
    if (pair % 2 == 0) ahead.next();
    __m512bh right[panels];
#pragma GCC unroll 3
    for (int j = 0; j < panels; ++j) {
      __builtin_prefetch(columns + j * next_panel + prefetch_pairs * panel_width, 0,
                         into_second_cache);
      right[j] = reinterpret_cast<__m512bh>(_mm512_loadu_si512(columns + j * next_panel));
    }
#pragma GCC unroll 8
    for (int i = 0; i < tile_rows; ++i) {
      const auto left = reinterpret_cast<__m512bh>(_mm512_set1_epi32(static_cast<int>(rows[i])));
#pragma GCC unroll 3
      for (int j = 0; j < panels; ++j) sums[i][j] = _mm512_dpbf16_ps(sums[i][j], left, right[j]);
    }
  }
  upcoming = ahead;
  __mmask16 present[panels];
#pragma GCC unroll 3
  for (int j = 0; j < panels; ++j) present[j] = first_lanes(result.columns - 16 * j);
#pragma GCC unroll 8
  for (int i = 0; i < tile_rows; ++i) {
    if (i >= result.rows) return;
    float* to = result.data + i * result.stride;
#pragma GCC unroll 3
    for (int j = 0; j < panels; ++j, to += 16) {
      __m512 sum = sums[i][j];
      if (result.add) sum = _mm512_add_ps(sum, _mm512_maskz_loadu_ps(present[j], to));
      if (result.bias)
        sum = _mm512_add_ps(sum, _mm512_maskz_loadu_ps(present[j], result.bias + 16 * j));
      _mm512_mask_storeu_ps(to, present[j], sum);
    }
  }
}

}  // namespace

bool has_bf16_panels() {
  static const bool present = __builtin_cpu_supports("avx512bw") &&
                              __builtin_cpu_supports("avx512vl") &&
                              __builtin_cpu_supports("avx512bf16");
  // Not hwy::SupportedTargets(), which asks the processor every time: microseconds in a virtual
  // machine.
  return present && f32_panel_width() == panel_width;
}

void pack_panels(const PanelOperand& x, int64_t first, int64_t count, int64_t from, int64_t depth,
                 Bf16Pair* panels) {
  if (!x.dense_depth) return pack_dense_index(x.at(first, from), x.stride, count, depth, panels);
  const int64_t pairs = (depth + 1) / 2;
  for (int64_t i = 0; i < count; i += panel_width)
    pack_dense_depth(x.at(first + i, from), x.stride, std::min(panel_width, count - i), depth,
                     panels + i * pairs);
}

void multiply_panels(int64_t pairs, const Panels<Bf16Pair>& rows, const Panels<Bf16Pair>& columns,
                     const PanelResult& result, const Upcoming& upcoming) {
  const auto multiply = [&]<int tile_rows>(std::integral_constant<int, tile_rows>) {
    multiply_tiles<Bf16Pair>(
        {multiply_tile<tile_rows, 1>, multiply_tile<tile_rows, 2>, multiply_tile<tile_rows, 3>},
        tile_rows, panel_width, pairs, rows, columns, result, upcoming);
  };
  // When a model writes there are few rows; those that are not there cost as much as any.
  if (result.rows == 1) return multiply(std::integral_constant<int, 1>());
  if (result.rows <= 4) return multiply(std::integral_constant<int, 4>());
  multiply(std::integral_constant<int, most_rows>());
}

}  // namespace attune::kernels

#else

namespace attune::kernels {

bool has_bf16_panels() { return false; }
void pack_panels(const PanelOperand&, int64_t, int64_t, int64_t, int64_t, Bf16Pair*) {}
void multiply_panels(int64_t, const Panels<Bf16Pair>&, const Panels<Bf16Pair>&, const PanelResult&,
                     const Upcoming&) {}

}  // namespace attune::kernels

#endif
