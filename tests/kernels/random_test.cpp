#include <attune/array.h>
#include <attune/kernels.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <thread>
#include <vector>

#include "../../kernels/copy.h"
#include "../../kernels/dropout.h"
#include "../../kernels/philox.h"
#include "../catch.h"

using namespace attune;

namespace {

std::vector<double> values(const Array& array) {
  const double* first = array.data<double>();
  return {first, first + array.numel()};
}

struct Moments {
  double mean = 0, variance = 0, kurtosis = 0;
};

Moments moments(const std::vector<double>& x) {
  Moments m;
  const auto n = static_cast<double>(x.size());
  for (double v : x) m.mean += v / n;
  for (double v : x) m.variance += (v - m.mean) * (v - m.mean) / n;
  for (double v : x) m.kurtosis += std::pow(v - m.mean, 4) / n / (m.variance * m.variance);
  return m;
}

}  // namespace

TEST_CASE("philox gives Random123's known answers") {
  using Words = std::array<uint32_t, 4>;
  CHECK(philox(0, 0, 0) == Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(philox(UINT64_MAX, UINT64_MAX, UINT64_MAX) ==
        Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox(0x299f31d0a4093822, 0x0370734413198a2e, 0x85a308d3243f6a88) ==
        Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("many blocks at once are those of philox, on every instruction set") {
  const RandomState draw{0x299f31d0a4093822, 0x0370734413198a2e};
  for (const std::string& target : simd_targets()) {
    set_simd_target(target);
    INFO(target);
    for (const uint64_t first : {uint64_t{0}, uint64_t{0xFFFFFFFD}, UINT64_MAX - 3})
      for (const int64_t count : {0, 1, 2, 7, 16, 33}) {
        std::vector<uint32_t> words(static_cast<size_t>(4 * count) + 1, 7);
        kernels::philox_blocks(draw, first, count, words.data());
        bool same = words.back() == 7;
        for (int64_t i = 0; i < count; ++i) {
          const auto block = philox(draw.seed, draw.draw, first + static_cast<uint64_t>(i));
          same = same && std::equal(block.begin(), block.end(), words.begin() + 4 * i);
        }
        CHECK(same);
      }
  }
  set_simd_target(simd_targets().front());
}

TEST_CASE("draws do not depend on threads") {
  const int threads = num_threads();
  const auto drawn = [](int count) {
    set_num_threads(count);
    return values(random_normal({100003}, float64, 0, 1, {5, 2}));
  };
  const auto alone = drawn(1);
  CHECK(drawn(4) == alone);
  set_num_threads(threads);
}

TEST_CASE("a saved random state repeats the draws after it") {
  manual_seed(7);
  random_normal({5}, float64, 0, 1);
  const RandomState state = random_state();
  const auto first = values(random_normal({100}, float64, 0, 1));
  const auto second = values(random_normal({100}, float64, 0, 1));
  CHECK(first != second);
  set_random_state(state);
  CHECK(values(random_normal({100}, float64, 0, 1)) == first);
  CHECK(values(random_normal({100}, float64, 0, 1)) == second);
}

TEST_CASE("an element does not depend on how many are drawn with it") {
  const RandomState draw{3, 9};
  const auto few = values(random_uniform({10}, float64, 0, 1, draw));
  const auto many = values(random_uniform({1000}, float64, 0, 1, draw));
  CHECK(std::equal(few.begin(), few.end(), many.begin()));
}

TEST_CASE("an element is made of the first two words of its block, the high one first") {
  const RandomState draw{3, 9};
  const Array uniform = random_uniform({300}, float64, 0, 1, draw);
  const Array normal = random_normal({300}, float64, 0, 1, draw);
  const Array whole = random_integers({300}, 0, int64_t{1} << 62, draw);
  for (int64_t i = 0; i < 300; ++i) {
    const auto words = philox(draw.seed, draw.draw, static_cast<uint64_t>(i));
    const uint64_t bits = (static_cast<uint64_t>(words[0]) << 32) | words[1];
    CHECK(uniform.data<double>()[i] == static_cast<double>(bits >> 11) * 0x1p-53);
    CHECK(whole.data<int64_t>()[i] == static_cast<int64_t>(bits >> 2));
    const double u = (words[0] + 0.5) * 0x1p-32, v = (words[1] + 0.5) * 0x1p-32;
    CHECK(normal.data<double>()[i] ==
          Approx(std::sqrt(-2 * std::log(u)) * std::cos(2 * std::acos(-1.0) * v)).margin(1e-14));
  }
}

TEST_CASE("dropout reads a word for every element, wherever it begins") {
  const RandomState draw{3, 9};
  for (const double p : {0.0, 0.3, 0.5, 0.9})
    for (const int64_t start : {0, 1, 6, 4095})
      for (const int64_t n : {0, 1, 4, 1023, 1024, 1025, 2050}) {
        const std::vector<double> x(static_cast<size_t>(n), 3);
        std::vector<double> y(static_cast<size_t>(n) + 1, 7);
        kernels::DropoutMask(p, draw).apply(start, n, x.data(), y.data());
        bool right = y.back() == 7;
        for (int64_t i = 0; i < n; ++i) {
          const auto element = static_cast<uint64_t>(start + i);
          const uint32_t word = philox(draw.seed, draw.draw, element / 4)[element % 4];
          const double expected = word < static_cast<uint64_t>(p * 0x1p32) ? 0 : 3 / (1 - p);
          right = right && std::abs(y[static_cast<size_t>(i)] - expected) < 1e-12;
        }
        INFO(n << " elements from " << start << " on, p = " << p);
        CHECK(right);
      }
}

TEST_CASE("each thread has a stream of its own") {
  manual_seed(5);
  RandomState other{1, 1};
  std::thread([&] { other = random_state(); }).join();
  CHECK(other == RandomState{0, 0});
  CHECK(random_state() == RandomState{5, 0});
}

TEST_CASE("moments of the distributions") {
  const int64_t n = 200000;
  const Moments normal = moments(values(random_normal({n}, float64, 2, 3, {1, 0})));
  CHECK(normal.mean == Approx(2).margin(0.03));
  CHECK(normal.variance == Approx(9).margin(0.15));
  CHECK(normal.kurtosis == Approx(3).margin(0.1));
  const Moments uniform = moments(values(random_uniform({n}, float64, -1, 3, {1, 1})));
  CHECK(uniform.mean == Approx(1).margin(0.015));
  CHECK(uniform.variance == Approx(16. / 12).margin(0.02));
  const Array coins = random_bernoulli(kernels::full({n}, float64, 0.3), {1, 2});
  CHECK(static_cast<double>(std::count(coins.data<bool>(), coins.data<bool>() + n, true)) / n ==
        Approx(0.3).margin(0.005));
}

TEST_CASE("a coin falls by the uniform number of the same draw") {
  const RandomState draw{3, 9};
  const Array uniform = random_uniform({1000}, float64, 0, 1, draw);
  for (const DType dtype : {float32, float64}) {
    const Array p = random_uniform({1000}, dtype, 0, 1, {4, 4});
    const Array wide = kernels::convert(p, float64), coins = random_bernoulli(p, draw);
    for (int64_t i = 0; i < 1000; ++i)
      REQUIRE(coins.data<bool>()[i] == (uniform.data<double>()[i] < wide.data<double>()[i]));
  }
}

TEST_CASE("a float32 draw never reaches the open end") {
  const Array x = random_uniform({100000}, float32, 1, 1 + 0x1p-22, {0, 0});
  const float* first = x.data<float>();
  CHECK(*std::min_element(first, first + x.numel()) == 1.f);
  CHECK(*std::max_element(first, first + x.numel()) < 1 + 0x1p-22f);
}

TEST_CASE("a float64 draw never reaches the open end") {
  for (const double high : {1 + 0x1p-52, 1 + 0x1p-51}) {
    const auto x = values(random_uniform({1000}, float64, 1, high, {0, 0}));
    CHECK(*std::min_element(x.begin(), x.end()) == 1);
    CHECK(*std::max_element(x.begin(), x.end()) < high);
  }
}

TEST_CASE("a range wider than the largest number is drawn from evenly") {
  constexpr double most = std::numeric_limits<double>::max();
  const RandomState draw{1, 1};
  const auto x = values(random_uniform({10000}, float64, -most, most, draw));
  const auto unit = values(random_uniform({10000}, float64, -1, 1, draw));
  for (size_t i = 0; i < x.size(); ++i) REQUIRE(x[i] / most == Approx(unit[i]).margin(1e-15));
}

TEST_CASE("integers fill their range evenly and stay inside") {
  const int64_t n = 60000;
  const Array x = random_integers({n}, -2, 4, {0, 0});
  std::vector<int> counts(6);
  for (int64_t i = 0; i < n; ++i) ++counts.at(static_cast<size_t>(x.data<int64_t>()[i] + 2));
  for (int count : counts) CHECK(count == Approx(10000).margin(400));
  CHECK_NOTHROW(random_integers({10}, INT64_MIN, INT64_MAX, {0, 0}));
}

TEST_CASE("a permutation holds every index once and moves them") {
  const Array x = random_permutation(1000, {0, 0});
  std::vector<int64_t> seen(x.data<int64_t>(), x.data<int64_t>() + 1000);
  CHECK_FALSE(std::is_sorted(seen.begin(), seen.end()));
  std::sort(seen.begin(), seen.end());
  for (int64_t i = 0; i < 1000; ++i) REQUIRE(seen[static_cast<size_t>(i)] == i);
  CHECK(random_permutation(0).numel() == 0);
}

TEST_CASE("arguments outside their domain are refused") {
  CHECK_THROWS_AS(random_bernoulli(kernels::full({2}, float64, 1.5)), ValueError);
  CHECK_THROWS_AS(random_bernoulli(kernels::full({2}, float64, std::nan(""))), ValueError);
  CHECK_THROWS_AS(random_integers({2}, 3, 3), ValueError);
  CHECK_THROWS_AS(random_uniform({2}, int64, 0, 1), DTypeError);
}
