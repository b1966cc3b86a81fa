#include <attune/autograd.h>
#include <attune/nn.h>

#include <algorithm>
#include <cmath>

#include "../catch.h"

using namespace attune;
namespace init = nn::init;

namespace {

struct Spread {
  double deviation, largest;
};

Spread spread(const Tensor& x) {
  Spread s{0, 0};
  for (double v : x.to_vector<double>()) {
    s.deviation += v * v;
    s.largest = std::max(s.largest, std::abs(v));
  }
  s.deviation = std::sqrt(s.deviation / static_cast<double>(x.numel()));
  return s;
}

// How far the rows of a matrix are from orthonormal, times gain.
double skew(const Tensor& rows, double gain) {
  const Tensor products = rows.matmul(rows.transpose(0, 1));
  return amax(abs(products - eye(rows.size(0), {}, float64) * (gain * gain))).item<double>();
}

}  // namespace

TEST_CASE("gains are PyTorch's") {
  CHECK(init::calculate_gain("linear") == 1);
  CHECK(init::calculate_gain("sigmoid") == 1);
  CHECK(init::calculate_gain("tanh") == Approx(5.0 / 3));
  CHECK(init::calculate_gain("relu") == Approx(std::sqrt(2.0)));
  CHECK(init::calculate_gain("leaky_relu") == Approx(1.4141428569978354));
  CHECK(init::calculate_gain("leaky_relu", 0.2) == Approx(1.3867504905630728));
  CHECK(init::calculate_gain("selu") == 0.75);
  CHECK_THROWS_AS(init::calculate_gain("sine"), ValueError);
}

TEST_CASE("initialisers have the bounds and deviations of their papers") {
  manual_seed(1);
  const Tensor x = zeros({400, 100}, float64), kernel = zeros({40, 20, 5, 10}, float64);
  init::xavier_normal_(x);
  CHECK(spread(x).deviation == Approx(std::sqrt(2.0 / 500)).epsilon(0.02));
  init::xavier_uniform_(x, 3);
  CHECK(spread(x).largest == Approx(3 * std::sqrt(6.0 / 500)).epsilon(0.01));
  CHECK(spread(x).largest <= 3 * std::sqrt(6.0 / 500));

  const struct {
    double a;
    const char *mode, *nonlinearity;
    double deviation;
  } cases[] = {
      {0, "fan_in", "leaky_relu", std::sqrt(2.0 / 1000)},
      {1, "fan_in", "leaky_relu", std::sqrt(1.0 / 1000)},
      {0, "fan_out", "relu", std::sqrt(2.0 / 2000)},
      {0, "fan_out", "linear", std::sqrt(1.0 / 2000)},
      {0, "fan_in", "tanh", 5.0 / 3 / std::sqrt(1000)},
  };
  for (const auto& c : cases) {
    INFO(c.mode << " " << c.nonlinearity << " " << c.a);
    init::kaiming_normal_(kernel, c.a, c.mode, c.nonlinearity);
    CHECK(spread(kernel).deviation == Approx(c.deviation).epsilon(0.02));
    init::kaiming_uniform_(kernel, c.a, c.mode, c.nonlinearity);
    CHECK(spread(kernel).largest == Approx(std::sqrt(3.0) * c.deviation).epsilon(0.01));
    CHECK(spread(kernel).largest <= std::sqrt(3.0) * c.deviation);
  }
  CHECK_THROWS_AS(init::kaiming_normal_(x, 0, "fan_sideways"), ValueError);
  CHECK_THROWS_AS(init::kaiming_normal_(x, 0, "fan_in", "sine"), ValueError);
  CHECK_THROWS_AS(init::xavier_normal_(zeros({3})), ShapeError);
}

