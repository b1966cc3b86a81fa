#include "random.h"

#include <cmath>
#include <numbers>
#include <numeric>
#include <vector>

#include "fail.h"

namespace attune {
namespace {

__extension__ using Wide = unsigned __int128;

thread_local RandomState stream;

// The words of one draw; each element asks for its own block, so the order of filling is free.
class Draw {
 public:
  explicit Draw(RandomState state) : state_(state) {}

  std::array<uint32_t, 4> block(int64_t element) const {
    return philox(state_.seed, state_.draw, static_cast<uint64_t>(element));
  }
  uint64_t bits(int64_t element) const {
    const auto words = block(element);
    return (static_cast<uint64_t>(words[0]) << 32) | words[1];
  }
  // In [0, 1), of 53 random bits.
  double unit(int64_t element) const { return static_cast<double>(bits(element) >> 11) * 0x1p-53; }
  // Box and Muller 1958.
  double normal(int64_t element) const {
    const auto words = block(element);
    const double u = (static_cast<double>(words[0]) + 0.5) * 0x1p-32;
    const double v = (static_cast<double>(words[1]) + 0.5) * 0x1p-32;
    return std::sqrt(-2 * std::log(u)) * std::cos(2 * std::numbers::pi * v);
  }

 private:
  RandomState state_;
};

template <class F>
Array filled(const char* name, const Shape& shape, DType dtype, F&& element) {
  Array array(shape, dtype);
  visit_floating(name, dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    T* out = array.output<T>();
    for (int64_t i = 0; i < array.numel(); ++i) out[i] = static_cast<T>(element(i));
  });
  return array;
}

}  // namespace

std::array<uint32_t, 4> philox(uint64_t key, uint64_t counter_high, uint64_t counter_low) {
  auto k0 = static_cast<uint32_t>(key), k1 = static_cast<uint32_t>(key >> 32);
  std::array<uint32_t, 4> c = {
      static_cast<uint32_t>(counter_low), static_cast<uint32_t>(counter_low >> 32),
      static_cast<uint32_t>(counter_high), static_cast<uint32_t>(counter_high >> 32)};
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = uint64_t{0xD2511F53} * c[0], p1 = uint64_t{0xCD9E8D57} * c[2];
    c = {static_cast<uint32_t>(p1 >> 32) ^ c[1] ^ k0, static_cast<uint32_t>(p1),
         static_cast<uint32_t>(p0 >> 32) ^ c[3] ^ k1, static_cast<uint32_t>(p0)};
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return c;
}

RandomState random_state() { return stream; }
void set_random_state(RandomState state) { stream = state; }
void manual_seed(uint64_t seed) { stream = {seed, 0}; }

RandomState next_draw() {
  const RandomState draw = stream;
  ++stream.draw;
  return draw;
}

Array random_uniform(const Shape& shape, DType dtype, double low, double high, RandomState state) {
  const Draw draw(state);
  return filled("rand", shape, dtype, [&](int64_t i) {
    const double value = low + (high - low) * draw.unit(i);
    // Rounding to float must not reach the open end.
    if (dtype == float32 && static_cast<float>(value) >= static_cast<float>(high) && low < high)
      return static_cast<double>(std::nextafter(static_cast<float>(high), static_cast<float>(low)));
    return value;
  });
}

Array random_normal(const Shape& shape, DType dtype, double mean, double std, RandomState state) {
  const Draw draw(state);
  return filled("randn", shape, dtype, [&](int64_t i) { return mean + std * draw.normal(i); });
}

Array random_bernoulli(const Shape& shape, double p, RandomState state) {
  if (!(p >= 0 && p <= 1)) fail<ValueError>("bernoulli", "probability {} is not in [0, 1]", p);
  const Draw draw(state);
  Array array(shape, boolean);
  bool* out = array.output<bool>();
  for (int64_t i = 0; i < array.numel(); ++i) out[i] = draw.unit(i) < p;
  return array;
}

Array random_integers(const Shape& shape, int64_t low, int64_t high, RandomState state) {
  if (low >= high) fail<ValueError>("randint", "the range [{}, {}) is empty", low, high);
  const Draw draw(state);
  const uint64_t range = static_cast<uint64_t>(high) - static_cast<uint64_t>(low);
  Array array(shape, int64);
  int64_t* out = array.output<int64_t>();
  // The high word of a 128-bit product is uniform up to range / 2^64 (Lemire 2019).
  for (int64_t i = 0; i < array.numel(); ++i)
    out[i] = static_cast<int64_t>(
        static_cast<uint64_t>(low) +
        static_cast<uint64_t>((static_cast<Wide>(draw.bits(i)) * range) >> 64));
  return array;
}

Array random_permutation(int64_t n, RandomState state) {
  const Draw draw(state);
  Array array(Shape{n}, int64);
  int64_t* out = array.output<int64_t>();
  std::iota(out, out + n, int64_t{0});
  // Fisher and Yates, as by Durstenfeld 1964.
  for (int64_t i = n - 1; i > 0; --i) {
    const auto range = static_cast<uint64_t>(i + 1);
    const auto j = static_cast<int64_t>(
        static_cast<uint64_t>((static_cast<Wide>(draw.bits(i)) * range) >> 64));
    std::swap(out[i], out[j]);
  }
  return array;
}

}  // namespace attune
