#include <attune/autograd.h>
#include <attune/nn.h>

#include "../catch.h"

using namespace attune;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("activation modules are the functions of their names, with their options") {
  const Tensor x = tensor({{-30.f, -1.5f, 0.f}, {0.5f, 2.f, 30.f}});
  const auto same = [&](const nn::Activation& module, const Tensor& y, const char* text) {
    CHECK(module(x).to_vector<float>() == y.to_vector<float>());
    CHECK(to_string(module) == std::string(text) + " 0 parameters\n");
  };
  same(nn::ReLU(), relu(x), "ReLU()");
  same(nn::LeakyReLU(), leaky_relu(x, 0.01), "LeakyReLU(negative_slope=0.01)");
  same(nn::LeakyReLU(0.25), leaky_relu(x, 0.25), "LeakyReLU(negative_slope=0.25)");
  same(nn::ELU(), elu(x, 1), "ELU(alpha=1)");
  same(nn::ELU(0.5), elu(x, 0.5), "ELU(alpha=0.5)");
  same(nn::GELU(), gelu(x), "GELU()");
  same(nn::GELU("tanh"), gelu(x, "tanh"), "GELU(approximate=tanh)");
  same(nn::SiLU(), silu(x), "SiLU()");
  same(nn::Mish(), mish(x), "Mish()");
  same(nn::ReLU6(), relu6(x), "ReLU6()");
  same(nn::Hardtanh(), hardtanh(x), "Hardtanh(min_val=-1, max_val=1)");
  same(nn::Hardtanh(0, 2), hardtanh(x, 0, 2), "Hardtanh(min_val=0, max_val=2)");
  same(nn::LogSigmoid(), logsigmoid(x), "LogSigmoid()");
  same(nn::Softmin(0), softmin(x, 0), "Softmin(dim=0)");
  same(nn::Softplus(), softplus(x), "Softplus(beta=1, threshold=20)");
  same(nn::Softplus(2, 5), softplus(x, 2, 5), "Softplus(beta=2, threshold=5)");
  same(nn::Sigmoid(), sigmoid(x), "Sigmoid()");
  same(nn::Tanh(), tanh(x), "Tanh()");
  same(nn::Softmax(0), softmax(x, 0), "Softmax(dim=0)");
  same(nn::LogSoftmax(-1), log_softmax(x, -1), "LogSoftmax(dim=-1)");
  CHECK_THROWS_AS(nn::GELU("fast"), ValueError);
  CHECK_THROWS_AS(nn::Hardtanh(1, 1), ValueError);
}

TEST_CASE("an activation is a part of a module like any other") {
  struct Net : nn::Module {
    nn::Linear up = child("up", nn::Linear(2, 4));
    nn::GELU act = child("act", nn::GELU("tanh"));
    Tensor operator()(const Tensor& x) const { return act(up(x)); }
  };
  const Net net;
  CHECK(net.act.path() == "act");
  CHECK(net(ones({1, 2})).shape() == Shape{1, 4});
  const nn::Sequential chain(nn::Linear(2, 4), nn::LeakyReLU(0.1), nn::Softmax(-1));
  CHECK(chain(ones({3, 2})).sum().item<float>() == Approx(3));
  CHECK_THROWS_WITH(nn::Sequential(nn::Softmax(2))(ones({3, 2})), ContainsSubstring("softmax (0)"));
}

TEST_CASE("activations go by the names of transformers") {
  const Tensor x = tensor({-1.5f, 0.5f});
  const auto same = [&](const char* name, const Tensor& y) {
    CHECK(nn::activation(name)(x).to_vector<float>() == y.to_vector<float>());
  };
  same("gelu", gelu(x));
  same("gelu_new", gelu(x, "tanh"));
  same("gelu_accurate", gelu(x, "tanh"));
  same("gelu_python_tanh", gelu(x, "tanh"));
  same("leaky_relu", leaky_relu(x, 0.01));
  same("mish", mish(x));
  same("gelu_pytorch_tanh", gelu(x, "tanh"));
  same("gelu_fast", gelu(x, "tanh"));
  same("gelu_python", gelu(x));
  same("linear", x);
  same("relu", relu(x));
  same("sigmoid", sigmoid(x));
  same("silu", silu(x));
  same("swish", silu(x));
  same("tanh", tanh(x));
  const Tensor wide = tensor({-11.0f, 3.0f, 11.0f});
  CHECK(nn::activation("gelu_10")(wide).to_vector<float>() ==
        clamp(gelu(wide), -10, 10).to_vector<float>());
  CHECK(nn::activation("relu2")(wide).to_vector<float>() == std::vector{0.0f, 9.0f, 121.0f});
  CHECK(nn::activation("relu6")(wide).to_vector<float>() == std::vector{0.0f, 3.0f, 6.0f});
  const auto quick = nn::activation("quick_gelu")(x).to_vector<float>();
  CHECK(quick[0] == Approx(-0.108337802).epsilon(1e-6));
  CHECK(quick[1] == Approx(0.350388437).epsilon(1e-6));
  CHECK_THROWS_WITH(nn::activation("sine"), ContainsSubstring("\"sine\" is none of gelu"));
}
