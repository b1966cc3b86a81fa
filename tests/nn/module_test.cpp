#include <attune/autograd.h>
#include <attune/nn.h>

#include <set>

#include "../catch.h"

using namespace attune;
using Catch::Matchers::ContainsSubstring;

namespace {

struct Mlp : nn::Module {
  nn::Linear up = child("up", nn::Linear(3, 5));
  nn::Linear down = child("down", nn::Linear(5, 2, {.bias = false}));
  Tensor operator()(const Tensor& x) const { return down(relu(up(x))); }
};

struct Net : nn::Module {
  std::vector<Mlp> h = children("h", 2, [](int64_t) { return Mlp(); });
  nn::Linear head = child("head", nn::Linear(2, 3));
};

std::vector<std::string> names_of(const nn::Module& module) {
  std::vector<std::string> names;
  for (const auto& [name, tensor] : module.named_parameters()) names.push_back(name);
  return names;
}

}  // namespace

TEST_CASE("parameters are named by the path of their module") {
  Net net;
  CHECK(names_of(net) == std::vector<std::string>{"h.0.up.weight", "h.0.up.bias", "h.0.down.weight",
                                                  "h.1.up.weight", "h.1.up.bias", "h.1.down.weight",
                                                  "head.weight", "head.bias"});
  CHECK(net.h[1].up.path() == "h.1.up");
  CHECK(net.num_parameters() == 2 * (15 + 5 + 10) + 9);
}

TEST_CASE("an error inside a layer names the layer, not its neighbours") {
  Net net;
  CHECK_THROWS_WITH(net.h[1](ones({2, 4})), ContainsSubstring("linear (h.1.up): "));
  CHECK_THROWS_WITH(linear(ones({2, 4}), ones({3, 3})), ContainsSubstring("linear: "));
}

TEST_CASE("a name is taken once") {
  struct Twice : nn::Module {
    nn::Linear a = child("a", nn::Linear(1, 1));
    nn::Linear b = child("a", nn::Linear(1, 1));
  };
  struct Shadow : nn::Module {
    Tensor a = param("a", Tensor(Array({1}, float32)));
    nn::Linear b = child("a", nn::Linear(1, 1));
  };
  CHECK_THROWS_AS(Twice(), ValueError);
  CHECK_THROWS_AS(Shadow(), ValueError);
}

TEST_CASE("a copy of a module is the same module") {
  Mlp a;
  Mlp b = a;
  b.eval();
  CHECK_FALSE(a.is_training());
  nn::init::zeros_(b.up.weight);
  CHECK(a.up.weight.to_vector<float>() == std::vector<float>(15, 0.f));
}

TEST_CASE("tied weights are one parameter under two names") {
  struct Tied : nn::Module {
    nn::Linear a = child("a", nn::Linear(2, 2, {.bias = false}));
    Tensor b = param("b", a.weight);
  };
  Tied tied;
  CHECK(tied.parameters().size() == 1);
  CHECK(tied.num_parameters() == 4);
  CHECK(tied.state_dict().size() == 2);
}

TEST_CASE("a state dict carries weights to another module") {
  Net a, b;
  b.load_state_dict(a.state_dict());
  for (size_t i = 0; i < a.parameters().size(); ++i)
    CHECK(a.parameters()[i].to_vector<float>() == b.parameters()[i].to_vector<float>());
  // A copy, not an alias.
  nn::init::zeros_(a.head.bias);
  CHECK(b.head.bias.to_vector<float>() != a.head.bias.to_vector<float>());
}

TEST_CASE("a state dict that does not fit is refused whole, with every name") {
  Mlp net;
  const auto before = net.up.weight.to_vector<float>();
  StateDict state = Mlp().state_dict();
  state.erase("down.weight");
  state.emplace("extra", Array({1}, float32));
  state["up.bias"] = Array({4}, float32);
  CHECK_THROWS_AS(net.load_state_dict(state), FormatError);
  CHECK_THROWS_WITH(net.load_state_dict(state), ContainsSubstring("missing down.weight [2, 5]") &&
                                                    ContainsSubstring("unknown extra") &&
                                                    ContainsSubstring("up.bias is [4]"));
  CHECK(net.up.weight.to_vector<float>() == before);
  state.erase("up.bias");
  net.load_state_dict(state, false);
  CHECK(net.up.weight.to_vector<float>() != before);
}

TEST_CASE("train and eval reach the whole subtree and leave gradients alone") {
  Net net;
  net.head.requires_grad_(false);
  net.eval();
  CHECK_FALSE(net.h[0].up.is_training());
  net.train();
  CHECK(net.h[0].up.is_training());
  CHECK_FALSE(net.head.weight.requires_grad());
  CHECK(net.h[0].up.weight.requires_grad());
}

TEST_CASE("to converts every handle of the parameters, and zero_grad clears") {
  Mlp net;
  net.to(float64);
  CHECK(net.up.weight.dtype() == float64);
  net(to(ones({2, 3}), float64)).sum().backward();
  REQUIRE(net.up.weight.grad().defined());
  CHECK(net.up.weight.grad().dtype() == float64);
  net.zero_grad();
  CHECK_FALSE(net.up.weight.grad().defined());
  CHECK_THROWS_AS(net.to(int64), DTypeError);
}

TEST_CASE("a module made without weights takes memory when they are assigned") {
  const auto made = [] {
    nn::init::EmptyWeights empty;
    return nn::Linear(1 << 30, 1 << 30);
  };
  CHECK(made().weight.shape() == Shape{1 << 30, 1 << 30});
  const Mlp net = [] {
    nn::init::EmptyWeights empty;
    return Mlp();
  }();
  for (const Tensor& parameter : net.parameters())
    parameter.assign_(full(parameter.shape(), 2).array());
  CHECK(net.down.weight.to_vector<float>() == std::vector<float>(10, 2.f));
  net(ones({1, 3})).sum().backward();
  CHECK(net.up.weight.grad().defined());
  net.up.weight.assign_(zeros({5, 3}, float64).array());
  CHECK_FALSE(net.up.weight.grad().defined());
  CHECK(net.up.weight.dtype() == float64);
  CHECK_THROWS_AS(net.up.weight.assign_(Array({3, 5}, float32)), ShapeError);
  CHECK_THROWS_AS(net.up.weight.assign_(Array({5, 3}, int64)), DTypeError);
  CHECK_THROWS_AS((net.up.weight * 2).assign_(Array({5, 3}, float64)), GradError);
  CHECK(nn::Linear(1, 1).weight.array().is_contiguous());
}

TEST_CASE("the tree prints with parameter counts") {
  const std::string text = to_string(Mlp());
  CHECK_THAT(text, ContainsSubstring("Module() 30 parameters"));
  CHECK_THAT(text, ContainsSubstring("  up: Linear(in=3, out=5, bias=true) 20 parameters"));
}
