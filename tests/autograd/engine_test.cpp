#include <attune/autograd.h>

#include <thread>
#include <vector>

#include "../catch.h"

using namespace attune;

namespace {

Tensor leaf(std::vector<double> values) {
  const auto n = static_cast<int64_t>(values.size());
  return tensor(values, {n}).requires_grad_();
}

}  // namespace

TEST_CASE("a product's gradients are the other factor") {
  Tensor a = leaf({2, 3}), b = leaf({5, 7});
  (a * b).sum().backward();
  CHECK(a.grad().to_vector<double>() == std::vector<double>{5, 7});
  CHECK(b.grad().to_vector<double>() == std::vector<double>{2, 3});
}

TEST_CASE("gradients add up over backward calls and over uses") {
  Tensor a = leaf({2});
  (a * a + a).sum().backward();
  (a * 3.0).sum().backward();
  CHECK(a.grad().item<double>() == 2 * 2 + 1 + 3);
}

TEST_CASE("the engine sums broadcast dimensions away") {
  Tensor a = tensor({{1.0, 2.0, 3.0}}).requires_grad_(),
         b = tensor({{4.0}, {5.0}}).requires_grad_();
  (a * b).sum().backward();
  CHECK(a.grad().shape() == Shape{1, 3});
  CHECK(a.grad().to_vector<double>() == std::vector<double>{9, 9, 9});
  CHECK(b.grad().to_vector<double>() == std::vector<double>{6, 6});
}

TEST_CASE("second derivatives by create_graph") {
  Tensor x = leaf({3});
  Tensor first = grad({x * x * x}, {x}, {}, {.create_graph = true})[0];
  CHECK(first.item<double>() == 27);
  CHECK(grad({first}, {x})[0].item<double>() == 18);
}

TEST_CASE("a freed tape refuses, a retained one repeats") {
  Tensor x = leaf({3});
  Tensor y = (x * x).sum();
  y.backward({}, {.retain_graph = true});
  y.backward();
  CHECK(x.grad().item<double>() == 12);
  CHECK_THROWS_AS(y.backward(), GradError);
  CHECK(x.grad().item<double>() == 12);
}

TEST_CASE("a saved value written in place is an error that changes no gradient") {
  Tensor x = leaf({3}), w = leaf({4});
  Tensor h = x * 1.0;
  Tensor y = (h * w).sum();
  Array alias = h.array();
  alias.write<double>([](double* value) { *value = 100; });
  CHECK_THROWS_AS(y.backward(), GradError);
  CHECK_FALSE(x.grad().defined());
  CHECK_FALSE(w.grad().defined());
}

TEST_CASE("in-place operations are recorded or refused") {
  Tensor x = leaf({3});
  Tensor h = x * 2.0;
  h.mul_(tensor({5.0}));
  h.sum().backward();
  CHECK(x.grad().item<double>() == 10);
  CHECK_THROWS_AS(x.add_(tensor({1.0})), GradError);
  Tensor base = x * 2.0;
  Tensor view = base.reshape({1, 1});
  CHECK_THROWS_AS(base.mul_(x), GradError);
  NoGrad no_grad;
  x.add_(tensor({1.0}));
  CHECK(x.item<double>() == 4);
}

TEST_CASE("NoGrad records nothing; detach cuts the tape") {
  Tensor x = leaf({3});
  {
    NoGrad no_grad;
    CHECK_FALSE((x * x).requires_grad());
  }
  CHECK_FALSE(x.detach().requires_grad());
  CHECK_THROWS_AS(x.detach().sum().backward(), GradError);
}

TEST_CASE("hooks see and replace the complete gradient") {
  Tensor x = leaf({3});
  Tensor h = x * 2.0;
  double seen = 0;
  h.register_hook([&](const Tensor& g) {
    seen = g.item<double>();
    return g * 10.0;
  });
  (h + h).sum().backward();
  CHECK(seen == 2);
  CHECK(x.grad().item<double>() == 40);
}

TEST_CASE("anomaly mode names the operation that made the first NaN") {
  AnomalyMode anomaly;
  Tensor x = leaf({-1});
  CHECK_THROWS_WITH(log(x), Catch::Matchers::ContainsSubstring("log"));
  Tensor zero = leaf({0});
  Tensor y = sqrt(zero).sum();
  CHECK_THROWS_AS(y.backward(), AnomalyError);
}

TEST_CASE("a user's own operation is written like ours") {
  auto cube = [](const Tensor& x) {
    NoGrad off;
    Tensor value = x * x * x;
    GradMode on(true);
    return record("cube", value.array(), wrt(x, [x](const Tensor& g) { return g * x * x * 3.0; }));
  };
  Tensor x = leaf({2});
  cube(x).sum().backward();
  CHECK(x.grad().item<double>() == 12);
}

TEST_CASE("nothing stays alive after the tape is gone") {
  auto step = [] {
    Tensor x = leaf({1, 2, 3});
    (exp(x) * x).sum().backward();
  };
  step();
  const int64_t before = memory_stats().live_bytes;
  for (int i = 0; i < 1000; ++i) step();
  CHECK(memory_stats().live_bytes == before);
}

TEST_CASE("two threads differentiate at once") {
  auto work = [](double* result) {
    Tensor x = leaf({2});
    for (int i = 0; i < 200; ++i) (x * x).sum().backward();
    *result = x.grad().item<double>();
  };
  double a = 0, b = 0;
  std::thread one(work, &a), two(work, &b);
  one.join();
  two.join();
  CHECK(a == 800);
  CHECK(b == 800);
}
