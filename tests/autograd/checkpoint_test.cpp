#include <attune/array.h>
#include <attune/autograd.h>
#include <attune/nn.h>

#include "../catch.h"

using namespace attune;
using Catch::Matchers::ContainsSubstring;

namespace {

using Values = std::vector<std::vector<float>>;

struct Mlp : nn::Module {
  nn::Linear up = child("up", nn::Linear(8, 32));
  nn::Dropout drop = child("drop", nn::Dropout(0.5));
  nn::Linear down = child("down", nn::Linear(32, 8));
  Tensor operator()(const Tensor& x) const {
    auto scope = enter();
    return down(drop(gelu(up(x))));
  }
};

Values gradients_of(const nn::Module& module) {
  Values values;
  for (const Tensor& p : module.parameters()) values.push_back(p.grad().to_vector<float>());
  return values;
}

// The gradients of x and the parameters of two blocks in a row, run by call(block, x).
template <class Call>
Values run(const Call& call) {
  manual_seed(3);
  const Mlp first, second;
  const Tensor x = randn({4, 8}).requires_grad_();
  sum(square(call(second, call(first, x) + x))).backward();
  Values all = gradients_of(first);
  for (auto& values : gradients_of(second)) all.push_back(values);
  all.push_back(x.grad().to_vector<float>());
  all.push_back(rand({4}).to_vector<float>());  // the stream stands where it would
  return all;
}

Tensor plain(const Mlp& block, const Tensor& x) { return block(x); }
Tensor again(const Mlp& block, const Tensor& x) {
  return checkpoint([block](const Tensor& in) { return block(in); }, x);
}
Tensor nested(const Mlp& block, const Tensor& x) {
  return checkpoint([block](const Tensor& in) { return again(block, in); }, x);
}

}  // namespace

TEST_CASE("a checkpointed call gives the gradients of the plain one, dropout included") {
  const Values wanted = run(plain);
  CHECK(run(again) == wanted);
  CHECK(run(nested) == wanted);
}

TEST_CASE("a checkpoint keeps its inputs and nothing else") {
  const Tensor x = randn({64, 256}).requires_grad_();
  const auto deep = [](const Tensor& in) { return sin(exp(cos(sin(in)))); };
  const int64_t before = memory_stats().live_bytes;
  const Tensor kept = deep(x);
  const int64_t plain_bytes = memory_stats().live_bytes - before;
  const Tensor y = checkpoint(deep, x);
  const int64_t checkpointed = memory_stats().live_bytes - before - plain_bytes;
  CHECK(plain_bytes >= 3 * 64 * 256 * 4);
  CHECK(checkpointed < 64 * 256 * 4 + 2048);
}

TEST_CASE("captured tensors get gradients, those that lead to each other too, and hooks run once") {
  const Tensor w = tensor({2.0, 3.0}).requires_grad_(), x = tensor({0.5, -1.0}).requires_grad_();
  const auto gradients = [&](bool checkpointed) {
    const Tensor v = w * w;
    int calls = 0;
    v.register_hook([&](const Tensor& g) {
      ++calls;
      return g * 2.0;
    });
    const auto f = [v, w = w](const Tensor& in) { return sin(in * v) * w + in * w; };
    w.set_grad({});
    x.set_grad({});
    sum(checkpointed ? checkpoint(f, x) : f(x)).backward();
    CHECK(calls == 1);
    auto all = w.grad().to_vector<double>();
    for (const double g : x.grad().to_vector<double>()) all.push_back(g);
    return all;
  };
  const auto wanted = gradients(false), found = gradients(true);
  for (size_t i = 0; i < wanted.size(); ++i) CHECK(found[i] == Approx(wanted[i]).epsilon(1e-14));
}

TEST_CASE("a checkpoint is differentiated twice, again, and by grad()") {
  const Tensor x = tensor({0.3, 0.7}).requires_grad_(), w = tensor({1.5, 2.5}).requires_grad_();
  const auto f = [w](std::span<const Tensor> in) {
    return checkpoint([w](const Tensor& a) { return exp(a * w) * a; }, in[0]);
  };
  CHECK(gradcheck(f, {x}));
  CHECK(gradgradcheck(f, {x}));

  const Tensor y = f(std::vector{x});
  const auto dw = grad({y}, {w}, {ones_like(y)}, {.retain_graph = true})[0].to_vector<double>();
  CHECK_FALSE(w.grad().defined());
  CHECK(grad({y}, {w}, {ones_like(y)})[0].to_vector<double>() == dw);
  CHECK_THROWS_AS(grad({y}, {w}, {ones_like(y)}), GradError);
}

TEST_CASE("a checkpoint without gradients, or of what is no result, is the call itself") {
  const Tensor x = randn({3}), w = randn({3}).requires_grad_();
  const auto twice = [](const Tensor& in) { return in * 2.0; };
  CHECK(checkpoint(twice, x).is_leaf());
  CHECK(checkpoint([](const Tensor& in) { return in; }, w).identity() == w.identity());
  const NoGrad no_grad;
  CHECK_FALSE(checkpoint(twice, w).requires_grad());
}

