#pragma once

#include <atomic>
#include <cstddef>

#include "scope.h"

namespace attune {

class Array;

// What listens to the work of a thread. While none does, on any thread, a place that would report
// something costs a load and a branch.
class Tracer {
 public:
  // The one that listens to this thread, or null.
  static Tracer* current() {
    return listening_.load(std::memory_order_relaxed) == 0 ? nullptr : of_this_thread();
  }

  // A stretch of work begins and ends; stretches nest. name: a string literal; null for a module,
  // whose path is current_path().
  virtual void opened(const char* name, bool backward) = 0;
  virtual void closed() = 0;
  // An operation of this name has made its result.
  virtual void recorded(const char* name) = 0;
  // Memory was taken for an array.
  virtual void allocated(size_t bytes) = 0;
  // A kernel computed: additions and multiplications of matrix products, or bytes that it read and
  // wrote.
  virtual void multiplied(double flops) = 0;
  virtual void moved(double bytes) = 0;

 protected:
  ~Tracer() = default;
  // Makes this one listen to the calling thread, or nobody if null.
  static void listen(Tracer* tracer);

 private:
  static Tracer* of_this_thread();

  static std::atomic<int> listening_;  // threads that somebody listens to
};

// A stretch of work under a name (a string literal), which profiles show: your own, as "tokenize",
// or an operation's.
class Span {
 public:
  [[nodiscard]] explicit Span(const char* name, bool backward = false) {
    if (Tracer* tracer = Tracer::current()) tracer->opened(name, backward);
  }
  ~Span() {
    if (Tracer* tracer = Tracer::current()) tracer->closed();
  }
  Span(const Span&) = delete;
  Span& operator=(const Span&) = delete;
};

// For kernels: reports that a product took so many additions and multiplications.
inline void count_flops(double flops) {
  if (Tracer* tracer = Tracer::current()) tracer->multiplied(flops);
}

// For kernels: reports that each of these arrays was read or written once.
void count_bytes_of(Tracer& tracer, const Array& array);
template <class... Arrays>
void count_traffic(const Arrays&... arrays) {
  if (Tracer* tracer = Tracer::current()) (count_bytes_of(*tracer, arrays), ...);
}

}  // namespace attune
