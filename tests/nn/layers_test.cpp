#include <attune/autograd.h>
#include <attune/io.h>
#include <attune/nn.h>

#include <cmath>
#include <numeric>

#include "../catch.h"

using namespace attune;
using Catch::Matchers::ContainsSubstring;

namespace {

// The tensors of one case of nn.safetensors whose names start with `kind`.
StateDict golden(const std::string& which, const std::string& kind) {
  static const StateDict all = io::load_safetensors(ATTUNE_TEST_DATA "/nn.safetensors").arrays;
  const std::string prefix = which + "/" + kind + "/";
  StateDict found;
  for (const auto& [name, array] : all)
    if (name.starts_with(prefix)) found.emplace(name.substr(prefix.size()), array);
  REQUIRE_FALSE(found.empty());
  return found;
}

void check_close(const std::string& what, const Tensor& got, const Array& expected) {
  INFO(what);
  REQUIRE(got.defined());
  REQUIRE(got.shape() == expected.shape());
  const auto a = got.to_vector<double>(), b = Tensor(expected).to_vector<double>();
  double worst = 0;
  for (size_t i = 0; i < a.size(); ++i)
    worst = std::max(worst, std::abs(a[i] - b[i]) / (1 + std::abs(b[i])));
  CHECK(worst < 1e-11);
}

// Loads PyTorch's parameters into the module, runs it, and compares result and all gradients.
template <class M, class F>
void check_golden(const std::string& which, const M& module, F&& call) {
  module.to(float64);
  module.load_state_dict(golden(which, "param"));
  std::map<std::string, Tensor> inputs;
  for (const auto& [name, array] : golden(which, "in")) inputs.emplace(name, Tensor(array));
  for (const auto& [name, x] : inputs)
    if (name != "cotangent" && x.dtype() == float64) x.requires_grad_();
  const Tensor y = call(module, inputs);
  check_close("y", y, golden(which, "out").at("y"));
  y.backward(inputs.at("cotangent"));
  std::map<std::string, Tensor> known = inputs;
  for (const auto& [name, tensor] : module.named_parameters()) known.emplace(name, tensor);
  for (const auto& [name, gradient] : golden(which, "grad"))
    check_close("gradient of " + name, known.at(name).grad(), gradient);
}

using Inputs = std::map<std::string, Tensor>;

}  // namespace

TEST_CASE("layers agree with PyTorch's in value and every gradient") {
  const auto apply = [](const auto& module, const Inputs& in) { return module(in.at("x")); };
  check_golden("linear", nn::Linear(3, 4), apply);
  check_golden("layer_norm", nn::LayerNorm(6), apply);
  check_golden("rms_norm", nn::RMSNorm(6, 2.220446049250313e-16), apply);
}

TEST_CASE("MultiHeadAttention agrees with PyTorch's in value, weights and every gradient") {
  const auto cross = [](const std::string& which) {
    return [which](const nn::MultiHeadAttention& module, const Inputs& in) {
      const Tensor weights = module.weights(in.at("query"), in.at("key"), Mask::causal());
      check_close("weights", weights, golden(which, "out").at("weights"));
      return module(in.at("query"), in.at("key"), in.at("value"), Mask::causal());
    };
  };
  check_golden(
      "self", nn::MultiHeadAttention({.embed_dim = 8, .num_heads = 2}),
      [](const auto& module, const Inputs& in) { return module(in.at("x"), Mask::causal()); });
  check_golden("cross",
               nn::MultiHeadAttention({.embed_dim = 8, .num_heads = 4, .kdim = 6, .vdim = 3}),
               cross("cross"));
  check_golden("packed_cross",
               nn::MultiHeadAttention({.embed_dim = 8, .num_heads = 2, .bias = false}),
               cross("packed_cross"));
}

TEST_CASE("Gpt agrees with GPT-2 of transformers in logits, weights and every gradient") {
  const nn::models::Gpt gpt({.vocab_size = 11, .context = 7, .layers = 2, .heads = 2, .dim = 8});
  check_golden("gpt", gpt, [](const nn::models::Gpt& module, const Inputs& in) {
    const auto weights = module.attention_weights(in.at("tokens"));
    REQUIRE(weights.size() == 2);
    check_close("weights", weights[0], golden("gpt", "out").at("weights.0"));
    check_close("weights", weights[1], golden("gpt", "out").at("weights.1"));
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
