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

TEST_CASE("so do those that reduce, choose and cut") {
  manual_seed(3);
  const Tensor x = rand({2, 1, 6}, float64), low = x < 0.5, places = tensor({2, 0});
  const Tensor nearest = zeros({2, 1, 2}, int64);
  check({{"prod", x.prod(), prod(x)},
         {"prod dims", x.prod({0}, true), prod(x, {0}, true)},
         {"var", x.var({2}, 0, true), var(x, {2}, 0, true)},
         {"std", x.std({2}), attune::std(x, {2})},
         {"norm", x.norm(1, {2}), norm(x, 1, {2})},
         {"logsumexp", x.logsumexp({2}), logsumexp(x, {2})},
         {"amax", x.amax({0}), amax(x, {0})},
         {"amin", x.amin({0}), amin(x, {0})},
         {"max", x.max(), max(x)},
         {"min", x.min(), min(x)},
         {"argmax", x.argmax(), argmax(x)},
         {"argmax dim", x.argmax(2, true), argmax(x, 2, true)},
         {"argmin", x.argmin(), argmin(x)},
         {"argmin dim", x.argmin(2), argmin(x, 2)},
         {"any", low.any({2}), any(low, {2})},
         {"all", low.all({2}), all(low, {2})},
         {"cumsum", x.cumsum(2), cumsum(x, 2)},
         {"squeeze", x.squeeze(), squeeze(x)},
         {"flip", x.flip({0, 2}), flip(x, {0, 2})},
         {"repeat", x.repeat({1, 2, 1}), repeat(x, {1, 2, 1})},
         {"split", x.split(4, 2)[1], split(x, 4, 2)[1]},
         {"chunk", x.chunk(3, 2)[2], chunk(x, 3, 2)[2]},
         {"index_select", x.index_select(2, places), index_select(x, 2, places)},
         {"gather", x.gather(2, nearest), gather(x, 2, nearest)},
         {"masked_fill", x.masked_fill(low, 7), masked_fill(x, low, 7)},
         {"tril", x.tril(1), tril(x, 1)},
         {"triu", x.triu(1), triu(x, 1)},
         {"log_softmax", x.log_softmax(-1), log_softmax(x, -1)},
         {"clamp", x.clamp(0.2, 0.7), clamp(x, 0.2, 0.7)},
         {"clamp from above", x.clamp({}, 0.7), clamp(x, {}, 0.7)},
         {"pow", x.pow(x), pow(x, x)},
         {"rsqrt", x.rsqrt(), rsqrt(x)},
         {"square", x.square(), square(x)},
         {"sin", x.sin(), sin(x)},
         {"cos", x.cos(), cos(x)},
         {"sigmoid", x.sigmoid(), sigmoid(x)},
         {"relu", (x - 0.5).relu(), relu(x - 0.5)}});
}

TEST_CASE("one dimension needs no braces") {
  const Tensor x = tensor({{1.0, 2.0}, {3.0, 4.0}});
  check({{"sum", x.sum(0), sum(x, {0})},
         {"mean", mean(x, -1, true), mean(x, {-1}, true)},
         {"flip", flip(x, 1), flip(x, {1})},
         {"zeros", zeros(3), zeros({3})},
         {"reshape", x.reshape(-1), x.reshape({4})}});
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
         {"a >= 2", a >= 2, ge(a, 2)}, {"2 == a", 2 == a, eq(a, 2)}, {"2 != a", 2 != a, ne(a, 2)},
         {"2 < a", 2 < a, gt(a, 2)},   {"2 <= a", 2 <= a, ge(a, 2)}, {"2 > a", 2 > a, lt(a, 2)},
         {"2 >= a", 2 >= a, le(a, 2)}});
}
