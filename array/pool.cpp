#include "pool.h"

#include <sys/mman.h>
#include <sys/sysinfo.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstdlib>
#include <limits>
#include <mutex>
#include <new>
#include <vector>

namespace attune {

void require_memory(size_t count, size_t size) {
  static const size_t memory = [] {
    struct sysinfo info = {};
    if (sysinfo(&info) != 0) return std::numeric_limits<size_t>::max();
    return (size_t{info.totalram} + size_t{info.totalswap}) * info.mem_unit;
  }();
  if (count > memory / size) throw std::bad_alloc();
}

namespace {

constexpr size_t alignment = 64;
constexpr size_t huge_page = size_t{2} << 20;
constexpr size_t small_limit = 4096;                       // at most this: a list per thread
constexpr size_t small_classes = small_limit / alignment;  // one class every 64 bytes
constexpr size_t slab_bytes = size_t{64} << 10;

// Under the address sanitizer every block is the system's own and of its exact size, so that it
// sees leaks, overruns and uses after free.
#if defined(__SANITIZE_ADDRESS__)  // GCC
#define ATTUNE_ADDRESS_SANITIZER
#elif defined(__has_feature)  // Clang
#if __has_feature(address_sanitizer)
#define ATTUNE_ADDRESS_SANITIZER
#endif
#endif
#ifdef ATTUNE_ADDRESS_SANITIZER
constexpr bool recycles = false;
#else
constexpr bool recycles = true;
#endif

std::atomic<int64_t> live{0}, peak{0}, cached{0};

void count_live(int64_t bytes) {
  const int64_t now = live.fetch_add(bytes, std::memory_order_relaxed) + bytes;
  int64_t seen = peak.load(std::memory_order_relaxed);
  while (now > seen && !peak.compare_exchange_weak(seen, now, std::memory_order_relaxed)) {
  }
}

void* system_allocate(size_t bytes) {
  if (bytes >= huge_page) require_memory(bytes);
  const size_t align = bytes >= huge_page ? huge_page : alignment;
  void* block = std::aligned_alloc(align, (bytes + align - 1) / align * align);
  if (!block) throw std::bad_alloc();
  // Whole ones only: a huge page at the end would be resident beyond the block.
  if (bytes >= huge_page) madvise(block, bytes / huge_page * huge_page, MADV_HUGEPAGE);
  return block;
}

void* exact_allocate(size_t bytes) {
  require_memory(bytes);
  void* block = nullptr;
  if (posix_memalign(&block, alignment, std::max(bytes, size_t{1})) != 0) throw std::bad_alloc();
  return block;
}

struct FreeBlock {
  FreeBlock* next;
};

// Blocks of one size beyond small_limit, shared by all threads.
class LargeCache {
 public:
  void* take(size_t bytes) {
    std::lock_guard lock(mutex_);
    for (auto& list : lists_) {
      if (list.bytes != bytes || list.blocks.empty()) continue;
      void* block = list.blocks.back();
      list.blocks.pop_back();
      cached.fetch_sub(static_cast<int64_t>(bytes), std::memory_order_relaxed);
      return block;
    }
    return nullptr;
  }

  void put(void* block, size_t bytes) noexcept try {
    std::lock_guard lock(mutex_);
    list_of(bytes).push_back(block);
    cached.fetch_add(static_cast<int64_t>(bytes), std::memory_order_relaxed);
  } catch (const std::bad_alloc&) {
    std::free(block);
  }

  void clear() {
    std::lock_guard lock(mutex_);
    for (auto& list : lists_) {
      for (void* block : list.blocks) std::free(block);
      cached.fetch_sub(static_cast<int64_t>(list.bytes * list.blocks.size()),
                       std::memory_order_relaxed);
    }
    lists_.clear();
  }

 private:
  struct List {
    size_t bytes;
    std::vector<void*> blocks;
  };

  std::vector<void*>& list_of(size_t bytes) {
    for (auto& list : lists_)
      if (list.bytes == bytes) return list.blocks;
    return lists_.emplace_back(List{bytes, {}}).blocks;
  }

