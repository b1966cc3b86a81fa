#pragma once

// For .cpp files only.

#include <omp.h>

#include <algorithm>
#include <cstdint>

#include "threads.h"

namespace attune::kernels {

inline int64_t divide_up(int64_t x, int64_t by) { return (x + by - 1) / by; }
inline int64_t round_up(int64_t x, int64_t to) { return divide_up(x, to) * to; }

// Elements below which a second thread costs more than it saves.
inline constexpr int64_t parallel_grain = 32768;

// Calls f(tile) once for every tile in [0, tiles), on up to so many threads if there is enough work
// (in elements touched). f must not throw, and must write only what belongs to its tile.
template <class F>
void parallel_tiles(int64_t tiles, int64_t work, const F& f, int threads = num_threads()) {
  const bool serial = tiles < 2 || work < parallel_grain || threads == 1 || omp_in_parallel();
  if (serial) {
    for (int64_t tile = 0; tile < tiles; ++tile) f(tile);
    return;
  }
#pragma omp parallel for schedule(dynamic) num_threads(threads)
  for (int64_t tile = 0; tile < tiles; ++tile) f(tile);
}

// Elements of one tile where each is computed by itself.
inline constexpr int64_t range_elements = 16384;

// Calls f(start, count) for ranges that cover [0, n), a tile each. cost: what an element weighs
// against one addition.
template <class F>
void parallel_ranges(int64_t n, const F& f, int64_t cost = 1) {
  parallel_tiles(divide_up(n, range_elements), n * cost, [&](int64_t tile) {
    const int64_t start = tile * range_elements;
    f(start, std::min(range_elements, n - start));
  });
}

}  // namespace attune::kernels
