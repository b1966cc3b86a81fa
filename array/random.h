#pragma once

#include <array>
#include <cstdint>

#include "array.h"

namespace attune {

// Four random words from a key and a counter: Philox4x32-10 (Salmon et al. 2011). Any element of
// any draw can be computed alone, so results do not depend on threads and masks need no memory.
std::array<uint32_t, 4> philox(uint64_t key, uint64_t counter_high, uint64_t counter_low);

// A draw's place in the random stream: enough to repeat it.
struct RandomState {
  uint64_t seed = 0;
  uint64_t draw = 0;  // how many draws came before

  friend bool operator==(const RandomState&, const RandomState&) = default;
};

// The stream of this thread; every thread starts with seed 0.
RandomState random_state();
void set_random_state(RandomState state);
// Restarts this thread's stream at the first draw of a seed.
void manual_seed(uint64_t seed);
// The state of the next draw, and steps past it. One per array drawn, whatever its size.
RandomState next_draw();

// f(the state of the next draw), which is stepped past unless f throws.
template <class F>
auto with_next_draw(F&& f) {
  auto result = f(random_state());
  next_draw();
  return result;
}

}  // namespace attune