TEST_CASE("a truncated normal is the normal between its bounds") {
  manual_seed(2);
  const Tensor x = zeros({200, 500}, float64);
  const struct {
    double mean, std, low, high;
    double expected_mean, expected_deviation;  // scipy.stats.truncnorm
  } cases[] = {
      {0, 1, -2, 2, 0, 0.8796256610342398},
      {1, 2, -0.5, 3, 1.192500515660819, 0.95853444376619},
      {0, 0.02, -2, 2, 0, 0.02},
      {0, 1, 3, 4, 3.2604542855900243, 0.2219860215810495},
  };
  for (const auto& c : cases) {
    INFO(c.mean << " ± " << c.std << " in [" << c.low << ", " << c.high << "]");
    init::trunc_normal_(x, c.mean, c.std, c.low, c.high);
    const auto values = x.to_vector<double>();
    CHECK(*std::min_element(values.begin(), values.end()) >= c.low);
    CHECK(*std::max_element(values.begin(), values.end()) <= c.high);
    CHECK(x.mean().item<double>() == Approx(c.expected_mean).margin(0.01 * c.std));
    CHECK(attune::std(x, {0, 1}).item<double>() == Approx(c.expected_deviation).epsilon(0.01));
  }
  // Where the normal has nothing to give, the bound itself.
  init::trunc_normal_(x, 0, 1, 50, 51);
  CHECK(spread(x).largest <= 51);
  CHECK(spread(x).deviation >= 50);
  CHECK_THROWS_AS(init::trunc_normal_(x, 0, 1, 2, 2), ValueError);
  CHECK_THROWS_AS(init::trunc_normal_(x, 0, 0), ValueError);
}

TEST_CASE("an orthogonal matrix has orthonormal rows or columns") {
  manual_seed(3);
  for (const Shape& shape : {Shape{70, 100}, {100, 70}, {90, 90}, {1, 5}, {5, 1}}) {
    const Tensor x = zeros(shape, float64);
    INFO(to_string(shape));
    init::orthogonal_(x, 2);
    CHECK(skew(shape[0] <= shape[1] ? x : x.transpose(0, 1), 2) < 1e-12);
  }
  const Tensor kernel = zeros({8, 3, 2, 2}, float64);
  init::orthogonal_(kernel);
  CHECK(skew(kernel.reshape({8, 12}), 1) < 1e-12);
  // Uniform over rotations: no sign is preferred.
  double positive = 0;
  const Tensor x = zeros({2, 2}, float64);
  for (int i = 0; i < 400; ++i) {
    init::orthogonal_(x);
    positive += x.to_vector<double>()[0] > 0;
  }
  CHECK(positive == Approx(200).margin(50));
  CHECK_THROWS_AS(init::orthogonal_(zeros({3})), ShapeError);
  CHECK_NOTHROW(init::orthogonal_(zeros({0, 3})));
}

TEST_CASE("initialisers take every floating dtype, strided memory, and no integers") {
  const Tensor brain(Array({4, 4}, bfloat16)), integers = tensor({{1, 2}, {3, 4}});
  const Tensor whole = zeros({4, 6}), columns = whole.slice(1, 0, 6, 2);
  init::normal_(brain);
  init::trunc_normal_(brain);
  init::orthogonal_(brain);
  init::constant_(brain, 1.5);
  CHECK(to(brain, float32).to_vector<float>() == std::vector<float>(16, 1.5f));
  init::ones_(columns);
  CHECK(whole.select(0, 1).to_vector<float>() == std::vector<float>{1, 0, 1, 0, 1, 0});
  for (const auto& f : {init::zeros_, init::ones_}) CHECK_THROWS_AS(f(integers), DTypeError);
  CHECK_THROWS_AS(init::uniform_(integers), DTypeError);
  CHECK_THROWS_AS(init::orthogonal_(integers), DTypeError);
}

TEST_CASE("initialisers refuse bounds out of order and what is not finite") {
  const Tensor x = zeros({2, 2});
  CHECK_THROWS_WITH(init::uniform_(x, 1, 0),
                    Catch::Matchers::ContainsSubstring("uniform_: the range [1, 0]"));
  CHECK_THROWS_AS(init::uniform_(x, NAN, 1), ValueError);
  CHECK_THROWS_AS(init::normal_(x, 0, -1), ValueError);
  CHECK_THROWS_AS(init::trunc_normal_(x, NAN, 1), ValueError);
  CHECK_THROWS_WITH(init::xavier_uniform_(x, -1),
                    Catch::Matchers::ContainsSubstring("xavier_uniform_: "));
  CHECK_NOTHROW(init::kaiming_uniform_(zeros({3, 0})));
}

TEST_CASE("an initialiser takes one draw, and leaves no trace on the tape") {
  const Tensor x = zeros({8, 8}).requires_grad_();
  for (const auto& f : {+[](const Tensor& t) { init::trunc_normal_(t); },
                        +[](const Tensor& t) { init::orthogonal_(t); },
                        +[](const Tensor& t) { init::kaiming_uniform_(t); }}) {
    manual_seed(5);
    f(x);
    CHECK(random_state() == RandomState{5, 1});
    CHECK(x.is_leaf());
    CHECK(x.requires_grad());
  }
}