TEST_CASE("a checkpoint refuses what changed since, but not what it writes itself") {
  const Tensor x = randn({3}).requires_grad_(), data = randn({3});
  const Tensor y = checkpoint([data](const Tensor& in) { return in * data; }, x);
  data.mul_(2);
  CHECK_THROWS_WITH(sum(y).backward(),
                    ContainsSubstring("checkpoint: computed again, the function reads a value"));
  CHECK_FALSE(x.grad().defined());

  const Tensor z = checkpoint(
      [](const Tensor& in) {
        const Tensor own = in.detach() * 1.0;
        own.mul_(3);
        return in * own;
      },
      x);
  sum(z).backward();
  CHECK(x.grad().defined());
}

TEST_CASE(
    "a function that computes something else the second time is told from one that does not") {
  const Tensor x = randn({3}).requires_grad_(), w = randn({3}).requires_grad_();
  const auto calls = std::make_shared<int>(0);
  const Tensor grown = checkpoint(
      [calls](const Tensor& in) {
        return ++*calls > 1 ? in.expand({2, 3}) * 2.0 : in * 2.0;
      },
      x);
  CHECK_THROWS_WITH(sum(grown).backward(), ContainsSubstring("computed again float32 [2, 3]"));
  *calls = 0;
  const Tensor other =
      checkpoint([calls, w](const Tensor& in) { return ++*calls > 1 ? in * w : in * 2.0; }, x);
  CHECK_THROWS_WITH(sum(other).backward(), ContainsSubstring("other tensors than before"));
  CHECK_FALSE(w.grad().defined());
}

TEST_CASE("an error inside a checkpoint names the module, the second time too") {
  struct Scaled : nn::Module {
    nn::Linear up = child("up", nn::Linear(3, 3));
    std::shared_ptr<bool> broken = std::make_shared<bool>(false);
  };
  const Scaled net;
  const auto f = [net](const Tensor& in) {
    return net.up(*net.broken ? in.reshape({3, 1}) : in.reshape({1, 3}));
  };
  const Tensor x = randn({3}).requires_grad_();
  const Tensor y = checkpoint(f, x);
  *net.broken = true;
  CHECK_THROWS_WITH(sum(y).backward(), ContainsSubstring("linear (up): input [3, 1]"));
}

TEST_CASE("an empty function is refused, recording or not") {
  const std::function<Tensor(std::span<const Tensor>)> none;
  CHECK_THROWS_AS(checkpoint(none, std::vector<Tensor>{ones({2})}), ValueError);
  const NoGrad no_grad;
  CHECK_THROWS_AS(checkpoint(none, std::vector<Tensor>{ones({2})}), ValueError);
}

TEST_CASE("a function that draws other random numbers the second time is refused") {
  const Mlp net;
  const Tensor x = randn({4, 8}).requires_grad_();
  const Tensor y = checkpoint([net](const Tensor& in) { return net(in); }, x);
  net.eval();
  CHECK_THROWS_WITH(sum(y).backward(), ContainsSubstring("drew other random numbers than before"));
  CHECK_FALSE(x.grad().defined());
}

TEST_CASE("anomalies are those of the operations that a checkpoint runs again") {
  struct Root : nn::Module {
    Tensor operator()(const Tensor& x) const {
      auto scope = enter();
      return sqrt(x * 0.0);
    }
  };
  struct Net : nn::Module {
    Root root = child("root", Root());
  };
  const Net net;
  const Tensor x = ones({2}).requires_grad_();
  const AnomalyMode checked;
  const Tensor y = checkpoint([root = net.root](const Tensor& in) { return root(in); }, x);
  CHECK_THROWS_WITH(y.sum().backward(), ContainsSubstring("sqrt (root): backward made"));
}

TEST_CASE("what a checkpointed function wrote over itself is not read again") {
  const Tensor x = tensor({2.0}).requires_grad_(), count = tensor({1.0}), in = tensor({1.0});
  const auto counted = checkpoint(
      [count](const Tensor& input) {
        count.add_(1.0);
        return input * count;
      },
      x);
  CHECK_THROWS_AS(counted.backward(), GradError);
  const auto moved = checkpoint(
      [x](const Tensor& input) {
        input.add_(1.0);
        return x * input;
      },
      in);
  CHECK_THROWS_AS(moved.backward(), GradError);
  // Memory of its own it may write to.
  checkpoint([](const Tensor& input) { return (input * 1.0).mul_(3.0); }, x).backward();
  CHECK(x.grad().item<double>() == 3);
}

TEST_CASE("a checkpointed function must give a tensor") {
  const auto nothing = [](const Tensor&) { return Tensor(); };
  CHECK_THROWS_AS(checkpoint(nothing, ones({1})), ValueError);
  const NoGrad unrecorded;
  CHECK_THROWS_AS(checkpoint(nothing, ones({1})), ValueError);
}
