#pragma once

#include <cstddef>
#include <cstdint>

namespace attune {

// What the memory pool holds, in bytes; shared by all threads.
struct MemoryStats {
  int64_t live_bytes;    // handed out and not yet returned
  int64_t peak_bytes;    // the most that was ever live since reset_peak_memory
  int64_t cached_bytes;  // returned and kept for reuse
};

MemoryStats memory_stats();

// Starts a new peak measurement from what is live now.
void reset_peak_memory();

// Gives the cached blocks above 4 KiB back to the system.
void empty_cache();

// Pool allocation behind arrays, tape nodes and tensors. Blocks are 64-byte aligned and recycled by
// size class: small ones from a list per thread, larger ones from a shared cache, so that a
// training step reuses warm pages. std::bad_alloc when the system has no more.
void* pool_allocate(size_t bytes);
void pool_free(void* block, size_t bytes) noexcept;

// std::bad_alloc for `count` values of `size` bytes that the system could not hold even if all of
// its memory and swap were free. A system that promises memory it does not have would grant them,
// and end the process that uses them.
void require_memory(size_t count, size_t size = 1);

// What a block of so many bytes takes: its size class.
size_t pool_block_bytes(size_t bytes);

// Base of classes whose objects live in the pool.
struct Pooled {
  static void* operator new(size_t bytes) { return pool_allocate(bytes); }
  static void operator delete(void* block, size_t bytes) noexcept { pool_free(block, bytes); }
};

}  // namespace attune
