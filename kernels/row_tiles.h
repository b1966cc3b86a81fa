#pragma once

#include <algorithm>

#include "parallel.h"

namespace attune::kernels {

// Rows that one tile holds, about range_elements elements.
inline int64_t rows_per_tile(int64_t width) {
  return std::max<int64_t>(1, range_elements / std::max<int64_t>(1, width));
}

// Calls f(row) once for every row in [0, rows), on several threads.
template <class F>
void parallel_rows(int64_t rows, int64_t width, const F& f) {
  const int64_t height = rows_per_tile(width);
  parallel_tiles((rows + height - 1) / height, rows * width, [&](int64_t tile) {
    const int64_t end = std::min(rows, (tile + 1) * height);
    for (int64_t row = tile * height; row < end; ++row) f(row);
  });
}

}  // namespace attune::kernels
