// Every fused operation against its twin of plain operations: values, gradients, and gradients of
// gradients, in both precisions, on strided inputs.

#include "../catch.h"

#include <autograd/engine.h>
#include <autograd/ops/arithmetic.h>
#include <autograd/ops/attention.h>
#include <autograd/ops/composite.h>
#include <autograd/ops/creation.h>
#include <autograd/ops/loss.h>
#include <autograd/ops/norm.h>
#include <autograd/ops/pointwise.h>
#include <autograd/ops/reduce.h>
#include <autograd/ops/shape.h>
#include <autograd/ops/softmax.h>
#include <kernels/parallel.h>
#include <kernels/random.h>

#include <cmath>
#include <functional>

using namespace attune;

namespace {

using Function = std::function<Tensor(const std::vector<Tensor>&)>;

double largest_difference(const Tensor& a, const Tensor& b) {
  REQUIRE(a.shape() == b.shape());
  if (a.numel() == 0) return 0;
  const Tensor x = a.to(float64), y = b.to(float64);
  return amax(abs(x - y) / (abs(y) + 1.0)).item<double>();
}

Tensor random(const Shape& shape, DType dtype, bool strided) {
  if (!strided || shape.size() < 2) return Tensor(random_normal(shape, dtype, 0, 1));
  Shape swapped = shape;
  std::swap(swapped[0], swapped[1]);
  return transpose(Tensor(random_normal(swapped, dtype, 0, 1)), 0, 1);
}

void require_twins(const Function& fused, const Function& twin, const std::vector<Shape>& shapes) {
  for (const DType dtype : {float32, float64})
    for (const bool strided : {false, true}) {
      manual_seed(7);
      const double tolerance = dtype == float64 ? 1e-11 : 2e-5;
      std::vector<Tensor> inputs;
      for (const Shape& shape : shapes)
        inputs.push_back(random(shape, dtype, strided).detach().requires_grad_());
      const Tensor y = fused(inputs), expected = twin(inputs);
      CHECK(largest_difference(y, expected) < tolerance);

      // Differentiable, so that every gradient depends on something.
      const Tensor cotangent = Tensor(random_normal(y.shape(), dtype, 0, 1)).requires_grad_();
      const auto fast = grad({y}, inputs, {cotangent}, {.retain_graph = true});
      const auto slow = grad({expected}, inputs, {cotangent}, {.create_graph = true});
      const auto again = grad({y}, inputs, {cotangent}, {.create_graph = true});
      std::vector<Tensor> directions;
      for (size_t i = 0; i < inputs.size(); ++i) {
        CHECK(largest_difference(fast[i], slow[i]) < tolerance);
        CHECK(largest_difference(again[i], slow[i]) < tolerance);
        directions.push_back(Tensor(random_normal(inputs[i].shape(), dtype, 0, 1)));
      }
      inputs.push_back(cotangent);
      const auto second = grad(again, inputs, directions, {.allow_unused = true});
      const auto second_slow = grad(slow, inputs, directions, {.allow_unused = true});
      for (size_t i = 0; i < inputs.size(); ++i) {
        REQUIRE(second[i].defined() == second_slow[i].defined());
        if (second[i].defined())
          CHECK(largest_difference(second[i], second_slow[i]) < 10 * tolerance);
      }
    }
}

}  // namespace

TEST_CASE("softmax and log_softmax equal their twins, along any dimension and at any width") {
  for (const int64_t width : {1, 3, 8, 33, 130}) {
    require_twins([](const auto& x) { return softmax(x[0], -1); },
                  [](const auto& x) { return composite::softmax(x[0]); }, {{3, width}});
    require_twins([](const auto& x) { return log_softmax(x[0], -1); },
                  [](const auto& x) { return composite::log_softmax(x[0]); }, {{3, width}});
  }
  require_twins(
      [](const auto& x) { return softmax(x[0], 0); },
      [](const auto& x) { return transpose(composite::softmax(transpose(x[0], 0, -1)), 0, -1); },
      {{4, 5, 3}});
}

