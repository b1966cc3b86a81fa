#include "golden.h"
#include "module_checks.h"

using namespace attune;
using Catch::Matchers::ContainsSubstring;

namespace {

const Golden& golden() {
  static const Golden file("transformer.safetensors");
  return file;
}

const Golden& layers() {
  static const Golden file("nn.safetensors");
  return file;
}

// The lengths of scripts/golden_transformer.py.
const Mask memory_padding = Mask::padding({3, 4, 1});

// Compares what with_weights gives beside the output, each head and averaged, and that asking for
// it does not change the output.
Tensor check_weights(const Golden& file, const std::string& which,
                     const nn::MultiHeadAttention& module, const Tensor& query, const Tensor& key,
                     const Tensor& value, const Mask& mask) {
  const auto [y, weights] = module.with_weights(query, key, value, mask);
  const StateDict expected = file.of(which, "out");
  check_close("weights", weights, expected.at("weights"));
  if (expected.contains("average")) {
    const auto [same, average] =
        module.with_weights(query, key, value, mask, {.average_attn_weights = true});
    check_close("average", average, expected.at("average"));
  }
  CHECK(module(query, key, value, mask).to_vector<double>() == y.to_vector<double>());
  return y;
}

nn::MultiHeadAttention random_attention(nn::MultiHeadAttentionOptions options) {
  nn::MultiHeadAttention module(options);
  draw_parameters(module);
  return module;
}

}  // namespace

TEST_CASE("MultiHeadAttention agrees with PyTorch's in value, weights and every gradient") {
  const auto cross = [](const std::string& which) {
    return [which](const nn::MultiHeadAttention& module, const Inputs& in) {
      return check_weights(layers(), which, module, in.at("query"), in.at("key"), in.at("value"),
                           Mask::causal());
    };
  };
  layers().check(
      "self", nn::MultiHeadAttention({.embed_dim = 8, .num_heads = 2}),
      [](const auto& module, const Inputs& in) { return module(in.at("x"), Mask::causal()); });
  layers().check("cross",
                 nn::MultiHeadAttention({.embed_dim = 8, .num_heads = 4, .kdim = 6, .vdim = 3}),
                 cross("cross"));
  layers().check("packed_cross",
                 nn::MultiHeadAttention({.embed_dim = 8, .num_heads = 2, .bias = false}),
                 cross("packed_cross"));
}

TEST_CASE("MultiHeadAttention's options and masks agree with PyTorch's") {
  using Options = nn::MultiHeadAttentionOptions;
  const std::vector<std::pair<std::string, Options>> separate{
      {"separate", {}},
      {"no_bias", {.bias = false}},
      {"bias_kv", {.add_bias_kv = true}},
      {"zero_attn", {.add_zero_attn = true}},
      {"more_keys", {.add_bias_kv = true, .add_zero_attn = true}}};
  for (auto [name, options] : separate) {
    options.embed_dim = 4;
    options.num_heads = 2;
    options.kdim = 3;
    options.vdim = 4;
    golden().check(name, nn::MultiHeadAttention(options),
                   [which = name](const auto& module, const Inputs& in) {
                     return check_weights(golden(), which, module, in.at("query"), in.at("key"),
                                          in.at("value"), memory_padding);
                   });
  }
  golden().check("added_scores",
                 nn::MultiHeadAttention({.embed_dim = 4, .num_heads = 2, .add_bias_kv = true}),
                 [](const auto& module, const Inputs& in) {
                   const Tensor x = in.at("x");
                   return check_weights(golden(), "added_scores", module, x, x, x,
                                        Mask::bias(in.at("scores")));
                 });
  golden().check("shared_memory", nn::MultiHeadAttention({.embed_dim = 4, .num_heads = 2}),
                 [](const auto& module, const Inputs& in) {
                   return check_weights(golden(), "shared_memory", module, in.at("query"),
                                        in.at("memory"), in.at("memory"), memory_padding);
                 });
  golden().check("unbatched", nn::MultiHeadAttention({.embed_dim = 4, .num_heads = 2}),
                 [](const auto& module, const Inputs& in) {
                   const Tensor x = in.at("x");
                   return check_weights(golden(), "unbatched", module, x, x, x, Mask::causal());
                 });
}

