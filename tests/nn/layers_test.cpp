#include <numeric>

#include "golden.h"

using namespace attune;
using Catch::Matchers::ContainsSubstring;

namespace {

const Golden& golden() {
  static const Golden file("nn.safetensors");
  return file;
}

}  // namespace

TEST_CASE("layers agree with PyTorch's in value and every gradient") {
  const auto apply = [](const auto& module, const Inputs& in) { return module(in.at("x")); };
  golden().check("linear", nn::Linear(3, 4), apply);
  golden().check("layer_norm", nn::LayerNorm(6), apply);
  golden().check("rms_norm", nn::RMSNorm(6, 2.220446049250313e-16), apply);
}

TEST_CASE("Gpt agrees with GPT-2 of transformers in logits, weights and every gradient") {
  const nn::models::Gpt gpt({.vocab_size = 11, .context = 7, .layers = 2, .heads = 2, .dim = 8});
  golden().check("gpt", gpt, [](const nn::models::Gpt& module, const Inputs& in) {
    const auto weights = module.attention_weights(in.at("tokens"));
    REQUIRE(weights.size() == 2);
    check_close("weights", weights[0], golden().of("gpt", "out").at("weights.0"));
    check_close("weights", weights[1], golden().of("gpt", "out").at("weights.1"));
    return module(in.at("tokens"));
  });
}

TEST_CASE("Conv1D is a Linear with its weight the other way round, gradient included") {
  const nn::Conv1D conv(3, 4);
  const nn::Linear flipped(transpose(conv.weight.detach(), 0, 1).clone(),
                           conv.bias.detach().clone());
  const Tensor x = randn({2, 5, 3});
  CHECK(amax(abs(conv(x) - flipped(x))).item<float>() < 1e-6);
  square(conv(x)).sum().backward();
  square(flipped(x)).sum().backward();
  CHECK(conv.weight.grad().array().is_contiguous());
  const Tensor error = amax(abs(conv.weight.grad() - transpose(flipped.weight.grad(), 0, 1)));
  CHECK(error.item<float>() < 1e-5);
}

TEST_CASE("an Embedding's padding row starts at zero and takes no gradient") {
  const nn::Embedding table(4, 2, {.padding_idx = 1});
  CHECK(select(table.weight, 0, 1).to_vector<float>() == std::vector<float>{0, 0});
  table(tensor({1, 2, 1})).sum().backward();
  CHECK(table.weight.grad().to_vector<float>() == std::vector<float>{0, 0, 0, 0, 1, 1, 0, 0});
  CHECK_THROWS_AS(nn::Embedding(4, 2, {.padding_idx = 4}), ValueError);
}

TEST_CASE("activations go by the names of transformers") {
  const Tensor x = tensor({-1.5f, 0.5f});
  const auto same = [&](const char* name, const Tensor& y) {
    CHECK(nn::activation(name)(x).to_vector<float>() == y.to_vector<float>());
  };
  same("gelu", gelu(x));
  same("gelu_new", gelu(x, "tanh"));
  same("gelu_pytorch_tanh", gelu(x, "tanh"));
  same("linear", x);
  same("relu", relu(x));
  same("sigmoid", sigmoid(x));
  same("silu", silu(x));
  same("swish", silu(x));
  same("tanh", tanh(x));
  CHECK_THROWS_WITH(nn::activation("sine"), ContainsSubstring("\"sine\" is none of gelu"));
}

TEST_CASE("Dropout works while training only") {
  const nn::Dropout half(0.5);
  Tensor x(Array({1000}, float32));
  nn::init::ones_(x);
  const auto y = half(x).to_vector<float>();
  const auto kept = std::count(y.begin(), y.end(), 2.f);
  CHECK((kept > 400 && kept < 600));
  CHECK(std::count(y.begin(), y.end(), 0.f) == 1000 - kept);
  half.eval();
  CHECK(half(x).to_vector<float>() == x.to_vector<float>());
  CHECK_THROWS_AS(nn::Dropout(1.5), ValueError);
}

TEST_CASE("initialisers have the bounds and deviations of their papers") {
  manual_seed(1);
  Tensor x(Array({400, 100}, float64));
  const auto spread = [&] {
    double sum = 0, top = 0;
    for (double v : x.to_vector<double>()) {
      sum += v * v;
      top = std::max(top, std::abs(v));
    }
    return std::pair(std::sqrt(sum / 40000), top);
  };
  nn::init::xavier_normal_(x);
  CHECK(spread().first == Approx(std::sqrt(2.0 / 500)).epsilon(0.02));
  nn::init::xavier_uniform_(x);
  CHECK(spread().second == Approx(std::sqrt(6.0 / 500)).epsilon(0.01));
  CHECK(spread().second <= std::sqrt(6.0 / 500));
  nn::init::kaiming_normal_(x);
  CHECK(spread().first == Approx(std::sqrt(2.0 / 100)).epsilon(0.02));
  nn::init::kaiming_uniform_(x, 0, nn::init::Fan::out);
  CHECK(spread().second == Approx(std::sqrt(6.0 / 400)).epsilon(0.01));
  nn::init::trunc_normal_(x, 0, 1, -0.5, 0.5);
  CHECK(spread().second <= 0.5);
}
