#include <attune/autograd.h>
#include <attune/nn.h>

#include <cmath>

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

TEST_CASE("a module is no part of itself") {
  struct Ring : nn::Module {
    Mlp a = child("a", Mlp());
    void close() { child("b", static_cast<const nn::Module&>(*this)); }
    void join(const nn::Module& other) { child("other", other); }
  };
  Ring ring, outer;
  CHECK_THROWS_WITH(ring.close(), ContainsSubstring("child \"b\" is, or holds, the module"));
  outer.join(ring);
  CHECK_THROWS_AS(ring.join(outer), ValueError);
  CHECK(ring.parameters().size() == 3);
}

TEST_CASE("a parameter is a leaf, and neither it nor a buffer is undefined") {
  struct Kept : nn::Module {
    void trained(Tensor x) { param("w", std::move(x)); }
    void fixed(Tensor x) { buffer("t", std::move(x)); }
  };
  Kept kept;
  const Tensor x = ones({2}).requires_grad_();
  CHECK_THROWS_WITH(kept.trained(x * 2.0),
                    ContainsSubstring("\"w\" is the result of an operation"));
  CHECK_THROWS_WITH(kept.trained({}), ContainsSubstring("\"w\" is undefined"));
  CHECK_THROWS_WITH(kept.fixed({}), ContainsSubstring("\"t\" is undefined"));
  kept.trained((x * 2.0).detach());
  CHECK(kept.state_dict().size() == 1);
}

