#include <attune/autograd.h>

#include <thread>
#include <vector>

#include "../catch.h"
#include "../shortage.h"

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

TEST_CASE("a tape freed in part refuses to give a part of a gradient") {
  Tensor x = leaf({3});
  Tensor h = x * x;
  h.sum().backward();
  x.set_grad({});
  Tensor y = (h + x).sum();
  // The edge from h to x is gone: 1 would be wrong, 7 cannot be had.
  CHECK_THROWS_AS(grad({y}, {x}), GradError);
  CHECK_THROWS_WITH(grad({y}, {x}, {}, {.allow_unused = true}),
                    Catch::Matchers::ContainsSubstring("mul: this part of the tape was freed"));
  CHECK(grad({y}, {h}, {}, {.retain_graph = true})[0].item<double>() == 1);
  CHECK_THROWS_AS(y.backward(), GradError);
  CHECK_FALSE(x.grad().defined());
  Tensor z = (x * x).sum();
  grad({z}, {x});
  CHECK_THROWS_WITH(grad({z}, {x}), Catch::Matchers::ContainsSubstring("freed"));
}

TEST_CASE("grad and backward take turns on a retained tape") {
  Tensor x = leaf({3});
  Tensor y = (x * x * x).sum();
  CHECK(grad({y}, {x}, {}, {.retain_graph = true})[0].item<double>() == 27);
  y.backward({}, {.retain_graph = true});
  CHECK(grad({y}, {x}, {}, {.create_graph = true})[0].item<double>() == 27);
  y.backward();
  CHECK(x.grad().item<double>() == 54);
}

TEST_CASE("an input that outputs do not depend on is an error or an undefined gradient") {
  Tensor x = leaf({3}), unused = leaf({4});
  Tensor y = (x * x).sum();
  CHECK_THROWS_WITH(grad({y}, {x, unused}), Catch::Matchers::ContainsSubstring("allow_unused"));
  const auto found = grad({y}, {unused, x}, {}, {.allow_unused = true});
  CHECK_FALSE(found[0].defined());
  CHECK(found[1].item<double>() == 6);
  CHECK_THROWS_AS(grad({y}, {tensor({1.0})}), GradError);
  CHECK_THROWS_AS(grad({tensor({1.0})}, {x}), GradError);
  CHECK_THROWS_AS(grad({Tensor()}, {x}), GradError);
  CHECK_THROWS_AS(grad({y}, {x}, {tensor({1.0}), tensor({1.0})}), ValueError);
  CHECK_THROWS_AS(grad({y}, {x}, {tensor({1.f})}), ShapeError);
}

TEST_CASE("grad sums over outputs, reaches intermediate tensors, and leaves no grad behind") {
  Tensor x = leaf({3});
  Tensor h = x * x, y = h * 2.0, z = h * h;
  const auto found = grad({y.sum(), z.sum(), x}, {x, h, z}, {Tensor(), Tensor(), tensor({10.0})});
  CHECK(found[0].item<double>() == (2 + 2 * 9) * 6 + 10);
  CHECK(found[1].item<double>() == 2 + 2 * 9);
  CHECK(found[2].item<double>() == 1);
  CHECK_FALSE(x.grad().defined());
}

TEST_CASE("gradients are their owner's: writing to one changes no other") {
  Tensor a = leaf({1}), b = leaf({1}), c = leaf({1, 2});
  const Tensor cotangent = tensor({5.0});
  const auto found = grad({a + b}, {a, b, a}, {cotangent});
  const Tensor wide = grad({c.sum()}, {c})[0];
  (a + b).backward(cotangent);
  NoGrad no_grad;
  found[0].fill_(7);
  a.grad().fill_(8);
  wide.select(0, 0).fill_(9);
  CHECK(found[1].item<double>() == 5);
  CHECK(found[2].item<double>() == 5);
  CHECK(b.grad().item<double>() == 5);
  CHECK(cotangent.item<double>() == 5);
  CHECK(wide.to_vector<double>() == std::vector<double>{9, 1});
}

