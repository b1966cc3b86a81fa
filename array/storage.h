#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>

#include "intrusive.h"
#include "pool.h"

namespace attune {

// A point in this process's history of tape nodes and in-place writes. Every node and every write
// draws the next one, so that "was this written after that node recorded it?" is one comparison.
using Stamp = uint64_t;

// Draws the next stamp, 2 or more. Thread-safe.
Stamp next_stamp();

// Something computed from the values of a storage that is worth keeping beside it, as a weight in
// the form that products read.
struct Derived {
  virtual ~Derived() = default;
};

// A block of memory that arrays share. Holds the stamp of the last in-place write. Memory that its
// maker still fills has stamp 0; it is published, with stamp 1, when it becomes a tensor's, and
// from then on every write counts.
class Storage : public RefCounted<Storage>, public Pooled {
 public:
  // bytes of uninitialised pool memory, 64-byte aligned.
  static Intrusive<Storage> allocate(size_t bytes);
  // Memory owned by someone else (a mapped file); release is called when the last array lets go.
  static Intrusive<Storage> adopt(void* data, size_t bytes, std::function<void()> release);

  ~Storage();

  void* data() { return data_; }
  const void* data() const { return data_; }
  size_t bytes() const { return bytes_; }
  Stamp written() const { return written_.load(std::memory_order_relaxed); }
  void mark_written() {
    written_.store(next_stamp(), std::memory_order_relaxed);
    forget();
  }

  // What was kept of the values that stand here now; null if nothing was, or if they were written
  // since. Thread-safe, as keep() is.
  std::shared_ptr<const Derived> kept() const;
  // Keeps what was computed from the values as written at `from`, in the place of what was kept
  // before, until somebody may write to them, or the storage is freed. If they were written
  // meanwhile, nothing is kept.
  void keep(std::shared_ptr<const Derived> derived, Stamp from) const;
  // Drops what is kept: somebody is about to write, or has written.
  void forget() const {
    if (kept_.load(std::memory_order_relaxed)) drop_kept();
  }
  void publish() {
    if (written() == 0) written_.store(1, std::memory_order_relaxed);
  }
  // Lets memory that nobody else can see be filled again, as if it were new.
  void unpublish() {
    forget();
    written_.store(0, std::memory_order_relaxed);
  }

 private:
  struct Kept;

  void drop_kept() const;

  Storage() = default;

  void* data_ = nullptr;
  size_t bytes_ = 0;
  std::atomic<Stamp> written_{0};
  mutable std::atomic<Kept*> kept_{nullptr};
  std::unique_ptr<std::function<void()>> release_;  // empty for pool memory
};

// While backward runs a node recorded at `recorded`, reading memory written later is a GradError in
// that node's name. Zero `recorded` lifts the check (hooks, accumulation). Where backward computes
// something again, its own writes, from `resumed` on, are no later ones.
class SavedValueGuard {
 public:
  SavedValueGuard(Stamp recorded, const char* operation,
                  Stamp resumed = std::numeric_limits<Stamp>::max());
  ~SavedValueGuard();
  SavedValueGuard(const SavedValueGuard&) = delete;
  SavedValueGuard& operator=(const SavedValueGuard&) = delete;

  // Throws the GradError if storage was written after the innermost guard's stamp and before it
  // resumed.
  static void check(const Storage& storage) {
    if (storage.written() > limit_) fail(storage);
  }

 private:
  static void fail(const Storage& storage);

  static thread_local Stamp limit_, resumed_;
  static thread_local const char* operation_;
  Stamp outer_limit_, outer_resumed_;
  const char* outer_operation_;
};

}  // namespace attune