TEST_CASE("the twins of softmax take logits of any size") {
  const Tensor x = tensor({{1e4, 0.0}, {-1e4, -1e4}});
  CHECK(composite::softmax(x).to_vector<double>() == std::vector<double>{1, 0, 0.5, 0.5});
  CHECK(composite::log_softmax(x).to_vector<double>()[1] == -1e4);
}

TEST_CASE("layer_norm and rms_norm equal their twins, with and without weight and bias") {
  for (const int64_t width : {1, 5, 64, 129}) {
    require_twins([&](const auto& x) { return layer_norm(x[0], {width}, x[1], x[2]); },
                  [&](const auto& x) { return composite::layer_norm(x[0], 1, x[1], x[2], 1e-5); },
                  {{6, width}, {width}, {width}});
    require_twins([&](const auto& x) { return layer_norm(x[0], {width}, {}, x[1]); },
                  [&](const auto& x) { return composite::layer_norm(x[0], 1, {}, x[1], 1e-5); },
                  {{6, width}, {width}});
    require_twins([&](const auto& x) { return rms_norm(x[0], {width}, x[1], 1e-6); },
                  [&](const auto& x) { return composite::rms_norm(x[0], 1, x[1], 1e-6); },
                  {{6, width}, {width}});
  }
  require_twins(
      [&](const auto& x) {
        return layer_norm(x[0], {4, 5}, x[1]);
      },
      [&](const auto& x) { return composite::layer_norm(x[0], 2, x[1], {}, 1e-5); },
      {{3, 4, 5}, {4, 5}});
  require_twins(
      [&](const auto& x) {
        return rms_norm(x[0], {4, 5}, {}, 1e-6);
      },
      [&](const auto& x) { return composite::rms_norm(x[0], 2, {}, 1e-6); }, {{3, 4, 5}});
}

TEST_CASE("norms of more than caches hold are those of the parts, aligned or not") {
  // 17 MB, whose rows lie at every offset from vectors.
  const int64_t rows = 8200, width = 517, half = rows / 2;
  const Tensor x = randn({rows, width}).requires_grad_(), weight = randn({width}),
               bias = randn({width}), cotangent = randn({rows, width});
  const auto same = [](const Tensor& a, const Tensor& b) {
    return a.to_vector<float>() == b.to_vector<float>();
  };
  const auto check = [&](const std::function<Tensor(const Tensor&)>& f) {
    const Tensor y = f(x), dx = grad({y}, {x}, {cotangent})[0];
    for (const int64_t first : {int64_t{0}, half}) {
      const auto part = [&](const Tensor& whole) { return narrow(whole, 0, first, half); };
      const Tensor piece = part(x).detach().requires_grad_(), expected = f(piece);
      CHECK(same(part(y), expected));
      CHECK(same(part(dx), grad({expected}, {piece}, {part(cotangent)})[0]));
    }
  };
  check([&](const Tensor& in) { return layer_norm(in, {width}, weight, bias); });
  check([&](const Tensor& in) { return layer_norm(in, {width}); });
  check([&](const Tensor& in) { return rms_norm(in, {width}, weight); });
}

TEST_CASE("layer_norm keeps six digits where the mean is 100,000 deviations away") {
  manual_seed(1);
  const Tensor x(random_normal({4, 768}, float32, 1e5, 1));
  const Tensor exact = layer_norm(x.to(float64), {768});
  CHECK(largest_difference(layer_norm(x, {768}), exact) < 1e-6);
}

TEST_CASE("norms of many narrow rows keep the digits of their parameters' gradients") {
  manual_seed(1);
  const auto gradients = [](const Tensor& x, bool fused) {
    const auto parameter = [&] { return ones({3}, x.dtype()).requires_grad_(); };
    const Tensor weight = parameter(), bias = parameter(), scale = parameter();
    const Tensor y =
        fused ? layer_norm(x, {3}, weight, bias) + rms_norm(x, {3}, scale) * x
              : composite::layer_norm(x, 1, weight, bias, 1e-5) +
                    composite::rms_norm(x, 1, scale, std::numeric_limits<float>::epsilon()) * x;
    return grad({sum(y * 0.1)}, {weight, bias, scale});
  };
  const Tensor x(random_normal({20000, 3}, float32, 1, 1));
  const auto found = gradients(x, true), exact = gradients(x.to(float64), false);
  for (size_t i = 0; i < exact.size(); ++i) CHECK(largest_difference(found[i], exact[i]) < 3e-6);
}

