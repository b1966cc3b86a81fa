#include <numeric>

#include "golden.h"

using namespace attune;

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
