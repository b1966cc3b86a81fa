#include <attune/array.h>
#include <attune/autograd.h>

#include "../catch.h"

using namespace attune;

namespace {

double largest_difference(const Tensor& a, const Tensor& b) {
  return amax(abs(a - b)).item<double>();
}

}  // namespace

TEST_CASE("linear_cross_entropy equals its twin over several chunks of rows, and for no rows") {
  manual_seed(4);
  constexpr int64_t rows = 300, classes = 50'000, width = 4;  // chunks of 256 rows
  const Tensor target = randint(classes, {rows});
  Tensor(target.array().narrow(0, 100, 50)).fill_(-100);
  for (const Reduction reduction : {Reduction::mean, Reduction::none}) {
    std::vector<std::vector<Tensor>> gradients;
    std::vector<Tensor> losses;
    for (const bool fused : {true, false}) {
      manual_seed(5);
      const std::vector<Tensor> in = {randn({rows, width}).requires_grad_(),
                                      randn({classes, width}).requires_grad_(),
                                      randn({classes}).requires_grad_()};
      losses.push_back(
          fused ? linear_cross_entropy(in[0], in[1], target, in[2], {.reduction = reduction})
                : cross_entropy(linear(in[0], in[1], in[2]), target, {.reduction = reduction}));
      const Tensor cotangent = randn(losses.back().shape());
      gradients.push_back(grad({losses.back()}, in, {cotangent}));
    }
    CHECK(largest_difference(losses[0], losses[1]) < 2e-6);
    for (size_t i = 0; i < 3; ++i)
      CHECK(largest_difference(gradients[0][i], gradients[1][i]) < 2e-6);
  }
  const Tensor weight = randn({3, 2}).requires_grad_();
  const Tensor none = linear_cross_entropy(zeros({0, 2}), weight, zeros({0}, int64));
  CHECK(none.item<float>() == 0);
  none.backward();
  CHECK(weight.grad().to_vector<float>() == std::vector<float>(6, 0.f));
}

TEST_CASE(
    "linear_cross_entropy holds a few logits at a time, and gradients of what asks for them") {
  constexpr int64_t rows = 1024, classes = 40'000, width = 2;
  const Tensor hidden = randn({rows, width}).requires_grad_(), weight = randn({classes, width});
  const Tensor target = zeros({rows}, int64);
  const int64_t before = memory_stats().live_bytes;
  reset_peak_memory();
  const Tensor loss = linear_cross_entropy(hidden, weight, target);
  CHECK(memory_stats().peak_bytes - before < rows * classes * 4 / 3);
  CHECK(memory_stats().live_bytes - before < 64 * 1024);  // no gradient of the weight
  loss.backward();
  CHECK_FALSE(weight.grad().defined());
  const NoGrad no_grad;
  CHECK_FALSE(linear_cross_entropy(hidden, weight, target).requires_grad());
}

TEST_CASE("a loss of linear_cross_entropy is scaled, kept and added up like any other") {
  const Tensor hidden = randn({6, 3}), target = tensor({0, 1, 2, 3, 0, 1});
  const Tensor weight = randn({4, 3}).requires_grad_();
  const Tensor loss = linear_cross_entropy(hidden, weight, target);
  (loss * 3.0).backward({}, {.retain_graph = true});
  (loss + loss).backward();
  const Tensor fused = weight.grad();
  weight.set_grad({});
  (cross_entropy(linear(hidden, weight), target) * 5.0).backward();
  CHECK(largest_difference(fused, weight.grad()) < 1e-6);
}