TEST_CASE("one tensor for query, key and value, or three of the same values, is all one") {
  manual_seed(1);
  const auto module = random_attention({.embed_dim = 6, .num_heads = 3});
  const Tensor x = random({2, 4, 6}), cotangent = randn({2, 4, 6}, float64);
  const Tensor parameters[] = {x, module.in_proj_weight, module.in_proj_bias};
  const auto gradients = [&](const Tensor& y) {
    return grad({y}, {std::begin(parameters), std::end(parameters)}, {cotangent});
  };
  const auto expected = gradients(module(x.clone(), x.clone(), x.clone()));
  for (const Tensor& y : {module(x), module(x, x, x.clone()), module(x.clone(), x, x)}) {
    const auto got = gradients(y);
    for (size_t i = 0; i < got.size(); ++i) check_close("gradient", got[i], expected[i].array());
  }
}

TEST_CASE("MultiHeadAttention's gradients and their gradients are those of its values") {
  manual_seed(2);
  const auto module = random_attention(
      {.embed_dim = 4, .num_heads = 2, .add_bias_kv = true, .add_zero_attn = true, .kdim = 3});
  const Tensor query = random({2, 3, 4}), key = random({2, 4, 3}), value = random({2, 4, 4});
  const Mask mask = Mask::padding({0, 3}) & Mask::causal();
  const auto call = [&] { return module(query, key, value, mask); };
  CHECK(gradcheck_parameters(call, module.named_parameters()));
  const std::function<Tensor(const std::vector<Tensor>&)> of_inputs =
      [&](const std::vector<Tensor>& in) { return module(in[0], in[1], in[2], mask); };
  CHECK(gradcheck(of_inputs, {query, key, value}));
  CHECK(gradgradcheck(of_inputs, {query, key, value}, {.fast = true}));
  const std::function<Tensor(const std::vector<Tensor>&)> weights =
      [&](const std::vector<Tensor>& in) {
        return module.with_weights(in[0], in[1], value, mask).weights;
      };
  CHECK(gradcheck(weights, {query, key}));
}

TEST_CASE("a sequence that is masked whole gives the output's bias, and finite gradients") {
  manual_seed(3);
  const auto module = random_attention({.embed_dim = 4, .num_heads = 2});
  const Tensor x = random({2, 3, 4});
  const auto [y, weights] = module.with_weights(x, x, x, Mask::padding({0, 3}));
  for (int64_t t = 0; t < 3; ++t)
    CHECK(y.select(0, 0).select(0, t).to_vector<double>() ==
          module.out_proj.bias.to_vector<double>());
  for (double weight : weights.select(0, 0).to_vector<double>()) CHECK(weight == 0);
  square(y).sum().backward();
  require_finite_gradients(module);
  for (double value : x.grad().select(0, 0).to_vector<double>()) CHECK(value == 0);
}

