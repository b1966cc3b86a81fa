#include "golden.h"
#include "module_checks.h"

using namespace attune;
using Catch::Matchers::ContainsSubstring;

namespace {

const Golden& golden() {
  static const Golden file("transformer.safetensors");
  return file;
}

// The lengths and options of scripts/golden_transformer.py.
const Mask padded = Mask::padding({5, 2, 4});
const Mask memory_padded = Mask::padding({3, 4, 1});

nn::TransformerOptions small(bool norm_first) {
  return {.d_model = 4,
          .nhead = 2,
          .num_encoder_layers = 2,
          .num_decoder_layers = 2,
          .dim_feedforward = 3,
          .dropout = 0,
          .norm_first = norm_first};
}

struct NamedActivation {
  std::string name;
  std::function<Tensor(const Tensor&)> function;
};
const std::vector<NamedActivation> activations{
    {"relu", nn::ReLU()},
    {"gelu", nn::GELU()},
    {"gelu_tanh", [](const Tensor& x) { return gelu(x, "tanh"); }},
    {"silu", nn::SiLU()}};

}  // namespace

TEST_CASE("encoder layers agree with PyTorch's in value and every gradient") {
  for (const bool norm_first : {false, true}) {
    const std::string prefix = std::string("encoder_layer_") + (norm_first ? "pre_" : "post_");
    const auto call = [](const auto& layer, const Inputs& in) {
      return layer(in.at("src"), Mask::causal() & padded);
    };
    nn::TransformerOptions options = small(norm_first);
    options.layer_norm_eps = 1e-3;
    for (const auto& [name, function] : activations) {
      options.activation = function;
      golden().check(prefix + name, nn::TransformerEncoderLayer(options), call);
    }
    options = small(norm_first);
    options.bias = false;
    golden().check(prefix + "no_bias", nn::TransformerEncoderLayer(options), call);
  }
}

TEST_CASE("decoder layers agree with PyTorch's in value, attention and every gradient") {
  for (const bool norm_first : {false, true}) {
    nn::TransformerOptions options = small(norm_first);
    options.layer_norm_eps = 1e-3;
    for (const auto& [name, function] : activations) {
      const std::string which =
          std::string("decoder_layer_") + (norm_first ? "pre_" : "post_") + name;
      options.activation = function;
      golden().check(
          which, nn::TransformerDecoderLayer(options), [&](const auto& layer, const Inputs& in) {
            const AttentionRecorder recorder;
            const Tensor y =
                layer(in.at("tgt"), in.at("memory"), Mask::causal() & padded, memory_padded);
            const auto& records = recorder.records();
            REQUIRE(records.size() == 2);
            check_close("self", records[0].weights_of(), golden().of(which, "out").at("self"));
            check_close("cross", records[1].weights_of(), golden().of(which, "out").at("cross"));
            return y;
          });
    }
  }
}

TEST_CASE("stacks agree with PyTorch's in value and every gradient") {
  golden().check("encoder", nn::TransformerEncoder(small(false), 2),
                 [](const auto& encoder, const Inputs& in) {
                   return encoder(in.at("src"), Mask::causal() & padded);
                 });
  for (const bool norm_first : {false, true})
    golden().check(norm_first ? "transformer_pre" : "transformer_post",
                   nn::Transformer(small(norm_first)),
                   [](const auto& transformer, const Inputs& in) {
                     return transformer(in.at("src"), in.at("tgt"), memory_padded,
                                        Mask::causal() & padded, memory_padded);
                   });
}

TEST_CASE("a recorder tells the layers of a Transformer apart") {
  const nn::Transformer transformer(small(true));
  const AttentionRecorder recorder;
  transformer(ones({2, 3, 4}), ones({2, 5, 4}));
  std::vector<std::string> paths;
  for (const AttentionRecord& record : recorder.records()) paths.push_back(record.path());
  CHECK(paths ==
        std::vector<std::string>{"encoder.layers.0.self_attn", "encoder.layers.1.self_attn",
                                 "decoder.layers.0.self_attn", "decoder.layers.0.multihead_attn",
                                 "decoder.layers.1.self_attn", "decoder.layers.1.multihead_attn"});
  CHECK(recorder.records()[5].shape() == Shape{2, 2, 5, 3});
}

