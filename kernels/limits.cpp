#include "limits.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <limits>
#include <new>

#include "copy.h"
#include "elementwise.h"
#include "gemm.h"

namespace attune::kernels {
namespace {

// The least time of a few calls, after one that warms up.
template <class F>
double seconds_of(const F& f) {
  using Clock = std::chrono::steady_clock;
  f();
  double least = std::numeric_limits<double>::infinity();
  for (int i = 0; i < 4; ++i) {
    const auto start = Clock::now();
    f();
    least = std::min(least, std::chrono::duration<double>(Clock::now() - start).count());
  }
  return least;
}

// Memory that goes back to the system afterwards, where the pool would keep it.
Array passing_memory(int64_t floats) {
  const auto bytes = static_cast<size_t>(floats) * sizeof(float);
  void* memory = std::aligned_alloc(64, bytes);
  if (!memory) throw std::bad_alloc();
  return Array(Storage::adopt(memory, bytes, [memory] { std::free(memory); }), {floats}, {1}, 0,
               float32);
}

}  // namespace

MachineLimits measure_limits() {
  MachineLimits limits;
  constexpr int64_t m = 512, n = 3072, k = 768;
  const Array a = ones({m, k}, float32), b = ones({k, n}, float32);
  limits.flops = 2.0 * m * n * k / seconds_of([&] { matmul(a, b); });
  constexpr int64_t values = int64_t{16} << 20;  // 64 MiB an array, beyond most caches
  Array sum = passing_memory(values), x = passing_memory(values), y = passing_memory(values);
  for (Array* each : {&x, &y}) copy_into(*each, ones({1}, float32));
  limits.bytes =
      3.0 * sizeof(float) * values / seconds_of([&] { binary_into(Binary::add, sum, x, y); });
  return limits;
}

}  // namespace attune::kernels