TEST_CASE("NaN in padding reaches no output and no gradient") {
  manual_seed(4);
  const auto module = random_attention({.embed_dim = 4, .num_heads = 2});
  const nn::SelfAttention single(4);
  single.to(float64);
  const Tensor clean = random({2, 5, 4});
  const Tensor hidden =
      tensor({{false, false, false, false, false}, {false, false, false, true, true}});
  const Tensor x = masked_fill(clean.detach(), unsqueeze(hidden, -1), NAN).requires_grad_();
  const Tensor keep = logical_not(hidden);
  struct Case {
    std::string what;
    Mask mask;
  };
  for (const auto& [what, mask] :
       {Case{"lengths", Mask::padding({5, 3})},
        Case{"keep", Mask::keep(reshape(keep, {2, 1, 1, 5}))},
        Case{"lengths and causal", Mask::padding({5, 3}) & Mask::causal()}}) {
    INFO(what);
    // What the tokens themselves give; the loss leaves padding out.
    const auto run = [&](const Tensor& in, const auto& layer) {
      layer.zero_grad();
      in.set_grad({});
      const Tensor y = where(unsqueeze(keep, -1), layer(in), 0.0);
      square(y).sum().backward();
      std::vector<Tensor> results{y, where(unsqueeze(keep, -1), in.grad(), 0.0)};
      for (const Tensor& tensor : layer.parameters()) results.push_back(tensor.grad());
      return results;
    };
    struct SelfAttending : nn::Module {
      SelfAttending(const nn::MultiHeadAttention& a, const Mask& m)
          : attention(child("attention", a)), mask(m) {}
      Tensor operator()(const Tensor& in) const { return attention(in, mask); }
      nn::MultiHeadAttention attention;
      Mask mask;
    };
    const SelfAttending layer(module, mask);
    const auto expected = run(clean, layer), got = run(x, layer);
    for (size_t i = 0; i < got.size(); ++i) check_close("result", got[i], expected[i].array());
  }
  const Mask padding = Mask::padding({5, 3});
  narrow(select(single(x, padding), 0, 1), 0, 0, 3).sum().backward();
  require_finite_gradients(single);
  CHECK(all_finite(narrow(select(single.weights(x, padding), 0, 1), 0, 0, 3)));
  const Tensor query = random({2, 2, 4});
  module.zero_grad();
  module(query, x, x, padding).sum().backward();
  require_finite_gradients(module);
  CHECK(all_finite(query.grad()));
}

TEST_CASE("NaN that one of several batch dimensions hides reaches none of the others") {
  manual_seed(6);
  const nn::SelfAttention layer(4);
  const Tensor x = randn({2, 3, 5, 4}), keep = ones({2, 3, 1, 5}, boolean);
  x[0][1][2].fill_(NAN);
  keep[0][1][0][2].fill_(0);
  const Mask mask = Mask::keep(keep);
  const Tensor y = layer(x, mask);
  for (const auto& [i, j] : {std::pair<int64_t, int64_t>{0, 0}, {1, 1}, {1, 2}})
    CHECK(amax(abs(y[i][j] - layer(x[i][j]))).item<float>() < 1e-6f);
  y.sum().backward();
  require_finite_gradients(layer);
}

TEST_CASE("attention of one token, one head, no batch, no keys and no queries") {
  manual_seed(5);
  const auto module = random_attention({.embed_dim = 4, .num_heads = 1});
  struct Case {
    int64_t batch, queries, keys;
  };
  for (const auto& [batch, queries, keys] :
       {Case{1, 1, 1}, Case{2, 1, 3}, Case{0, 2, 3}, Case{2, 3, 0}, Case{2, 0, 3}, Case{0, 0, 0}}) {
    INFO(batch << " x " << queries << " x " << keys);
    module.zero_grad();
    const Tensor query = random({batch, queries, 4}), memory = random({batch, keys, 4});
    const Mask mask =
        Mask::causal() & Mask::padding(std::vector<int64_t>(static_cast<size_t>(batch), keys));
    const auto [y, weights] = module.with_weights(query, memory, memory, mask);
    CHECK(y.shape() == Shape{batch, queries, 4});
    CHECK(weights.shape() == Shape{batch, 1, queries, keys});
    y.sum().backward();
    require_finite_gradients(module);
    CHECK(memory.grad().shape() == memory.shape());
    for (double value : y.to_vector<double>()) CHECK(std::isfinite(value));
  }
}

TEST_CASE("keys that are added lie beyond every mask, slopes of distance too") {
  manual_seed(8);
  const auto module = random_attention({.embed_dim = 4, .num_heads = 2, .add_bias_kv = true});
  const Tensor x = random({2, 3, 4});
  const Mask mask = Mask::alibi(std::vector<double>{1, 0.5}) & Mask::causal();
  const Tensor distance = tensor({{0., 1., 2.}, {1., 0., 1.}, {2., 1., 0.}});
  const Mask bias = Mask::bias(stack({-distance, distance * -0.5}));
  const auto [y, weights] = module.with_weights(x, x, x, mask);
  check_close("y", y, module(x, bias & Mask::causal()).array());
  CHECK(weights.shape() == Shape{2, 2, 3, 4});
  for (double weight : weights.select(-1, 3).to_vector<double>()) CHECK(weight > 0);
}