  std::mutex mutex_;
  std::vector<List> lists_;
};

// Never destroyed: tensors in static storage are freed after it would have been.
LargeCache& large_cache() {
  static auto* cache = new LargeCache;
  return *cache;
}

// Small blocks left by threads that ended; adopted by threads that run dry.
struct Orphans {
  std::mutex mutex;
  std::array<FreeBlock*, small_classes> lists{};
};

Orphans& orphans() {
  static auto* shared = new Orphans;
  return *shared;
}

struct ThreadCache {
  std::array<FreeBlock*, small_classes> lists{};

  ~ThreadCache();

  void* take(size_t index) {
    if (!lists[index]) refill(index);
    FreeBlock* block = lists[index];
    lists[index] = block->next;
    return block;
  }

  void put(void* block, size_t index) {
    auto* free_block = static_cast<FreeBlock*>(block);
    free_block->next = lists[index];
    lists[index] = free_block;
  }

  // Adopts an ended thread's blocks or cuts a fresh slab, whose memory is never returned.
  void refill(size_t index) {
    {
      Orphans& shared = orphans();
      std::lock_guard lock(shared.mutex);
      std::swap(lists[index], shared.lists[index]);
    }
    if (lists[index]) return;
    const size_t bytes = (index + 1) * alignment;
    auto* slab = static_cast<std::byte*>(system_allocate(slab_bytes));
    for (size_t at = slab_bytes / bytes; at-- > 0;) put(slab + at * bytes, index);
  }
};

thread_local ThreadCache thread_cache;
// Trivial, so still readable after thread_cache was destroyed.
thread_local bool thread_cache_gone = false;

ThreadCache::~ThreadCache() {
  thread_cache_gone = true;
  Orphans& shared = orphans();
  std::lock_guard lock(shared.mutex);
  for (size_t i = 0; i < small_classes; ++i) {
    while (FreeBlock* block = lists[i]) {
      lists[i] = block->next;
      block->next = shared.lists[i];
      shared.lists[i] = block;
    }
  }
}

void* take_small(size_t index) {
  if (!thread_cache_gone) return thread_cache.take(index);
  return system_allocate((index + 1) * alignment);
}

void put_small(void* block, size_t index) noexcept {
  if (!thread_cache_gone) return thread_cache.put(block, index);
  Orphans& shared = orphans();
  std::lock_guard lock(shared.mutex);
  auto* free_block = static_cast<FreeBlock*>(block);
  free_block->next = shared.lists[index];
  shared.lists[index] = free_block;
}

void* allocate_recycled(size_t size) {
  void* block = size <= small_limit ? take_small(size / alignment - 1) : large_cache().take(size);
  if (block) return block;
  try {
    return system_allocate(size);
  } catch (const std::bad_alloc&) {
    large_cache().clear();
    return system_allocate(size);
  }
}

}  // namespace

// Four classes between powers of two bound the waste at a fifth; sixteen where it would be
// megabytes of every weight, its gradient and its moments.
size_t pool_block_bytes(size_t bytes) {
  if (bytes <= small_limit)
    return (std::max(bytes, size_t{1}) + alignment - 1) / alignment * alignment;
  const size_t classes = bytes > huge_page ? 16 : 4;
  const size_t step = std::max(std::bit_floor(bytes - 1) / classes, alignment);
  return (bytes + step - 1) / step * step;
}

void* pool_allocate(size_t bytes) {
  if (bytes > size_t{1} << 62) throw std::bad_alloc();
  const size_t size = pool_block_bytes(bytes);
  void* const block = recycles ? allocate_recycled(size) : exact_allocate(bytes);
  count_live(static_cast<int64_t>(size));
  return block;
}

void pool_free(void* block, size_t bytes) noexcept {
  const size_t size = pool_block_bytes(bytes);
  live.fetch_sub(static_cast<int64_t>(size), std::memory_order_relaxed);
  if (!recycles) {
    std::free(block);
  } else if (size <= small_limit) {
    put_small(block, size / alignment - 1);
  } else {
    large_cache().put(block, size);
  }
}

MemoryStats memory_stats() { return {live.load(), peak.load(), cached.load()}; }

void reset_peak_memory() { peak.store(live.load()); }

void empty_cache() { large_cache().clear(); }

}  // namespace attune
