#include <attune/autograd.h>
#include <attune/nn.h>

#include <limits>

#include "../catch.h"

using namespace attune;
using Catch::Matchers::ContainsSubstring;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity();

Tensor leaf(double value) { return tensor({value}).requires_grad_(); }

// A module that goes wrong in its forward or in its backward.
struct Root : nn::Module {
  Tensor operator()(const Tensor& x) const {
    auto scope = enter();
    return sqrt(x);
  }
};

struct Net : nn::Module {
  std::vector<Root> h = children("h", 2, [](int64_t) { return Root(); });
  Tensor operator()(const Tensor& x) const { return h[1](x * 1.0) * 2.0; }
};

}  // namespace

TEST_CASE("an anomaly of the forward names its operation and module") {
  AnomalyMode anomaly;
  const Net net;
  CHECK_THROWS_AS(log(leaf(-1)), AnomalyError);
  CHECK_THROWS_WITH(
      log(leaf(-1)),
      ContainsSubstring("log: forward made nan at element 0 of a result of shape [1]"));
  CHECK_THROWS_WITH(log(leaf(0)), ContainsSubstring("log: forward made -inf at element 0"));
  CHECK_THROWS_WITH(net(leaf(-1)), ContainsSubstring("sqrt (h.1): forward made"));
  CHECK_THROWS_WITH(tensor({1.0}) / tensor({0.0}), ContainsSubstring("div: forward made inf"));
  NoGrad no_grad;
  CHECK_THROWS_WITH(net(leaf(-1)), ContainsSubstring("sqrt (h.1): forward made"));
}

TEST_CASE("an anomaly of the backward names the operation of the forward, and its module") {
  const Net net;
  const Tensor x = leaf(0);
  const Tensor y = net(x).sum();
  AnomalyMode anomaly;
  CHECK_THROWS_AS(y.backward({}, {.retain_graph = true}), AnomalyError);
  CHECK_THROWS_WITH(y.backward({}, {.retain_graph = true}),
                    ContainsSubstring("sqrt (h.1): backward made inf"));
  CHECK_THROWS_WITH(grad({y}, {x}, {}, {.create_graph = true}),
                    ContainsSubstring("sqrt (h.1): backward made inf"));
  CHECK_FALSE(x.grad().defined());
}

TEST_CASE("an anomaly of the second backward names the operation too") {
  const Tensor x = leaf(0);
  Tensor slope = grad({x.pow(1.5)}, {x}, {}, {.create_graph = true})[0];
  AnomalyMode anomaly;
  CHECK_THROWS_AS(grad({slope}, {x}), AnomalyError);
}

TEST_CASE("an anomaly born in a sum of gradients or a hook is found there") {
  AnomalyMode anomaly;
  const double huge = std::numeric_limits<double>::max();
  Tensor x = leaf(1);
  Tensor h = x * 1.0;
  CHECK_THROWS_WITH((h * huge + h * huge - h * huge - h * huge).sum().backward(),
                    ContainsSubstring("forward made inf"));
  Tensor y = h * 0.75;
  CHECK_THROWS_WITH(grad({y * 1.0, y * 1.0}, {x}, {tensor({huge}), tensor({huge})}),
                    ContainsSubstring("mul: adding up its gradient made inf"));
  h.register_hook([](const Tensor& g) { return g * std::numeric_limits<double>::quiet_NaN(); });
  CHECK_THROWS_AS(h.sum().backward(), AnomalyError);
}

TEST_CASE("values that a formula masks away are no anomaly") {
  AnomalyMode anomaly;
  const Tensor x = randn({2, 4, 8}, float64).requires_grad_();
  const Tensor extreme = (randn({4, 8}) * 1e4).detach().requires_grad_();
  CHECK_NOTHROW(scaled_dot_product_attention(x, x, x, Mask::causal()).sum().backward());
  const Mask minus_infinity = Mask::bias(full({4, 4}, -inf));
  CHECK_NOTHROW(minus_infinity & minus_infinity);
  CHECK_NOTHROW(cross_entropy(extreme, randint(8, {4})).backward());
  CHECK_NOTHROW(norm(leaf(0)).backward());
  const Tensor hidden = tensor({true, false});
  CHECK_NOTHROW(softmax(masked_fill(tensor({1.0, 2.0}), hidden, -inf), 0));
  CHECK_NOTHROW(softmax(where(hidden, -inf, tensor({1.0, 2.0})), 0));
}

TEST_CASE("bfloat16 is checked, and integers are left alone") {
  AnomalyMode anomaly;
  CHECK_THROWS_AS(to(tensor({1e300}), bfloat16), AnomalyError);
  CHECK_NOTHROW(tensor({1, 2}) + tensor({3, 4}));
}

TEST_CASE("outside of anomaly mode nothing is checked") {
  {
    AnomalyMode anomaly;
    AnomalyMode off(false);
    CHECK_NOTHROW(log(leaf(-1)));
  }
  CHECK_FALSE(anomaly_enabled());
  CHECK((log(leaf(0)).item<double>() == -inf));
}