TEST_CASE("dropout stands where PyTorch puts it") {
  manual_seed(2);
  nn::TransformerOptions options = small(false);
  options.dropout = 0.4;
  const nn::TransformerDecoderLayer l(options);
  const Tensor x = randn({2, 5, 4}), memory = randn({2, 3, 4});
  manual_seed(3);
  const Tensor y = l(x, memory);
  manual_seed(3);
  const Tensor a = l.norm1(x + dropout(l.self_attn(x), 0.4));
  const Tensor b = l.norm2(a + dropout(l.multihead_attn(a, memory, memory), 0.4));
  const Tensor inner = dropout(relu(l.linear1(b)), 0.4);
  const Tensor expected = l.norm3(b + dropout(l.linear2(inner), 0.4));
  CHECK(y.to_vector<float>() == expected.to_vector<float>());

  options.norm_first = true;
  const nn::TransformerEncoderLayer e(options);
  manual_seed(4);
  const Tensor z = e(x);
  manual_seed(4);
  const Tensor c = x + dropout(e.self_attn(e.norm1(x)), 0.4);
  const Tensor wanted = c + dropout(e.linear2(dropout(relu(e.linear1(e.norm2(c))), 0.4)), 0.4);
  CHECK(z.to_vector<float>() == wanted.to_vector<float>());
}

TEST_CASE("without dropout, training, evaluation and no-grad of a Transformer agree bit for bit") {
  manual_seed(5);
  const nn::Transformer transformer(small(false));
  const Tensor src = randn({2, 3, 4}), tgt = randn({2, 5, 4});
  const auto run = [&] {
    return transformer(src, tgt, {}, Mask::causal(), Mask::padding({3, 2})).to_vector<float>();
  };
  const auto training = run();
  transformer.eval();
  CHECK(run() == training);
  NoGrad no_grad;
  CHECK(run() == training);
}

TEST_CASE("gradients of a Transformer and their gradients are those of its values") {
  manual_seed(6);
  nn::TransformerOptions options = small(true);
  options.num_encoder_layers = options.num_decoder_layers = 1;
  options.activation = nn::GELU();
  const nn::Transformer transformer(options);
  draw_parameters(transformer);
  const Tensor src = random({2, 3, 4}), tgt = random({2, 2, 4});
  // The second source has no token at all.
  const Mask source = Mask::padding({2, 0}), target = Mask::causal();
  const auto call = [&](const std::vector<Tensor>& in) {
    return transformer(in[0], in[1], source, target, source);
  };
  CHECK(gradcheck_parameters([&] { return call({src, tgt}); }, transformer.named_parameters()));
  const std::function<Tensor(const std::vector<Tensor>&)> of_inputs = call;
  CHECK(gradgradcheck(of_inputs, {src, tgt}, {.fast = true}));
}

TEST_CASE("padding that is whole or holds NaN leaves values and gradients of the rest finite") {
  for (const bool norm_first : {false, true}) {
    manual_seed(7);
    const nn::Transformer transformer(small(norm_first));
    draw_parameters(transformer);
    const Tensor hidden = tensor({{false, false, true}, {true, true, true}, {false, false, false}});
    const Tensor clean = randn({3, 3, 4}, float64), tgt = random({3, 2, 4});
    const Mask source = Mask::padding({2, 0, 3});
    const auto run = [&](const Tensor& src) {
      transformer.zero_grad();
      const Tensor y = transformer(src, tgt, source, Mask::causal(), source);
      square(y).sum().backward();
      std::vector<Tensor> results{y};
      for (const Tensor& tensor : transformer.parameters()) results.push_back(tensor.grad());
      return results;
    };
    const Tensor zeros_there = masked_fill(clean, unsqueeze(hidden, -1), 0).requires_grad_();
    const Tensor nan_there = masked_fill(clean, unsqueeze(hidden, -1), NAN).requires_grad_();
    const auto expected = run(zeros_there), got = run(nan_there);
    require_finite_gradients(transformer);
    for (size_t i = 0; i < got.size(); ++i) check_close("result", got[i], expected[i].array());
    CHECK(all_finite(nan_there.grad()));
  }
}

TEST_CASE("padding of a single sequence without a batch may hold NaN too") {
  manual_seed(9);
  const nn::TransformerEncoderLayer layer({.d_model = 8, .nhead = 2, .dropout = 0});
  const Tensor x = randn({4, 8});
  x[3].fill_(NAN);
  narrow(layer(x, Mask::padding({3})), 0, 0, 3).sum().backward();
  require_finite_gradients(layer);
}

