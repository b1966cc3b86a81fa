#include "trace.h"

#include <algorithm>

#include "array.h"

namespace attune {
namespace {

thread_local Tracer* listener = nullptr;

}  // namespace

std::atomic<int> Tracer::listening_{0};

Tracer* Tracer::of_this_thread() { return listener; }

void Tracer::listen(Tracer* tracer) {
  listening_.fetch_add((tracer != nullptr) - (listener != nullptr), std::memory_order_relaxed);
  listener = tracer;
}

void count_bytes_of(Tracer& tracer, const Array& array) {
  if (!array.defined()) return;
  // An expanded view stands on less memory than it has elements.
  const auto bytes = static_cast<size_t>(array.numel()) * size_of(array.dtype());
  tracer.moved(static_cast<double>(std::min(bytes, array.storage().bytes())));
}

}  // namespace attune
