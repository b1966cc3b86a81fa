// The methods and operators of Tensor do what the functions of the same name do.

#include <attune/autograd.h>

#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "../catch.h"

using namespace attune;

namespace {

struct Pair {
  const char* name;
  Tensor found, wanted;
};

void check(const std::vector<Pair>& pairs) {
  for (const Pair& pair : pairs) {
    INFO(pair.name);
    REQUIRE(pair.found.shape() == pair.wanted.shape());
    REQUIRE(pair.found.dtype() == pair.wanted.dtype());
    CHECK(all(eq(pair.found, pair.wanted)).item<bool>());
  }
}

}  // namespace

TEST_CASE("an index is a view of one element of the first dimension") {
  const Tensor x = tensor(std::vector<int64_t>{1, 2, 3, 4, 5, 6}).reshape({2, 3});
  CHECK(x[1].to_vector<int64_t>() == std::vector<int64_t>{4, 5, 6});
  CHECK(x[-2][2].item<int64_t>() == 3);
  x[0].copy_(x[1]);
  CHECK(x[0].to_vector<int64_t>() == std::vector<int64_t>{4, 5, 6});
  CHECK_THROWS_AS(x[2], IndexError);
  CHECK_THROWS_AS(x[0][0][0], IndexError);
  // x[0] = y would be lost.
  static_assert(!std::is_assignable_v<Tensor, Tensor>);
  static_assert(std::is_assignable_v<Tensor&, Tensor>);
}

TEST_CASE("methods call the functions of their names") {
  manual_seed(2);
  const Tensor x = rand({2, 1, 6}, float64), m = rand({6, 3}, float64);
  check({{"sum", x.sum(), sum(x)},
         {"sum dims", x.sum({1, 2}, true), sum(x, {1, 2}, true)},
         {"mean", x.mean(), mean(x)},
         {"mean dims", x.mean({0}), mean(x, {0})},
         {"reshape", x.reshape({3, 4}), reshape(x, {3, 4})},
         {"view", x.view({4, 3}), view(x, {4, 3})},
         {"transpose", x.transpose(0, 2), transpose(x, 0, 2)},
         {"permute", x.permute({2, 0, 1}), permute(x, {2, 0, 1})},
         {"expand", x.expand({2, 5, 6}), expand(x, {2, 5, 6})},
         {"unsqueeze", x.unsqueeze(1), unsqueeze(x, 1)},
         {"squeeze", x.squeeze(1), squeeze(x, 1)},
         {"flatten", x.flatten(1), flatten(x, 1)},
         {"select", x.select(2, 3), select(x, 2, 3)},
         {"slice", x.slice(2, 1, 5, 2), slice(x, 2, 1, 5, 2)},
         {"narrow", x.narrow(2, 1, 3), narrow(x, 2, 1, 3)},
         {"matmul", x.matmul(m), matmul(x, m)},
         {"softmax", x.softmax(-1), softmax(x, -1)},
         {"to", x.to(float32), to(x, float32)},
         {"contiguous", x.transpose(0, 2).contiguous(), contiguous(transpose(x, 0, 2))},
         {"clone", x.clone(), clone(x)},
         {"pow", x.pow(1.5), pow(x, 1.5)},
         {"exp", x.exp(), exp(x)},
         {"log", x.log(), log(x)},
         {"sqrt", x.sqrt(), sqrt(x)},
         {"abs", (-x).abs(), abs(-x)},
         {"tanh", x.tanh(), tanh(x)}});
}

TEST_CASE("operators call the functions they stand for") {
  const Tensor a = tensor({1.0, 2.0, 4.0}), b = tensor({2.0, 2.0, 3.0});
  check({{"a + b", a + b, add(a, b)},  {"a + 3", a + 3, add(a, 3)},  {"3 + a", 3 + a, add(a, 3)},
         {"a - b", a - b, sub(a, b)},  {"a - 3", a - 3, sub(a, 3)},  {"3 - a", 3 - a, sub(3, a)},
         {"a * b", a * b, mul(a, b)},  {"a * 3", a * 3, mul(a, 3)},  {"3 * a", 3 * a, mul(a, 3)},
         {"a / b", a / b, div(a, b)},  {"a / 3", a / 3, div(a, 3)},  {"3 / a", 3 / a, div(3, a)},
         {"-a", -a, neg(a)},           {"a == b", a == b, eq(a, b)}, {"a == 2", a == 2, eq(a, 2)},
         {"a != b", a != b, ne(a, b)}, {"a != 2", a != 2, ne(a, 2)}, {"a < b", a < b, lt(a, b)},
         {"a < 2", a < 2, lt(a, 2)},   {"a <= b", a <= b, le(a, b)}, {"a <= 2", a <= 2, le(a, 2)},
         {"a > b", a > b, gt(a, b)},   {"a > 2", a > 2, gt(a, 2)},   {"a >= b", a >= b, ge(a, b)},
         {"a >= 2", a >= 2, ge(a, 2)}});
}
