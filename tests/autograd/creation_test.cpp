#include <attune/autograd.h>
#include <kernels/random.h>

#include <cmath>
#include <cstdint>
#include <functional>
#include <vector>

#include "../catch.h"

using namespace attune;

using Doubles = std::vector<double>;
using Integers = std::vector<int64_t>;

TEST_CASE("constants") {
  CHECK(full({2}, 1.5).to_vector<float>() == std::vector<float>{1.5f, 1.5f});
  CHECK(zeros({0, 3}).numel() == 0);
  CHECK(ones({}, int64).item<int64_t>() == 1);
  CHECK(eye(2, 3, int64).to_vector<int64_t>() == Integers{1, 0, 0, 0, 1, 0});
  CHECK(eye(2).dtype() == float32);
  CHECK_FALSE(zeros({2}).requires_grad());
  CHECK_THROWS_AS(zeros({-1}), ShapeError);
}

TEST_CASE("arange takes its dtype from its arguments") {
  CHECK(arange(3).to_vector<int64_t>() == Integers{0, 1, 2});
  CHECK(arange(5, 0, -2).to_vector<int64_t>() == Integers{5, 3, 1});
  CHECK(arange(0, 1, 0.25).to_vector<float>() == std::vector<float>{0, .25f, .5f, .75f});
  CHECK(arange(0., .5, .25, float64).to_vector<double>() == Doubles{0, .25});
  CHECK(arange(0).numel() == 0);
  CHECK_THROWS_AS(arange(1, 0), ValueError);
  CHECK_THROWS_AS(arange(0, 1, 0), ValueError);
  CHECK_THROWS_AS(arange(0, 0, 0), ValueError);
}

TEST_CASE("integers are exact beyond 2^53, and what is no int64 is refused") {
  constexpr int64_t odd = (int64_t{1} << 53) + 1, most = INT64_MAX, least = INT64_MIN;
  CHECK(arange(odd, odd + 3).to_vector<int64_t>() == Integers{odd, odd + 1, odd + 2});
  CHECK(arange(odd, odd - 3, -2).to_vector<int64_t>() == Integers{odd, odd - 2});
  CHECK(arange(least, most, most).to_vector<int64_t>() == Integers{least, -1, most - 1});
  CHECK_THROWS_AS(arange(least, most, 1), ValueError);
  for (const int64_t value : {odd, -odd, most, least})
    CHECK(tensor({value}).item<int64_t>() == value);
  for (const double value : {1e19, -1e19, std::nan(""), HUGE_VAL}) {
    CHECK_THROWS_AS(full({1}, value, int64), ValueError);
    const Tensor kept = tensor({1, 2});
    CHECK_THROWS_AS(kept.fill_(value), ValueError);
    CHECK(kept.to_vector<int64_t>() == Integers{1, 2});
    CHECK_THROWS_AS(tensor(value).item<int64_t>(), ValueError);
    CHECK(tensor({value}).item<bool>());
  }
  CHECK(tensor(-2.9).item<int>() == -2);
  CHECK(tensor(255).item<uint8_t>() == 255);
  CHECK(tensor(most).item<uint64_t>() == static_cast<uint64_t>(most));
  CHECK_THROWS_AS(tensor(300).item<uint8_t>(), ValueError);
  CHECK_THROWS_AS(tensor(-1).item<uint64_t>(), ValueError);
  CHECK_THROWS_AS(tensor(1e10).item<int>(), ValueError);
}

TEST_CASE("elements that share their memory are not written in place") {
  const Tensor one = zeros({1, 3});
  const Tensor many = one.expand({4, 3});
  CHECK_THROWS_AS(many.copy_(ones({4, 3})), ValueError);
  CHECK_THROWS_AS(many.add_(1), ValueError);
  CHECK_THROWS_AS(many.mul_(ones({3})), ValueError);
  CHECK_THROWS_AS(many.fill_(1), ValueError);
  CHECK_THROWS_AS(many.zero_(), ValueError);
  CHECK(one.to_vector<float>() == std::vector<float>(3));
  many.select(0, 1).add_(1);
  CHECK(one.to_vector<float>() == std::vector<float>(3, 1));
}

TEST_CASE("linspace meets both ends") {
  CHECK(linspace(0, 1, 5, float64).to_vector<double>() == Doubles{0, .25, .5, .75, 1});
  CHECK(linspace(-.1, .7, 12, float64).to_vector<double>().back() == .7);
  CHECK(linspace(3, 9, 1).to_vector<float>() == std::vector<float>{3});
  CHECK(linspace(3, 9, 0).numel() == 0);
  CHECK_THROWS_AS(linspace(0, 1, -1), ShapeError);
}

TEST_CASE("random tensors follow the seed") {
  manual_seed(3);
  const auto first = randn({4}).to_vector<float>();
  CHECK(rand({4}).to_vector<float>() != first);
  manual_seed(3);
  CHECK(randn({4}).to_vector<float>() == first);
  CHECK(randperm(5).dtype() == int64);
  for (int64_t i : randint(2, 5, {100}).to_vector<int64_t>()) CHECK((i >= 2 && i < 5));
}

TEST_CASE("random tensors are draws from the standard distributions") {
  const Tensor like = zeros({60, 5}, float64);
  const RandomState draw{3, 9};
  const Array uniform = random_uniform({60, 5}, float64, 0, 1, draw);
  const Array normal = random_normal({60, 5}, float64, 0, 1, draw);
  const std::pair<std::function<Tensor()>, Array> cases[] = {
      {[] {
         return rand({60, 5}, float64);
       },
       uniform},
      {[&] { return rand_like(like); }, uniform},
      {[] {
         return randn({60, 5}, float64);
       },
       normal},
      {[&] { return randn_like(like); }, normal},
      {[] {
         return randint(-3, 8, {60, 5});
       },
       random_integers({60, 5}, -3, 8, draw)},
      {[] {
         return randint(8, {60, 5});
       },
       random_integers({60, 5}, 0, 8, draw)},
      {[] { return randperm(60); }, random_permutation(60, draw)},
  };
  for (const auto& [make, expected] : cases) {
    set_random_state(draw);
    CHECK(all(make() == Tensor(expected)).item<bool>());
  }
}

TEST_CASE("bernoulli draws with the probability of each element") {
  manual_seed(0);
  const Tensor p = tensor({0.f, 0.25f, 1.f}).expand({20000, 3});
  const Tensor drawn = bernoulli(p);
  CHECK(drawn.dtype() == float32);
  const auto means = drawn.mean({0}).to_vector<float>();
  CHECK(means[0] == 0);
  CHECK(means[1] == Approx(.25).margin(.015));
  CHECK(means[2] == 1);
  CHECK_THROWS_AS(bernoulli(tensor({0.5f, 1.5f})), ValueError);
  CHECK_THROWS_AS(bernoulli(tensor({0, 1})), DTypeError);
}

TEST_CASE("like another tensor, in its dtype or a given one") {
  const Tensor x = zeros({2, 3}, float64).transpose(0, 1);
  CHECK(ones_like(x).dtype() == float64);
  CHECK(full_like(x, 2).shape() == Shape{3, 2});
  CHECK(zeros_like(x, int64).dtype() == int64);
  CHECK(rand_like(x).array().is_contiguous());
  CHECK(randn_like(x, float32).dtype() == float32);
}
