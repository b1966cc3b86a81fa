#pragma once

// For .cpp files only.

#include <type_traits>

#include "../array/array.h"
#include "parallel.h"

namespace attune::kernels {

// parallel_tiles of an f(tile, scratch) that needs working memory of so many elements, which is
// taken here because a tile must not throw. MemoryError. Another thread may set the number of
// threads meanwhile, so it is read once, for memory and threads alike.
template <class T, class F>
void parallel_tiles_with_scratch(int64_t elements, int64_t tiles, int64_t work, const F& f) {
  static_assert(std::is_trivially_copyable_v<T>);
  const int threads = omp_in_parallel() ? 1 : num_threads();
  Array memory({threads, elements, static_cast<int64_t>(sizeof(T))}, boolean);
  T* data = static_cast<T*>(memory.output_data());
  parallel_tiles(
      tiles, work,
      [&](int64_t tile) { f(tile, data + (threads == 1 ? 0 : omp_get_thread_num()) * elements); },
      threads);
}

}  // namespace attune::kernels
