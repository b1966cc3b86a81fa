// Counts what the heap holds, by operators new and delete of its own: for one file of a program.
// Under a sanitizer it counts nothing.
#pragma once

#include <attune/array.h>
#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <new>

#include "sanitized.h"

namespace heap {

inline std::atomic<int64_t> live{0}, peak{0};

// The most bytes that `work` had on the heap and in the pool of arrays beside what was there
// before.
template <class F>
int64_t peak_of(F&& work) {
  attune::reset_peak_memory();
  const int64_t arrays = attune::memory_stats().live_bytes, before = live;
  peak = before;
  work();
  return peak - before + attune::memory_stats().peak_bytes - arrays;
}

}  // namespace heap

#if !ATTUNE_SANITIZED  // sanitizers have operators of their own

void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  void* block = std::malloc(bytes);
  if (!block) return nullptr;
  const int64_t now = heap::live += static_cast<int64_t>(malloc_usable_size(block));
  for (int64_t most = heap::peak; now > most && !heap::peak.compare_exchange_weak(most, now);) {
  }
  return block;
}

void* operator new(std::size_t bytes) {
  void* block = operator new(bytes, std::nothrow);
  if (!block) throw std::bad_alloc();
  return block;
}

void operator delete(void* block) noexcept {
  if (block) heap::live -= static_cast<int64_t>(malloc_usable_size(block));
  std::free(block);
}

void operator delete(void* block, std::size_t) noexcept { operator delete(block); }
void operator delete(void* block, const std::nothrow_t&) noexcept { operator delete(block); }

#endif
