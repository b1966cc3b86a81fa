#include <attune/autograd.h>
#include <attune/optim.h>

#include <vector>

#include "../catch.h"
#include "../shortage.h"

using namespace attune;

TEST_CASE("without memory for a step, no parameter changes") {
  const std::vector<double> before(4, 1), after(4, 0);
  const Tensor a = ones({2, 2}, float64).requires_grad_();
  const Tensor b = ones({2, 2}, float64).requires_grad_();
  for (const Tensor& x : {a, b}) x.set_grad(ones({2, 2}, float64).transpose(0, 1));
  optim::SGD sgd({a, b}, {.lr = 1});
  test::with_too_little_memory([&] { sgd.step(); },
                               [&] {
                                 CHECK(a.to_vector<double>() == before);
                                 CHECK(b.to_vector<double>() == before);
                               });
  CHECK(a.to_vector<double>() == after);
  CHECK(b.to_vector<double>() == after);
}

TEST_CASE("without memory to clip every gradient, none is clipped") {
  const Tensor x = zeros({2}).requires_grad_(), y = zeros({2}).requires_grad_();
  const auto grads = [&] {
    std::vector<float> all = x.grad().to_vector<float>();
    for (const float value : y.grad().to_vector<float>()) all.push_back(value);
    return all;
  };
  for (const bool by_norm : {false, true}) {
    x.set_grad(tensor({3.f, 4.f}));
    y.set_grad(tensor({5.f, 6.f}));
    const std::vector<float> before = grads();
    test::with_too_little_memory(
        [&] {
          if (by_norm) {
            optim::clip_grad_norm_({x, y}, 1);
          } else {
            optim::clip_grad_value_({x, y}, 1);
          }
        },
        [&] { CHECK(grads() == before); });
    CHECK(grads() != before);
  }
}
