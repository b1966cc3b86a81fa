#include <attune/attune.h>

#include <unistd.h>

#include <fstream>

#include "../catch.h"
#include "../sanitized.h"

using namespace attune;

namespace {

struct Net : nn::Module {
  nn::Linear up = child("up", nn::Linear(4, 16));
  nn::LayerNorm norm = child("norm", nn::LayerNorm(16));
  nn::Dropout drop = child("drop", nn::Dropout(0.2));
  nn::Linear down = child("down", nn::Linear(16, 2));

  Tensor operator()(const Tensor& x) const { return down(drop(gelu(norm(up(x))))); }
};

// Bytes of memory that the process occupies.
int64_t resident_bytes() {
  int64_t total = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> total >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

}  // namespace

TEST_CASE("10,000 training steps gain no live byte") {
  manual_seed(0);
  const Net net;
  optim::Adam adam(net.parameters(), {.lr = 1e-3});
  int64_t live = 0, peak = 0, resident = 0;
  for (int step = 0; step < 10'000; ++step) {
    if (step == 100) {
      live = memory_stats().live_bytes;
      peak = memory_stats().peak_bytes;
      resident = resident_bytes();
    }
    const Tensor loss = cross_entropy(net(randn({8, 4})), randint(2, {8}));
    adam.zero_grad();
    loss.backward();
    optim::clip_grad_norm_(net.parameters(), 0.5);
    optim::clip_grad_value_(net.parameters(), 0.1);
    adam.step();
  }
  CHECK(memory_stats().live_bytes == live);
  CHECK(memory_stats().peak_bytes == peak);
  // Sanitizers keep freed memory back for a while.
  if (!sanitized) CHECK(resident_bytes() - resident < (int64_t{1} << 20));
}
