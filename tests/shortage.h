// Memory that runs out at a chosen place.
#pragma once

#include <array/error.h>
#include <array/trace.h>

namespace attune::test {

// While one lives, this thread gets memory for `left` arrays, and then a MemoryError.
class Shortage final : Tracer {
 public:
  explicit Shortage(int left) : left_(left) { listen(this); }
  ~Shortage() { listen(nullptr); }
  Shortage(const Shortage&) = delete;
  Shortage& operator=(const Shortage&) = delete;

 private:
  void allocated(size_t) override {
    if (left_-- == 0) throw MemoryError("no memory is left");
  }
  void opened(const char*, bool) override {}
  void closed() override {}
  void recorded(const char*) override {}
  void multiplied(double) override {}
  void moved(double) override {}

  int left_;
};

// Calls f with memory for no array, for one, for two, … until it has enough.
template <class F, class Check>
void with_too_little_memory(const F& f, const Check& check_nothing_changed) {
  for (int left = 0;; ++left) {
    try {
      const Shortage shortage(left);
      f();
      return;
    } catch (const MemoryError&) {
    }
    check_nothing_changed();
  }
}

}  // namespace attune::test
