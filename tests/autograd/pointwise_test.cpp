// Edges of elementwise operations that their table's samples do not reach.
#include <attune/autograd.h>

#include <cmath>
#include <limits>

#include "../catch.h"

using namespace attune;

TEST_CASE("nan_to_num puts the largest numbers of the dtype for infinities") {
  const auto check = [](auto largest) {
    using T = decltype(largest);
    const T infinity = std::numeric_limits<T>::infinity();
    const Tensor x =
        tensor(std::vector<T>{infinity, -infinity, std::numeric_limits<T>::quiet_NaN(), 2}, {4});
    CHECK(nan_to_num(x).template to_vector<T>() == std::vector<T>{largest, -largest, 0, 2});
  };
  check(std::numeric_limits<float>::max());
  check(std::numeric_limits<double>::max());
  const Tensor half = nan_to_num(tensor({INFINITY, -INFINITY}).to(bfloat16)).to(float64);
  CHECK(half.to_vector<double>() == std::vector<double>{0x1.fep127, -0x1.fep127});
}

TEST_CASE("later derivatives of powers of zero are finite") {
  const auto all_finite = [](const Tensor& y, const std::vector<Tensor>& inputs) {
    const Tensor cotangent = ones(y.shape(), float64).requires_grad_();
    const auto first = grad({y}, inputs, {cotangent}, {.create_graph = true});
    for (const Tensor& g : first)
      for (const Tensor& second :
           grad({g.sum()}, {cotangent}, {}, {.retain_graph = true, .allow_unused = true}))
        if (second.defined())
          for (const double value : second.to_vector<double>()) CHECK(std::isfinite(value));
  };
  const Tensor base = tensor({0.0, 0.0, 0.0, 2.0}).requires_grad_();
  const Tensor exponent = tensor({0.0, 1.0, 2.0, 3.0}).requires_grad_();
  all_finite(pow(base, exponent), {base, exponent});
  all_finite(pow(0, exponent), {exponent});
}

TEST_CASE("a power of exponent 0 has no slope, however small the base or large the cotangent") {
  for (const float value : {1e-39f, 0.f, 2.f, NAN}) {
    const Tensor base = tensor({value}).requires_grad_(), none = tensor({0.f});
    CHECK(grad({pow(base, none)}, {base}, {tensor({INFINITY})})[0].item<float>() == 0);
  }
  const Tensor tiny = tensor({1e-310}).requires_grad_(), none = tensor({0.0});
  const Tensor first = grad({pow(tiny, none)}, {tiny}, {}, {.create_graph = true})[0];
  CHECK(grad({first}, {tiny})[0].item<double>() == 0);
}

TEST_CASE("the derivatives of a power by base and exponent are taken in either order") {
  const Tensor base = tensor({2.0}).requires_grad_(), exponent = tensor({0.0}).requires_grad_();
  const auto first = grad({pow(base, exponent)}, {base, exponent}, {}, {.create_graph = true});
  CHECK(grad({first[0]}, {exponent}, {}, {.retain_graph = true})[0].item<double>() == 0.5);
  CHECK(grad({first[1]}, {base})[0].item<double>() == 0.5);
}

TEST_CASE("logsigmoid takes bool and int64, as float32") {
  for (const Tensor& x : {tensor({true, false}), tensor({1, 0})}) {
    const Tensor y = logsigmoid(x);
    CHECK(y.dtype() == float32);
    CHECK(y.to_vector<float>() == logsigmoid(tensor({1.f, 0.f})).to_vector<float>());
  }
}

TEST_CASE("softplus is x above its threshold, and curved below") {
  const Tensor x = full({}, 20.5, float64);
  CHECK(softplus(x).item<double>() == 20.5);
  CHECK(softplus(x, 1, 21).item<double>() - 20.5 == Approx(std::log1p(std::exp(-20.5))));
}

TEST_CASE("a matrix to which its own transpose is added in place is the sum of both") {
  const Tensor x = randn({70, 70}, float64);
  const Tensor sum = x + transpose(x, 0, 1);
  x.add_(transpose(x, 0, 1));
  CHECK(x.to_vector<double>() == sum.to_vector<double>());
}

TEST_CASE("slopes in the tails are those of the function, not of its rounded result") {
  const Tensor x = tensor({-20.f, -14.f, -1e-3f}).requires_grad_();
  const auto slopes = grad({elu(x, 2).sum()}, {x})[0].to_vector<float>();
  for (size_t i = 0; i < slopes.size(); ++i)
    CHECK(slopes[i] == Approx(2 * std::exp(x.to_vector<float>()[i])).epsilon(1e-6));
  const Tensor far = tensor({-1e30f, -1e15f, 1e15f, 1e30f}).requires_grad_();
  for (const bool create_graph : {false, true})
    CHECK(grad({gelu(far, "tanh").sum()}, {far}, {}, {.create_graph = create_graph})[0]
              .to_vector<float>() == std::vector<float>{0, 0, 1, 1});
  const Tensor tiny = tensor({2.47e-26f}).requires_grad_();
  CHECK(grad({rsqrt(tiny).sum()}, {tiny})[0].item<float>() ==
        Approx(-0.5 * std::pow(2.47e-26, -1.5)).epsilon(1e-5));
}
