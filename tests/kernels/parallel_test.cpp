#include "../catch.h"

#include <kernels/attention_tiles.h>

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>

using namespace attune;

TEST_CASE("a tile has its scratch to itself, even while another thread sets how many run") {
  const int before = num_threads();
  std::atomic<bool> done = false;
  std::thread setter([&] {
    for (int threads = 1; !done; threads = 3 - threads) {
      set_num_threads(threads);
      std::this_thread::yield();
    }
  });
  constexpr int64_t elements = 500, tiles = 32;
  std::atomic<int64_t> spoilt = 0;
  for (int round = 0; round < 20; ++round)
    kernels::parallel_tiles_with_scratch<double>(
        elements, tiles, kernels::parallel_grain, [&](int64_t tile, double* scratch) {
          std::fill_n(scratch, elements, static_cast<double>(tile));
          std::this_thread::yield();
          spoilt += elements - std::count(scratch, scratch + elements, static_cast<double>(tile));
        });
  done = true;
  setter.join();
  set_num_threads(before);
  CHECK(spoilt == 0);
}

TEST_CASE("a process that was forked after work on many threads can go on") {
  const auto work = [] { return kernels::ones({1 << 20}, float32).is_contiguous(); };
  const int before = num_threads();
  set_num_threads(2);
  work();
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    alarm(30);
    bool refused = false;
    try {
      set_num_threads(2);
    } catch (const ValueError&) {
      refused = true;
    }
    _exit(work() && refused && num_threads() == 1 ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  set_num_threads(before);
  CHECK(status == 0);
}
