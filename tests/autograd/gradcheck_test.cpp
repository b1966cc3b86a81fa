#include <attune/autograd.h>
#include <autograd/gradcheck.h>

#include <cmath>

#include "../catch.h"

using namespace attune;

namespace {

using Inputs = std::vector<Tensor>;

Tensor leaf(const Shape& shape) {
  return Tensor(random_normal(shape, float64, 0, 1, {7, 1})).requires_grad_();
}

// x³ whose gradient is scaled wrongly at one element.
Tensor wrong_cube(const Tensor& x) {
  Tensor factor = tensor(std::vector<double>{3, 3, 3, 3.5, 3, 3}, {2, 3});
  return record("wrong_cube", (x * x * x).array(),
                wrt(x, [x, factor](const Tensor& g) { return g * x * x * factor; }));
}

// x² with the right gradient, whose own gradient is lost.
Tensor square_once(const Tensor& x) {
  return record("square_once", (x * x).array(),
                wrt(x, [x](const Tensor& g) { return g * x.detach() * 2; }));
}

// x², whose backward never gives the same twice.
Tensor noisy_square(const Tensor& x) {
  return record("noisy_square", (x * x).array(), wrt(x, [x](const Tensor& g) {
                  return g * x * 2 * (1 + 1e-9 * Tensor(random_uniform(x.shape(), float64, 0, 1)));
                }));
}

}  // namespace

TEST_CASE("gradcheck passes right gradients, to second order, full and fast") {
  const auto f = [](const Inputs& in) { return exp(in[0]) * in[1] / (in[1] * in[1] + 1.0); };
  for (bool fast : {false, true}) {
    CHECK(gradcheck(f, {leaf({2, 3}), leaf({3})}, {.fast = fast}));
    CHECK(gradgradcheck(f, {leaf({2, 3}), leaf({3})}, {.fast = fast}));
  }
}

TEST_CASE("gradcheck leaves outputs that have no gradient aside: integers, and what is undefined") {
  const TensorFunction f = [](const Inputs& in) {
    const auto [values, indices] = max(in[0], 1);
    return Inputs{indices, values * values, Tensor()};
  };
  CHECK(gradcheck(f, {leaf({2, 3})}));
  CHECK(gradgradcheck(f, {leaf({2, 3})}));
}

TEST_CASE("gradcheck names the input and the worst element of a wrong gradient") {
  const auto f = [](const Inputs& in) { return in[0] + wrong_cube(in[1]); };
  for (bool fast : {false, true}) {
    const auto found =
        gradcheck(f, {leaf({3}), leaf({2, 3})}, {.fast = fast, .raise_exception = false});
    CHECK_FALSE(found);
    CHECK_THAT(found.report, Catch::Matchers::ContainsSubstring("input 1, element [1, 0]"));
  }
  CHECK_THROWS_AS(gradcheck(f, {leaf({3}), leaf({2, 3})}), GradError);
}

TEST_CASE("gradgradcheck sees a second derivative that is lost") {
  const auto f = [](const Inputs& in) { return square_once(in[0]); };
  CHECK(gradcheck(f, {leaf({2, 3})}));
  CHECK_FALSE(gradgradcheck(f, {leaf({2, 3})}, {.raise_exception = false}));
}

TEST_CASE("gradcheck sees a function that does not repeat") {
  const auto f = [](const Inputs& in) {
    return in[0] * Tensor(random_uniform({2, 3}, float64, 0.5, 1));
  };
  const auto found = gradcheck(f, {leaf({2, 3})}, {.raise_exception = false});
  CHECK_THAT(found.report, Catch::Matchers::ContainsSubstring("two runs"));
}

TEST_CASE("a check sees that a run gives other outputs than the one before") {
  const std::vector<Shape> first = {{2, 3}}, more = {{2, 3}, {2, 3}}, wider = {{4, 3}};
  const struct {
    std::vector<Shape> before, after;
    const char* says;
  } cases[] = {{first, more, "two runs differ, in the number of floating outputs: 1 and then 2"},
               {more, first, "two runs differ, in the number of floating outputs: 2 and then 1"},
               {first, wider, "output 0: two runs differ, in shape [2, 3] and then [4, 3]"},
               {wider, first, "output 0: two runs differ, in shape [4, 3] and then [2, 3]"}};
  for (const auto& change : cases)
    for (const int changes_at : {1, 2, 4}) {
      int run = 0;
      const TensorFunction f = [&](const Inputs& in) {
        Inputs outputs;
        for (const Shape& shape : run++ < changes_at ? change.before : change.after)
          outputs.push_back(in[0].sum() * ones(shape, float64));
        return outputs;
      };
      INFO(change.says << " at run " << changes_at);
      const GradcheckOptions options{.raise_exception = false};
      CHECK_THAT(gradcheck(f, {leaf({2, 3})}, options).report,
                 Catch::Matchers::ContainsSubstring(change.says));
      run = 0;
      CHECK_THAT(gradgradcheck(f, {leaf({2, 3})}, options).report,
                 Catch::Matchers::ContainsSubstring(change.says));
    }
}