TEST_CASE("two tensors of one name are no state dict, which would hold one of them") {
  struct Dotted : nn::Module {
    Tensor w = param("a.weight", ones({3}));
    nn::Linear a = child("a", nn::Linear(1, 1));
  };
  CHECK_THROWS_WITH(Dotted().state_dict(),
                    ContainsSubstring("two tensors are called \"a.weight\""));
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

namespace {

// A module with a table, a count and a scratch tensor beside its weight.
struct Table : nn::Module {
  Tensor weight = param("weight", ones({2}));
  Tensor table = buffer("table", ones({2, 3}));
  Tensor count = buffer("count", tensor(7));
  Tensor scratch = buffer("scratch", zeros({4}), false);
};

struct Outer : nn::Module {
  Table inner = child("inner", Table());
};

}  // namespace

TEST_CASE("buffers are saved and converted, but not trained") {
  const Outer net;
  const auto named = net.named_buffers();
  REQUIRE(named.size() == 3);
  CHECK(named[0].first == "inner.table");
  CHECK(named[2].first == "inner.scratch");
  CHECK(net.buffers()[1].identity() == net.inner.count.identity());
  CHECK(names_of(net) == std::vector<std::string>{"inner.weight"});
  CHECK(net.num_parameters() == 2);

  const StateDict state = net.state_dict();
  CHECK(state.size() == 3);
  CHECK(state.contains("inner.table"));
  CHECK_FALSE(state.contains("inner.scratch"));
  const Outer other;
  other.inner.table.fill_(5);
  other.inner.count.fill_(8);
  net.load_state_dict(other.state_dict());
  CHECK(net.inner.table.to_vector<float>() == std::vector<float>(6, 5.f));
  CHECK(net.inner.count.item<int64_t>() == 8);

  net.to(float64);
  CHECK(net.inner.table.dtype() == float64);
  CHECK(net.inner.count.dtype() == int64);
  net.requires_grad_(true);
  CHECK_FALSE(net.inner.table.requires_grad());
}

TEST_CASE("a state dict without a buffer, or with one of another shape, is refused") {
  const Outer net;
  StateDict state = net.state_dict();
  state.erase("inner.count");
  state["inner.table"] = Array({1}, float32);
  CHECK_THROWS_WITH(net.load_state_dict(state), ContainsSubstring("missing inner.count []") &&
                                                    ContainsSubstring("inner.table is [1]"));
}

TEST_CASE("a buffer's name is taken once, and it requires no gradient") {
  struct Twice : nn::Module {
    Tensor a = param("a", ones({1}));
    Tensor b = buffer("a", ones({1}));
  };
  struct Late : nn::Module {
    Tensor a = buffer("a", ones({1}));
    nn::Linear b = child("a", nn::Linear(1, 1));
  };
  struct Trained : nn::Module {
    Tensor a = buffer("a", ones({1}).requires_grad_());
  };
  CHECK_THROWS_AS(Twice(), ValueError);
  CHECK_THROWS_WITH(Late(), ContainsSubstring("\"a\" is already a buffer"));
  CHECK_THROWS_AS(Trained(), ValueError);
}

TEST_CASE("children and modules are listed by name, each module once") {
  const Net net;
  const auto name_list = [](const auto& named) {
    std::vector<std::string> names;
    for (const auto& [name, module] : named) names.push_back(name);
    return names;
  };
  CHECK(name_list(net.named_children()) == std::vector<std::string>{"h.0", "h.1", "head"});
  CHECK(name_list(net.named_modules()) == std::vector<std::string>{"", "h.0", "h.0.up", "h.0.down",
                                                                   "h.1", "h.1.up", "h.1.down",
                                                                   "head"});
  net.named_children()[0].second.eval();
  CHECK_FALSE(net.h[0].up.is_training());
  CHECK(net.h[1].is_training());

  struct Shared : nn::Module {
    nn::Linear a = child("a", nn::Linear(1, 1));
    nn::Linear b = child("b", a);
  };
  CHECK(Shared().named_modules().size() == 2);
  CHECK(Shared().named_children().size() == 2);
}

TEST_CASE("the tree prints with parameter counts, and equal neighbours of a list on one line") {
  CHECK(to_string(Mlp()) ==
        "Module() 30 parameters\n"
        "  up: Linear(in=3, out=5, bias=true) 20 parameters\n"
        "  down: Linear(in=5, out=2, bias=false) 10 parameters\n");
  CHECK(to_string(Net()) ==
        "Module() 69 parameters\n"
        "  h.0-1: 2 x Module() 30 parameters each\n"
        "    up: Linear(in=3, out=5, bias=true) 20 parameters\n"
        "    down: Linear(in=5, out=2, bias=false) 10 parameters\n"
        "  head: Linear(in=2, out=3, bias=true) 9 parameters\n");
  struct Uneven : nn::Module {
    std::vector<nn::Linear> h =
        children("h", 3, [](int64_t i) { return nn::Linear(i < 2 ? 1 : 2, 1); });
    nn::Linear named = child("h.last", nn::Linear(2, 1));
    nn::Linear tied = child("tied", h[0]);
  };
  CHECK(to_string(Uneven()) ==
        "Module() 10 parameters\n"
        "  h.0-1: 2 x Linear(in=1, out=1, bias=true) 2 parameters each\n"
        "  h.2: Linear(in=2, out=1, bias=true) 3 parameters\n"
        "  h.last: Linear(in=2, out=1, bias=true) 3 parameters\n"
        "  tied: Linear(in=1, out=1, bias=true) 2 parameters\n");
}

TEST_CASE("a module without weights computes nothing that looks like a result") {
  const nn::Linear layer = [] {
    nn::init::EmptyWeights empty;
    return nn::Linear(2, 3);
  }();
  for (const float y : layer(ones({1, 2})).to_vector<float>()) CHECK(std::isnan(y));
}

TEST_CASE("a module that was moved from is refused by name, or works") {
  nn::Sequential chain(nn::Linear(2, 3), nn::ReLU());
  const nn::Sequential taken = std::move(chain);
  CHECK(chain.parameters().size() == 2);
  CHECK(chain.is_training());
  nn::Linear layer(2, 3);
  const nn::Linear other = std::move(layer);
  CHECK_THROWS_WITH(layer(ones({1, 2})), Catch::Matchers::ContainsSubstring("undefined"));
  nn::ReLU relu;
  const nn::ReLU same = std::move(relu);
  CHECK(relu(tensor({-1.f, 2.f})).to_vector<float>() == std::vector<float>{0, 2});
}
