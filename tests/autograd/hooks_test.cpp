#include <attune/autograd.h>

#include <stdexcept>
#include <vector>

#include "../catch.h"

using namespace attune;

namespace {

Tensor leaf(double value) { return tensor({value}).requires_grad_(); }

}  // namespace

TEST_CASE("hooks see and replace the complete gradient") {
  Tensor x = leaf(3);
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

TEST_CASE("hooks run in order, on leaves too, until they are removed") {
  Tensor x = leaf(3);
  std::vector<int> order;
  x.register_hook([&](const Tensor& g) {
    order.push_back(1);
    return g * 2.0;
  });
  const HookHandle second = x.register_hook([&](const Tensor& g) {
    order.push_back(2);
    return g + 1.0;
  });
  x.sum().backward();
  CHECK(x.grad().item<double>() == 3);
  second.remove();
  second.remove();
  x.sum().backward();
  CHECK(x.grad().item<double>() == 3 + 2);
  CHECK(order == std::vector<int>{1, 2, 1});
}

TEST_CASE("hooks may register and remove hooks, and differentiate") {
  Tensor x = leaf(3);
  int runs = 0;
  std::vector<HookHandle> handles;
  handles.push_back(x.register_hook([&](const Tensor&) {
    ++runs;
    handles[0].remove();
    for (int i = 0; i < 10; ++i)
      x.register_hook([&](const Tensor& g) {
        ++runs;
        return g;
      });
    Tensor y = leaf(5);
    GradMode on(true);
    (y * y).sum().backward();
    return y.grad();
  }));
  x.sum().backward();
  CHECK(runs == 1);
  CHECK(x.grad().item<double>() == 10);
  x.sum().backward();
  CHECK(runs == 11);
}

TEST_CASE("a hook may write to the gradient it sees") {
  Tensor x = leaf(3);
  Tensor h = x * x;
  h.register_hook([](const Tensor& g) {
    g.mul_(tensor(5.0));
    return Tensor();
  });
  (h * 1.0).sum().backward();
  CHECK(x.grad().item<double>() == 30);
}

TEST_CASE("a hook may read what was written since the forward pass") {
  const Tensor x = leaf(3), y = x * x, factor = tensor({1.0});
  y.register_hook([&](const Tensor& g) { return g * factor; });
  factor.fill_(5);
  y.backward();
  CHECK(x.grad().item<double>() == 30);
}

TEST_CASE("retain_grad keeps what the hooks left") {
  Tensor x = leaf(3);
  Tensor h = x * 2.0;
  CHECK_FALSE(h.grad().defined());
  h.retain_grad();
  h.register_hook([](const Tensor& g) { return g * 4.0; });
  h.sum().backward();
  CHECK(h.grad().item<double>() == 4);
  CHECK(x.grad().item<double>() == 8);
}

TEST_CASE("hooks also run for grad") {
  Tensor x = leaf(3);
  x.register_hook([](const Tensor& g) { return g * 2.0; });
  CHECK(grad({x * 3.0}, {x})[0].item<double>() == 6);
}

TEST_CASE("hooks that do not fit, throw or are empty") {
  Tensor x = leaf(3);
  CHECK_THROWS_AS(x.register_hook({}), ValueError);
  CHECK_THROWS_AS(tensor({1.0}).register_hook([](const Tensor& g) { return g; }), GradError);
  const HookHandle misfit = x.register_hook([](const Tensor&) { return tensor({1.0, 2.0}); });
  CHECK_THROWS_AS(x.sum().backward(), ShapeError);
  misfit.remove();
  x.register_hook([](const Tensor&) -> Tensor { throw std::runtime_error("mine"); });
  CHECK_THROWS_WITH(x.sum().backward(), "mine");
  CHECK_FALSE(x.grad().defined());
}

TEST_CASE("hooks stay on a leaf that is given other data or another dtype") {
  const Tensor x = leaf(3);
  int calls = 0;
  const HookHandle hook = x.register_hook([&](const Tensor&) {
    ++calls;
    return Tensor();
  });
  x.convert_(float32);
  x.sum().backward();
  CHECK(calls == 1);
  x.assign_(tensor({5.0}).array());
  x.sum().backward();
  CHECK(calls == 2);
  x.requires_grad_(false);
  x.convert_(float32);
  CHECK_FALSE(x.requires_grad());
  x.requires_grad_();
  x.sum().backward();
  CHECK(calls == 3);
  hook.remove();
  x.sum().backward();
  CHECK(calls == 3);
}

TEST_CASE("a hook that is removed is let go of, even one that holds its own tensor") {
  const int64_t before = memory_stats().live_bytes;
  {
    const Tensor x = zeros({100}).requires_grad_();
    const HookHandle handle = x.register_hook([x](const Tensor&) { return x.detach(); });
    handle.remove();
  }
  CHECK(memory_stats().live_bytes == before);
  const Tensor y = ones({3}).requires_grad_();
  std::vector<HookHandle> handles;
  const auto held = std::make_shared<int>(1);
  handles.push_back(y.register_hook([&handles, held](const Tensor& g) {
    handles[0].remove();
    return g * static_cast<double>(*held);
  }));
  y.sum().backward();
  CHECK(held.use_count() == 1);
}

TEST_CASE("a hook handle that was moved from removes nothing") {
  const Tensor x = leaf(3);
  HookHandle first = x.register_hook([](const Tensor& g) { return g * 2.0; });
  const HookHandle second = std::move(first);
  first.remove();
  x.sum().backward();
  CHECK(x.grad().item<double>() == 2);
}