TEST_CASE("a cotangent that was filled after the forward is no overwritten value") {
  Tensor x = leaf({3, 4});
  Tensor y = (x * x).reshape({2, 1}) * 1.0;
  Tensor cotangent = zeros_like(y);
  cotangent.fill_(2);
  y.backward(cotangent, {.retain_graph = true});
  CHECK(x.grad().to_vector<double>() == std::vector<double>{12, 16});
  const Tensor second = grad({y}, {x}, {cotangent}, {.create_graph = true})[0];
  CHECK(grad({second.sum()}, {x})[0].to_vector<double>() == std::vector<double>{4, 4});
}

TEST_CASE("create_graph follows accumulation, broadcasting, conversion and hooks") {
  Tensor x = leaf({2}), wide = leaf({1, 2, 3});
  // d/dx of sum(x³ wide + x² wide): the sums over wide and over both uses are differentiated again.
  const auto build = [&] { return (x * x * x * wide + x * x * wide).sum(); };
  const Tensor first = grad({build()}, {x}, {}, {.create_graph = true})[0];
  CHECK(first.item<double>() == (3 * 4 + 2 * 2) * 6);
  const auto second = grad({first}, {x, wide});
  CHECK(second[0].item<double>() == (6 * 2 + 2) * 6);
  CHECK(second[1].to_vector<double>() == std::vector<double>{16, 16, 16});

  const Tensor narrow = to(x, float32);
  const Tensor slope =
      grad({to(narrow * narrow * narrow, float64)}, {x}, {}, {.create_graph = true})[0];
  CHECK(slope.dtype() == float64);
  CHECK(grad({slope}, {x})[0].item<double>() == 12);

  Tensor h = x * x;
  h.register_hook([&](const Tensor& g) { return g * x; });
  const Tensor hooked = grad({h}, {x}, {}, {.create_graph = true})[0];
  CHECK(hooked.item<double>() == 8);
  CHECK(grad({hooked}, {x})[0].item<double>() == 8);
}

TEST_CASE("backward with create_graph records the gradients of leaves") {
  Tensor x = leaf({3});
  (x * x * x).sum().backward({}, {.create_graph = true});
  (x * x).sum().backward({}, {.create_graph = true});
  Tensor slope = x.grad();
  CHECK(slope.item<double>() == 27 + 6);
  x.set_grad({});
  slope.sum().backward();
  CHECK(x.grad().item<double>() == 18 + 2);
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

TEST_CASE("a stale value is reported by the operation that was called, in its module") {
  const Tensor x = randn({3, 2}).requires_grad_(), w = randn({4, 2}).requires_grad_();
  const auto loss = [&] {
    const Scope scope(intern_path("h.0"));
    return linear(x, w).sum();
  }();
  {
    NoGrad no_grad;
    w.add_(1);
  }
  CHECK_THROWS_WITH(loss.backward(),
                    Catch::Matchers::ContainsSubstring("linear (h.0): backward needs a value"));
}

TEST_CASE("a tensor divided in place by itself has the slope zero") {
  const Tensor x = leaf({3, -4});
  const Tensor h = x * 2.0;
  h.div_(h);
  CHECK(h.to_vector<double>() == std::vector<double>{1, 1});
  (h * tensor({5.0, 7.0})).sum().backward();
  for (const double slope : x.grad().to_vector<double>()) CHECK(slope == Approx(0).margin(1e-15));
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

TEST_CASE("without memory for the sums of gradients, every grad stays as it was") {
  const std::vector<Tensor> leaves = {leaf({1}), leaf({2}), leaf({3}), leaf({4})};
  leaves[2].set_grad(tensor({10.0}));
  const Tensor seen = tensor({10.0});
  leaves[3].set_grad(seen);
  const auto grads = [&] {
    std::vector<double> all;
    for (const Tensor& x : leaves) all.push_back(x.grad().defined() ? x.grad().item<double>() : -1);
    return all;
  };
  const Tensor y = (leaves[0] + leaves[1] + leaves[2] + leaves[3]).sum();
  test::with_too_little_memory([&] { y.backward({}, {.retain_graph = true}); },
                               [&] {
                                 CHECK(grads() == std::vector<double>{-1, -1, 10, 10});
                               });
  CHECK(grads() == std::vector<double>{1, 1, 11, 11});
  CHECK(seen.item<double>() == 10);
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
