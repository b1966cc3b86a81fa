#include "storage.h"

#include <mutex>
#include <utility>

#include "fail.h"
#include "scope.h"
#include "trace.h"

namespace attune {
namespace {

std::atomic<Stamp> clock_{1};

// Of what all storages keep: it is held for a few instructions.
std::mutex kept_mutex;

}  // namespace

struct Storage::Kept {
  std::shared_ptr<const Derived> derived;
  Stamp from;
};

Stamp next_stamp() { return clock_.fetch_add(1, std::memory_order_relaxed) + 1; }

Intrusive<Storage> Storage::allocate(size_t bytes) {
  if (Tracer* tracer = Tracer::current()) tracer->allocated(bytes);
  Intrusive<Storage> storage(new Storage);
  storage->data_ = pool_allocate(bytes);
  storage->bytes_ = bytes;
  return storage;
}

Intrusive<Storage> Storage::adopt(void* data, size_t bytes, std::function<void()> release) {
  Intrusive<Storage> storage(new Storage);
  storage->release_ = std::make_unique<std::function<void()>>(std::move(release));
  storage->data_ = data;
  storage->bytes_ = bytes;
  return storage;
}

Storage::~Storage() {
  delete kept_.load(std::memory_order_relaxed);
  if (release_) {
    (*release_)();
  } else if (data_) {
    pool_free(data_, bytes_);
  }
}

std::shared_ptr<const Derived> Storage::kept() const {
  if (!kept_.load(std::memory_order_relaxed)) return nullptr;
  const std::lock_guard lock(kept_mutex);
  const Kept* kept = kept_.load(std::memory_order_relaxed);
  return kept && kept->from == written() ? kept->derived : nullptr;
}

void Storage::keep(std::shared_ptr<const Derived> derived, Stamp from) const {
  auto kept = std::make_unique<Kept>(Kept{std::move(derived), from});
  const std::lock_guard lock(kept_mutex);
  if (from == written()) kept.reset(kept_.exchange(kept.release(), std::memory_order_relaxed));
}

void Storage::drop_kept() const {
  std::unique_ptr<Kept> dropped;
  const std::lock_guard lock(kept_mutex);
  dropped.reset(kept_.exchange(nullptr, std::memory_order_relaxed));
}

thread_local Stamp SavedValueGuard::limit_ = std::numeric_limits<Stamp>::max();
thread_local Stamp SavedValueGuard::resumed_ = std::numeric_limits<Stamp>::max();
thread_local const char* SavedValueGuard::operation_ = "";

SavedValueGuard::SavedValueGuard(Stamp recorded, const char* operation, Stamp resumed)
    : outer_limit_(limit_), outer_resumed_(resumed_), outer_operation_(operation_) {
  limit_ = recorded == 0 ? std::numeric_limits<Stamp>::max() : recorded;
  resumed_ = resumed;
  operation_ = operation;
}

SavedValueGuard::~SavedValueGuard() {
  limit_ = outer_limit_;
  resumed_ = outer_resumed_;
  operation_ = outer_operation_;
}

void SavedValueGuard::fail(const Storage& storage) {
  if (storage.written() >= resumed_) return;
  // The recorded operation, not the ones that its formula is made of, whose scope may be open.
  const Path path = current_path();
  if (resumed_ != std::numeric_limits<Stamp>::max())
    throw GradError(fmt::format(
        "{}{}: computed again, the function reads a value that was written in place since it began "
        "(write {}, begun at {}); write to a clone(), and keep running values outside of it",
        operation_, path->empty() ? "" : " (" + *path + ")", storage.written(), limit_));
  throw GradError(
      fmt::format("{}{}: backward needs a value that was written in place after it was recorded "
                  "(write {}, recorded at {}); write to a clone(), or call backward first",
                  operation_, path->empty() ? "" : " (" + *path + ")", storage.written(), limit_));
}

}  // namespace attune
