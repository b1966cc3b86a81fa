#pragma once

#include <algorithm>

#include "parallel.h"

namespace attune::kernels {

// Rows that one tile holds, about range_elements elements.
inline int64_t rows_per_tile(int64_t width) {
  return std::max<int64_t>(1, range_elements / std::max<int64_t>(1, width));
}

// Calls f(first, end) for tiles of `height` rows that cover [0, rows), on several threads.
template <class F>
void parallel_row_tiles(int64_t rows, int64_t width, int64_t height, const F& f) {
  parallel_tiles(divide_up(rows, height), rows * width,
                 [&](int64_t tile) { f(tile * height, std::min(rows, (tile + 1) * height)); });
}

// Calls f(row) once for every row in [0, rows), on several threads.
template <class F>
void parallel_rows(int64_t rows, int64_t width, const F& f) {
  parallel_row_tiles(rows, width, rows_per_tile(width), [&](int64_t first, int64_t end) {
    for (int64_t row = first; row < end; ++row) f(row);
  });
}

}  // namespace attune::kernels