TEST_CASE("gradcheck sees a backward that does not repeat, of whichever input") {
  for (const size_t noisy : {0u, 1u}) {
    const auto f = [&](const Inputs& in) { return noisy_square(in[noisy]) + in[1 - noisy]; };
    const auto found = gradcheck(f, {leaf({2, 3}), leaf({2, 3})}, {.raise_exception = false});
    CHECK_FALSE(found);
    CHECK_THAT(found.report, Catch::Matchers::ContainsSubstring("two runs of backward"));
    CHECK_THAT(found.report, Catch::Matchers::ContainsSubstring("input " + std::to_string(noisy)));
  }
}

TEST_CASE("gradcheck refuses float32, and nothing to check") {
  const auto f = [](const Inputs& in) { return in[0] * 2.0; };
  CHECK_THROWS_AS(gradcheck(f, {tensor({1.f, 2.f}).requires_grad_()}), DTypeError);
  CHECK_THROWS_AS(gradcheck(f, {tensor({1.0, 2.0})}), ValueError);
}

TEST_CASE("a check that refuses a function's outputs does it in its own name") {
  const Tensor x = leaf({2});
  const std::function<Tensor(const Inputs&)> narrow = [](const Inputs& in) {
    return in[0].to(float32);
  };
  using Catch::Matchers::StartsWith;
  CHECK_THROWS_WITH(gradcheck(narrow, {x}), StartsWith("gradcheck: "));
  CHECK_THROWS_WITH(gradgradcheck(narrow, {x}), StartsWith("gradgradcheck: "));
  CHECK_THROWS_WITH(gradcheck_parameters([&] { return narrow({x}); }, {{"x", x}}),
                    StartsWith("gradcheck_parameters: "));
}

TEST_CASE("gradcheck_parameters names the parameter and restores it") {
  const Tensor weight = leaf({2, 3}), bias = leaf({3});
  const auto before = weight.to_vector<double>();
  CHECK(gradcheck_parameters([&] { return exp(weight) + bias; },
                             {{"weight", weight}, {"bias", bias}}));
  const auto found =
      gradcheck_parameters([&] { return wrong_cube(weight) + bias; },
                           {{"bias", bias}, {"h.0.weight", weight}}, {.raise_exception = false});
  CHECK_THAT(found.report, Catch::Matchers::ContainsSubstring("h.0.weight, element [1, 0]"));
  CHECK(weight.to_vector<double>() == before);
}

TEST_CASE("a function that is empty is refused") {
  CHECK_THROWS_AS(gradcheck(TensorFunction(), {leaf({2})}), ValueError);
  CHECK_THROWS_AS(gradgradcheck(std::function<Tensor(const Inputs&)>(), {leaf({2})}), ValueError);
}

TEST_CASE("a check that would compare nothing is refused") {
  const Tensor x = tensor({1.0, 2.0}).requires_grad_();
  const auto one = [](const Inputs& v) { return v[0] * v[0]; };
  const std::vector<std::function<Tensor(const Inputs&)>> without = {
      [](const Inputs&) { return Tensor(); }, [](const Inputs& v) { return v[0] > 0.0; }};
  for (const auto& nothing : without) {
    CHECK_THROWS_AS(gradcheck(nothing, {x}), ValueError);
    CHECK_THROWS_AS(gradgradcheck(nothing, {x}), ValueError);
  }
  CHECK_THROWS_AS(gradcheck_parameters([] { return Tensor(); }, {{"x", x}}), ValueError);
  for (const GradcheckOptions& options :
       {GradcheckOptions{.fast = true, .directions = 0}, GradcheckOptions{.eps = 0},
        GradcheckOptions{.atol = -1}, GradcheckOptions{.rtol = NAN}})
    CHECK_THROWS_AS(gradcheck(one, {x}, options), ValueError);
}