TEST_CASE("a Transformer of one token, of empty sequences and of no batch") {
  manual_seed(8);
  const nn::Transformer transformer(small(true));
  struct Case {
    int64_t batch, source, target;
  };
  for (const auto& [batch, source, target] :
       {Case{1, 1, 1}, Case{0, 3, 2}, Case{2, 0, 3}, Case{2, 3, 0}}) {
    INFO(batch << " x " << source << " x " << target);
    transformer.zero_grad();
    const Tensor y =
        transformer(randn({batch, source, 4}), randn({batch, target, 4}), {}, Mask::causal());
    CHECK(y.shape() == Shape{batch, target, 4});
    y.sum().backward();
    require_finite_gradients(transformer);
  }
}

TEST_CASE("TransformerBlock is GPT-2's block") {
  manual_seed(9);
  const nn::TransformerBlock block(4, 2);
  CHECK(block.linear1.weight.shape() == Shape{16, 4});
  const Tensor x = randn({2, 5, 4});
  const Tensor attended = x + block.self_attn(block.norm1(x), Mask::causal());
  const Tensor expected =
      attended + block.linear2(gelu(block.linear1(block.norm2(attended)), "tanh"));
  CHECK(block(x, Mask::causal()).to_vector<float>() == expected.to_vector<float>());
  CHECK_THAT(to_string(block), ContainsSubstring("TransformerBlock(4, heads=2)"));
}

TEST_CASE("layers of a stack start apart from each other, matrices of a Transformer by Xavier") {
  manual_seed(10);
  const nn::Transformer transformer({.d_model = 64,
                                     .nhead = 4,
                                     .num_encoder_layers = 2,
                                     .num_decoder_layers = 1,
                                     .dim_feedforward = 32});
  const auto& layers = transformer.encoder.layers;
  CHECK(layers[0].linear1.weight.to_vector<float>() != layers[1].linear1.weight.to_vector<float>());
  double top = 0;
  for (float value : layers[0].linear1.weight.to_vector<float>())
    top = std::max(top, std::abs(static_cast<double>(value)));
  CHECK(top == Approx(std::sqrt(6.0 / 96)).epsilon(0.01));
  CHECK(transformer.decoder.layers[0].multihead_attn.path() == "decoder.layers.0.multihead_attn");
}

TEST_CASE("Transformer layers name what does not fit, and where") {
  const nn::Transformer transformer(small(false));
  CHECK_THROWS_WITH(transformer(ones({2, 3, 5}), ones({2, 2, 4})),
                    ContainsSubstring("MultiHeadAttention (encoder.layers.0.self_attn): "));
  CHECK_THROWS_WITH(transformer(ones({2, 3, 4}), ones({1, 2, 4})),
                    ContainsSubstring("MultiHeadAttention (decoder.layers.0.multihead_attn): ") &&
                        ContainsSubstring("differ in batch size"));
  CHECK_THROWS_AS(nn::TransformerEncoderLayer({.d_model = 4, .nhead = 3}), ValueError);
  CHECK_THROWS_AS(nn::TransformerEncoder(small(false), -1), ValueError);
  CHECK_THROWS_AS(nn::TransformerDecoderLayer({.d_model = 4, .nhead = 2, .dropout = 2}),
                  ValueError);
}

TEST_CASE("sinusoidal positions follow the paper's formula and go on from where they stopped") {
  const nn::SinusoidalPositionalEncoding encoding(6, 10);
  CHECK(encoding.parameters().empty());
  const Tensor y = encoding(zeros({2, 4, 6}, float64));
  const auto at = [&](int64_t position, int64_t feature) {
    return y.select(0, 1).select(0, position).select(0, feature).item<double>();
  };
  CHECK(at(0, 0) == 0);
  CHECK(at(0, 1) == 1);
  CHECK(at(3, 2) == Approx(std::sin(3 / std::pow(10000, 2.0 / 6))));
  CHECK(at(3, 5) == Approx(std::cos(3 / std::pow(10000, 4.0 / 6))));
  const Tensor later = encoding(zeros({1, 2, 6}, float64), 2);
  CHECK(later.to_vector<double>() == y.slice(1, 2, 4).slice(0, 0, 1).to_vector<double>());
  CHECK_THROWS_AS(encoding(zeros({1, 11, 6})), ShapeError);
  CHECK_THROWS_AS(encoding(zeros({1, 2, 6}), 9), ShapeError);
  CHECK_THROWS_AS(encoding(zeros({1, 2, 6}), -1), ShapeError);
  CHECK_THROWS_AS(encoding(zeros({1, 2, 5})), ShapeError);
  CHECK_THROWS_AS(nn::SinusoidalPositionalEncoding(0, 4), ValueError);
}