TEST_CASE("a recorder sees one attention, whether weights are asked for or not") {
  const nn::MultiHeadAttention module({.embed_dim = 4, .num_heads = 2});
  const Tensor x = ones({2, 3, 4});
  const AttentionRecorder recorder;
  module.with_weights(x, x, x);
  CHECK(recorder.records().size() == 1);
}

TEST_CASE("without dropout, training, evaluation and no-grad agree bit for bit") {
  manual_seed(6);
  const auto module = random_attention({.embed_dim = 8, .num_heads = 2});
  const Tensor x = random({2, 9, 8});
  const auto training = module(x, Mask::causal()).to_vector<double>();
  module.eval();
  CHECK(module(x, Mask::causal()).to_vector<double>() == training);
  NoGrad no_grad;
  CHECK(module(x, Mask::causal()).to_vector<double>() == training);
}

TEST_CASE("dropout thins the weights while training only, and with_weights shows them whole") {
  manual_seed(7);
  const auto module = random_attention({.embed_dim = 8, .num_heads = 2, .dropout = 0.5});
  const Tensor x = random({2, 9, 8});
  const auto [thin, weights] = module.with_weights(x, x, x);
  module.eval();
  const auto [whole, same] = module.with_weights(x, x, x);
  CHECK(thin.to_vector<double>() != whole.to_vector<double>());
  CHECK(weights.to_vector<double>() == same.to_vector<double>());
}

TEST_CASE("MultiHeadAttention names what does not fit, and where") {
  struct Model : nn::Module {
    nn::MultiHeadAttention attention =
        child("attention", nn::MultiHeadAttention({.embed_dim = 4, .num_heads = 2, .kdim = 3}));
  };
  const Model model;
  const auto call = [&](const Shape& q, const Shape& k, const Shape& v, const Mask& mask = {}) {
    model.attention(ones(q), ones(k), ones(v), mask);
  };
  struct Case {
    Shape q, k, v;
    std::string message;
  };
  for (const auto& [q, k, v, message] :
       {Case{{1, 2, 5}, {1, 2, 3}, {1, 2, 4}, "query [1, 2, 5] has 5 features, the module takes 4"},
        Case{{1, 2, 4}, {1, 2, 4}, {1, 2, 4}, "key [1, 2, 4] has 4 features, the module takes 3"},
        Case{{1, 2, 4}, {1, 2, 3}, {1, 2, 3}, "value [1, 2, 3] has 3 features"},
        Case{{1, 2, 4}, {1, 2, 3}, {1, 3, 4}, "differ in length"},
        Case{{1, 2, 4}, {2, 2, 3}, {2, 2, 4}, "differ in batch size"},
        Case{{1, 2, 4}, {2, 3}, {2, 4}, "takes [B, T, dim] or [T, dim]"},
        Case{{4}, {3}, {4}, "takes [B, T, dim] or [T, dim]"}})
    CHECK_THROWS_WITH(call(q, k, v), ContainsSubstring("MultiHeadAttention (attention): ") &&
                                         ContainsSubstring(message));
  CHECK_THROWS_AS(call({1, 2, 5}, {1, 2, 3}, {1, 2, 4}), ShapeError);
  CHECK_THROWS_AS(call({2, 2, 4}, {2, 2, 3}, {2, 2, 4}, Mask::padding({1})), ShapeError);
  const nn::MultiHeadAttention packed({.embed_dim = 4, .num_heads = 2});
  CHECK_THROWS_AS(packed(ones({1, 2, 4}).to(int64)), DTypeError);
  CHECK_THROWS_AS(packed(ones({1, 2, 4}).to(float64)), DTypeError);
  CHECK_THROWS_AS(nn::MultiHeadAttention({.embed_dim = 4, .num_heads = 3}), ValueError);
  CHECK_THROWS_AS(nn::MultiHeadAttention({.embed_dim = -4, .num_heads = 1}), ValueError);
  CHECK_THROWS_AS(nn::MultiHeadAttention({.embed_dim = 4, .dropout = 2}), ValueError);
}
