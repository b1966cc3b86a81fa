// Memory that runs out at a chosen place.
#pragma once

#include <array/error.h>
#include <array/trace.h>

#include "catch.h"

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

// Calls f with memory for no array, for one, for two, … until it has enough. Fails if it never
// needs any, or never has enough.
template <class F, class Check>
void with_too_little_memory(const F& f, const Check& check_nothing_changed) {
  constexpr int plenty = 1000;
  const auto has_enough = [&](int left) {
    try {
      const Shortage shortage(left);
      f();
      return true;
    } catch (const MemoryError&) {
      return false;
    }
  };
  int left = 0;
  for (; left < plenty && !has_enough(left); ++left) check_nothing_changed();
  INFO("memory for " << left << " arrays");
  REQUIRE(left > 0);
  REQUIRE(left < plenty);
}

}  // namespace attune::test