TEST_CASE("cross_entropy equals its twin with every option") {
  const Tensor target = tensor({2, -100, 0, 3, 4, 1});
  for (const double smoothing : {0.0, 0.2})
    for (const bool weighted : {false, true})
      require_twins(
          [&](const auto& x) {
            CrossEntropyOptions options{.reduction = Reduction::none, .label_smoothing = smoothing};
            if (weighted) options.weight = (tensor({1.0, 0.5, 2.0, 3.0, 0.1}).to(x[0].dtype()));
            return cross_entropy(x[0], target, options);
          },
          [&](const auto& x) {
            kernels::CrossEntropyOptions options{.label_smoothing = smoothing};
            if (weighted)
              options.weight = tensor({1.0, 0.5, 2.0, 3.0, 0.1}).to(x[0].dtype()).array();
            return composite::cross_entropy(x[0], target.array(), options);
          },
          {{6, 5}});
}

TEST_CASE("cross_entropy of ignored targets and of huge logits") {
  const Tensor x = tensor({{1e4, -1e4, 0.0}, {1.0, double{NAN}, 2.0}}).requires_grad_();
  const Tensor all_ignored = cross_entropy(x, tensor({-100, -100}));
  CHECK(all_ignored.item<double>() == 0);
  all_ignored.backward();
  for (double g : x.grad().to_vector<double>()) CHECK(g == 0);
  const Tensor one = cross_entropy(x, tensor({1, -100}));
  CHECK(one.item<double>() == 2e4);
  CHECK_THROWS_AS(cross_entropy(x, tensor({3, 0})), IndexError);
  CHECK_THROWS_AS(cross_entropy(x, tensor({0, 0, 0})), ShapeError);
}

TEST_CASE("the mean over targets that weigh nothing is none, and of no target 0") {
  const Tensor x = tensor({{1.f, 2.f, 3.f}}), weight = tensor({0.5f, 2.f, 0.f});
  CHECK(std::isnan(
      cross_entropy(x, tensor({2}), {.weight = weight, .label_smoothing = 0.3}).item<float>()));
  CHECK(std::isnan(nll_loss(x, tensor({2}), {.weight = weight}).item<float>()));
  CHECK(nll_loss(x, tensor({-100}), {.weight = weight}).item<float>() == 0);
}

TEST_CASE("nll_loss takes the targets that cross_entropy takes") {
  const Tensor x = ones({1, 2});
  CHECK_THROWS_WITH(nll_loss(x, tensor({-1})),
                    Catch::Matchers::ContainsSubstring("nll_loss: target -1 at row 0"));
  CHECK_THROWS_AS(nll_loss(x, tensor({2})), IndexError);
  constexpr int64_t largest = std::numeric_limits<int64_t>::max();
  CHECK_THROWS_AS(nll_loss(x, tensor({largest}), {.ignore_index = largest - 1}), IndexError);
}

TEST_CASE("cross_entropy of a single class is zero, whatever the logits and dimensions") {
  for (const Shape& shape : {Shape{1}, Shape{3, 1}, Shape{3, 1, 5}, Shape{3, 1, 5, 2}}) {
    Shape positions = shape;
    positions.erase(shape.size() > 1 ? 1 : 0);
    const Tensor x = randn(shape).requires_grad_();
    const Tensor losses = cross_entropy(x, zeros(positions, int64), {.reduction = Reduction::none});
    CHECK(losses.shape() == positions);
    CHECK(sum(abs(losses)).item<float>() == 0);
    sum(losses).backward();
    CHECK(sum(abs(x.grad())).item<float>() == 0);
  }
}
