#include "random.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "../array/fail.h"
#include "copy.h"
#include "elementwise.h"
#include "parallel.h"
#include "philox.h"

namespace attune {
namespace {

__extension__ using Wide = unsigned __int128;

// The block of random words that belongs to one element. Each element has its own, so the order of
// filling is free.
struct Block {
  uint32_t words[4];

  uint64_t bits() const { return (static_cast<uint64_t>(words[0]) << 32) | words[1]; }
  // In [0, 1), of 53 random bits.
  double unit() const { return static_cast<double>(bits() >> 11) * 0x1p-53; }
  // In [0, range), uniform up to range / 2^64: the high word of a 128-bit product (Lemire 2019).
  uint64_t below(uint64_t range) const {
    return static_cast<uint64_t>((static_cast<Wide>(bits()) * range) >> 64);
  }
  // Box and Muller 1958.
  double normal() const {
    const double u = (static_cast<double>(words[0]) + 0.5) * 0x1p-32;
    const double v = (static_cast<double>(words[1]) + 0.5) * 0x1p-32;
    return std::sqrt(-2 * std::log(u)) * std::cos(2 * std::numbers::pi * v);
  }
};

// out[i] = element(block of i) for all elements, in parallel.
template <class T, class F>
void fill(Array& array, RandomState draw, const F& element) {
  constexpr int64_t together = 256, cost = 32;
  T* const out = array.output<T>();
  kernels::parallel_ranges(
      array.numel(),
      [&](int64_t start, int64_t count) {
        Block blocks[together];
        for (int64_t at = start; at < start + count; at += together) {
          const int64_t n = std::min(together, start + count - at);
          kernels::philox_blocks(draw, static_cast<uint64_t>(at), n, blocks->words);
          for (int64_t i = 0; i < n; ++i) out[at + i] = static_cast<T>(element(blocks[i]));
        }
      },
      cost);
}

template <class F>
Array filled(const char* name, const Shape& shape, DType dtype, RandomState draw,
             const F& element) {
  Array array(shape, dtype);
  visit_floating(name, dtype, [&]<class T>(TypeTag<T> tag) {
    fill<T>(array, draw, [&](const Block& block) { return element(tag, block); });
  });
  return array;
}

// The number that lies at unit, in [0, 1), of the way from low to high.
template <class T>
T uniform_between(double low, double high, double unit) {
  const double span = high - low;
  const T value =
      static_cast<T>(std::isinf(span) ? low * (1 - unit) + high * unit : low + span * unit);
  // Rounding must not reach the open end.
  const T end = static_cast<T>(high);
  return value >= end && low < high ? std::nextafter(end, static_cast<T>(low)) : value;
}

}  // namespace

Array random_uniform(const Shape& shape, DType dtype, double low, double high, RandomState draw) {
  return filled("rand", shape, dtype, draw, [=]<class T>(TypeTag<T>, const Block& block) {
    return uniform_between<T>(low, high, block.unit());
  });
}

Array random_normal(const Shape& shape, DType dtype, double mean, double std, RandomState draw) {
  return filled("randn", shape, dtype, draw,
                [=](auto, const Block& block) { return mean + std * block.normal(); });
}

Array random_bernoulli(const Array& p, RandomState draw) {
  const Array wide = kernels::contiguous(kernels::convert(p, float64));
  const double* probability = wide.data<double>();
  for (int64_t i = 0; i < wide.numel(); ++i)
    if (!(probability[i] >= 0 && probability[i] <= 1))
      fail<ValueError>("bernoulli", "probability {} is not in [0, 1]", probability[i]);
  return kernels::compare(kernels::Compare::lt, random_uniform(p.shape(), float64, 0, 1, draw),
                          wide);
}

Array random_integers(const Shape& shape, int64_t low, int64_t high, RandomState draw) {
  if (low >= high) fail<ValueError>("randint", "the range [{}, {}) is empty", low, high);
  const uint64_t range = static_cast<uint64_t>(high) - static_cast<uint64_t>(low);
  Array array(shape, int64);
  fill<int64_t>(array, draw, [&](const Block& block) {
    return static_cast<int64_t>(static_cast<uint64_t>(low) + block.below(range));
  });
  return array;
}

Array random_permutation(int64_t n, RandomState draw) {
  Array array(Shape{n}, int64);
  int64_t* out = array.output<int64_t>();
  std::iota(out, out + n, int64_t{0});
  // Fisher and Yates, as by Durstenfeld 1964.
  for (int64_t i = n - 1; i > 0; --i) {
    Block block;
    kernels::philox_blocks(draw, static_cast<uint64_t>(i), 1, block.words);
    std::swap(out[i], out[block.below(static_cast<uint64_t>(i + 1))]);
  }
  return array;
}

}  // namespace attune
