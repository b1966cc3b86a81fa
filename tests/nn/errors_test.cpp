// Layers refuse what does not fit by an error that names the operation and the layer's path, and
// are afterwards what they were.
#include <limits>

#include "refusals.h"

using namespace attune;
using namespace attune::test;
using namespace attune::nn;

namespace {

constexpr int64_t huge = int64_t{1} << 40, vast = std::numeric_limits<int64_t>::max();

TransformerOptions small() {
  return {.d_model = 4,
          .nhead = 2,
          .num_encoder_layers = 2,
          .num_decoder_layers = 2,
          .dim_feedforward = 6};
}

struct Layers : Module {
  Linear linear = child("linear", Linear(4, 3));
  Conv1D conv = child("conv", Conv1D(4, 3));
  Embedding embedding = child("embedding", Embedding(5, 4));
  LayerNorm layer_norm = child("layer_norm", LayerNorm(4));
  RMSNorm rms_norm = child("rms_norm", RMSNorm(Shape{3, 4}));
  Dropout drop = child("drop", Dropout(0.5));
  Flatten flatten = child("flatten", Flatten(1, 2));
  Softmax softmax = child("softmax", Softmax(1));
  SelfAttention self = child("self", SelfAttention(4));
  MultiHeadAttention heads =
      child("heads", MultiHeadAttention({.embed_dim = 4, .num_heads = 2, .kdim = 6, .vdim = 3}));
  TransformerEncoder encoder = child("encoder", TransformerEncoder(small(), 2));
  TransformerDecoder decoder = child("decoder", TransformerDecoder(small(), 2));
  SinusoidalPositionalEncoding positions = child("positions", SinusoidalPositionalEncoding(4, 5));
  Sequential steps = child("steps", Sequential(Linear(4, 4), ReLU(), Linear(4, 2)));
};

// The layers stand one level down, so that a path has several parts.
struct Net : Module {
  Layers net = child("net", Layers());
};

Refusals of_plain_layers(const Layers& m) {
  const char *linear = "linear (net.linear)", *conv = "linear (net.conv)",
             *embedding = "embedding (net.embedding)", *norm = "layer_norm (net.layer_norm)",
             *rms = "rms_norm (net.rms_norm)";
  return {
      shape_error(linear, [&] { m.linear(some(2, 3)); }),
      shape_error(linear, [&] { m.linear(some(4, 0)); }),
      shape_error(linear, [&] { m.linear(some()); }),
      shape_error(linear,
                  [&] {
                    m.linear(zeros({0, huge}, float64));
                  }),
      dtype_error(linear, [&] { m.linear(whole(2, 4)); }),
      dtype_error(linear, [&] { m.linear(some(2, 4) > 0); }),
      shape_error(conv, [&] { m.conv(some(2, 3)); }),
      shape_error(conv, [&] { m.conv(some()); }),
      dtype_error(conv, [&] { m.conv(whole(2, 4)); }),
      index_error(embedding,
                  [&] {
                    m.embedding(tensor({0, 5}));
                  }),
      index_error(embedding, [&] { m.embedding(tensor({-6})); }),
      index_error(embedding, [&] { m.embedding(tensor({vast})); }),
      index_error(embedding, [&] { m.embedding(tensor({-vast - 1})); }),
      dtype_error(embedding, [&] { m.embedding(some(2)); }),
      dtype_error(embedding, [&] { m.embedding(tensor({true})); }),
      shape_error(norm, [&] { m.layer_norm(some(2, 3)); }),
      shape_error(norm, [&] { m.layer_norm(some()); }),
      shape_error(norm, [&] { m.layer_norm(some(4, 0)); }),
      dtype_error(norm, [&] { m.layer_norm(whole(4)); }),
      shape_error(rms, [&] { m.rms_norm(some(4)); }),
      shape_error(rms, [&] { m.rms_norm(some(4, 3)); }),
      dtype_error(rms, [&] { m.rms_norm(whole(3, 4)); }),
      dtype_error("dropout (net.drop)", [&] { m.drop(whole(3)); }),
      index_error("flatten (net.flatten)", [&] { m.flatten(some(3)); }),
      index_error("softmax (net.softmax)", [&] { m.softmax(some(3)); }),
      dtype_error("softmax (net.softmax)", [&] { m.softmax(whole(2, 3)); }),
      shape_error("linear (net.steps.0)", [&] { m.steps(some(2, 3)); }),
      dtype_error("linear (net.steps.0)", [&] { m.steps(whole(2, 4)); }),
      shape_error("SinusoidalPositionalEncoding (net.positions)", [&] { m.positions(some(2, 3)); }),
      shape_error("SinusoidalPositionalEncoding (net.positions)", [&] { m.positions(some(6, 4)); }),
      shape_error("SinusoidalPositionalEncoding (net.positions)", [&] { m.positions(some(4)); }),
      shape_error("SinusoidalPositionalEncoding (net.positions)",
                  [&] { m.positions(some(2, 4), 4); }),
      shape_error("SinusoidalPositionalEncoding (net.positions)",
                  [&] { m.positions(some(2, 4), -1); }),
      shape_error("SinusoidalPositionalEncoding (net.positions)",
                  [&] { m.positions(some(2, 4), vast); }),
  };
}

Refusals of_attention(const Layers& m) {
  const char *attention = "scaled_dot_product_attention (net.self)",
             *heads = "MultiHeadAttention (net.heads)",
             *inner = "scaled_dot_product_attention (net.heads)";
  const auto asked = [&](Mask mask) {
    return [&m, mask] { m.heads(some(2, 5, 4), some(2, 6, 6), some(2, 6, 3), mask); };
  };
  return {
      shape_error("SelfAttention (net.self)", [&] { m.self(some(2, 5, 3)); }),
      shape_error("SelfAttention (net.self)", [&] { m.self(some(4)); }),
      dtype_error("linear (net.self.query)", [&] { m.self(whole(2, 5, 4)); }),
      shape_error(attention, [&] { m.self(some(2, 5, 4), Mask::keep(some(5, 4) > 0)); }),
      shape_error(attention,
                  [&] {
                    m.self(some(2, 5, 4), Mask::padding({1, 2, 3}));
                  }),
      dtype_error(attention,
                  [&] {
                    m.self(some(2, 5, 4), Mask::bias(ones({5, 5})));
                  }),
      shape_error("SelfAttention (net.self)", [&] { m.self.weights(some(4)); }),
      shape_error(heads, [&] { m.heads(some(4), some(6), some(3)); }),
      shape_error(heads, [&] { m.heads(some(2, 5, 4), some(6, 6), some(2, 6, 3)); }),
      shape_error(heads, [&] { m.heads(some(2, 5, 3), some(2, 6, 6), some(2, 6, 3)); }),
      shape_error(heads, [&] { m.heads(some(2, 5, 4), some(2, 6, 4), some(2, 6, 3)); }),
      shape_error(heads, [&] { m.heads(some(2, 5, 4), some(2, 6, 6), some(2, 6, 4)); }),
      shape_error(heads, [&] { m.heads(some(2, 5, 4), some(2, 6, 6), some(2, 5, 3)); }),
      shape_error(heads, [&] { m.heads(some(2, 5, 4), some(3, 6, 6), some(3, 6, 3)); }),
      shape_error(heads, [&] { m.heads(some(2, 5, 4)); }),
      shape_error(heads, [&] { m.heads(some(0, 0, 0)); }),
      dtype_error("linear (net.heads)",
                  [&] { m.heads(whole(2, 5, 4), some(2, 6, 6), some(2, 6, 3)); }),
      shape_error(inner, asked(Mask::keep(some(5, 5) > 0))),
      shape_error(inner, asked(Mask::keep(some(3, 1, 5, 6) > 0))),
      shape_error(inner, asked(Mask::bias(some(6, 6)))),
      dtype_error(inner, asked(Mask::bias(ones({5, 6})))),
      shape_error(inner, asked(Mask::padding({1}))),
      shape_error(inner, asked(Mask::alibi(std::vector<double>{1, 2, 3}))),
      shape_error(inner, asked(Mask::offset(std::vector<int64_t>{1, 2, 3}))),
  };
}

Refusals of_transformers(const Layers& m) {
  const char *first = "MultiHeadAttention (net.encoder.layers.0.self_attn)",
             *decoder = "MultiHeadAttention (net.decoder.layers.0.self_attn)",
             *memory = "MultiHeadAttention (net.decoder.layers.0.multihead_attn)";
  return {
      shape_error(first, [&] { m.encoder(some(2, 5, 3)); }),
      shape_error(first, [&] { m.encoder(some(4)); }),
      shape_error(first, [&] { m.encoder(some(1, 2, 5, 4)); }),
      dtype_error("linear (net.encoder.layers.0.self_attn)", [&] { m.encoder(whole(2, 5, 4)); }),
      shape_error("scaled_dot_product_attention (net.encoder.layers.0.self_attn)",
                  [&] { m.encoder(some(2, 5, 4), Mask::padding({5})); }),
      shape_error("MultiHeadAttention (net.encoder.layers.1.self_attn)",
                  [&] { m.encoder.layers[1](some(2, 5, 6)); }),
      shape_error(decoder, [&] { m.decoder(some(2, 5, 3), some(2, 6, 4)); }),
      shape_error(memory, [&] { m.decoder(some(2, 5, 4), some(2, 6, 3)); }),
      shape_error(memory, [&] { m.decoder(some(2, 5, 4), some(3, 6, 4)); }),
      shape_error(memory, [&] { m.decoder(some(2, 5, 4), some(6, 4)); }),
      shape_error("scaled_dot_product_attention (net.decoder.layers.0.multihead_attn)",
                  [&] {
                    m.decoder(some(2, 5, 4), some(2, 6, 4), {}, Mask::padding({1, 2, 3}));
                  }),
  };
}

Refusals of_state(const Net& net) {
  const auto load = [&](const char* name, const Array& array) {
    StateDict state = net.state_dict();
    state[name] = array;
    net.load_state_dict(state);
  };
  const auto without = [&](const char* name) {
    StateDict state = net.state_dict();
    state.erase(name);
    net.load_state_dict(state);
  };
  return {
      format_error("load_state_dict",
                   [=] {
                     load("net.linear.weight", Array({4, 3}, float64));
                   }),
      format_error("load_state_dict", [=] { load("net.linear.weight", Array({12}, float64)); }),
      format_error("load_state_dict", [=] { load("net.linear.bias", Array({0}, float64)); }),
      format_error("load_state_dict", [=] { load("net.linear.biases", Array({3}, float64)); }),
      format_error("load_state_dict", [=] { load("", Array({3}, float64)); }),
      format_error("load_state_dict", [=] { without("net.encoder.layers.1.norm2.bias"); }),
      format_error("load_state_dict", [&] { net.load_state_dict({}); }),
      dtype_error("to", [&] { net.to(int64); }),
      dtype_error("to", [&] { net.to(boolean); }),
      format_error("load_state_dict",
                   [&] {
                     net.load_state_dict({{"net.conv.bias", Array({4}, float64)}}, false);
                   }),
  };
}

Refusals of_constructors() {
  const auto options = [](auto change) {
    return [change] {
      TransformerOptions o = small();
      change(o);
      Transformer{o};
    };
  };
  return {
      value_error("Linear", [] { Linear(-1, 3); }),
      value_error("Linear", [] { Linear(3, -vast); }),
      shape_error("Linear", [] { Linear(huge, huge); }),
      shape_error("Linear", [] { Linear(vast, 2); }),
      shape_error("Linear", [] { Linear(some(3)); }),
      shape_error("Linear", [] { Linear(some(2, 3), some(3)); }),
      dtype_error("Linear", [] { Linear(whole(2, 3)); }),
      value_error("Conv1D", [] { Conv1D(-1, 3); }),
      shape_error("Conv1D", [] { Conv1D(huge, huge); }),
      value_error("Embedding", [] { Embedding(-1, 4); }),
      value_error("Embedding", [] { Embedding(5, -4); }),
      shape_error("Embedding", [] { Embedding(huge, huge); }),
      value_error("Embedding", [] { Embedding(5, 4, {.padding_idx = 5}); }),
      value_error("Embedding", [] { Embedding(5, 4, {.padding_idx = -6}); }),
      value_error("Embedding", [] { Embedding(0, 4, {.padding_idx = 0}); }),
      value_error("LayerNorm", [] { LayerNorm(Shape{}); }),
      value_error("LayerNorm", [] { LayerNorm(-1); }),
      value_error("LayerNorm", [] { LayerNorm(4, {.eps = -1}); }),
      value_error("LayerNorm", [] { LayerNorm(4, {.eps = std::nan("")}); }),
      value_error("RMSNorm", [] { RMSNorm(Shape{}); }),
      value_error("RMSNorm",
                  [] {
                    RMSNorm(Shape{3, -1});
                  }),
      value_error("RMSNorm", [] { RMSNorm(4, {.eps = -1.0}); }),
      value_error("Dropout", [] { Dropout(1.5); }),
      value_error("Dropout", [] { Dropout(-0.1); }),
      value_error("Dropout", [] { Dropout(std::nan("")); }),
      value_error("GELU", [] { GELU("exact"); }),
      value_error("Softplus", [] { Softplus(0); }),
      value_error("Activation", "\"mine\" has no function", [] { Activation("mine", {}); }),
      value_error("activation", [] { activation("gelu2"); }),
      value_error("activation", [] { activation(""); }),
      value_error("SelfAttention", [] { SelfAttention(0); }),
      value_error("SelfAttention", [] { SelfAttention(-4); }),
      value_error("MultiHeadAttention", [] { MultiHeadAttention({}); }),
      value_error("MultiHeadAttention",
                  [] { MultiHeadAttention({.embed_dim = 4, .num_heads = 3}); }),
      value_error("MultiHeadAttention",
                  [] { MultiHeadAttention({.embed_dim = 4, .num_heads = 0}); }),
      value_error("MultiHeadAttention",
                  [] { MultiHeadAttention({.embed_dim = -4, .num_heads = -2}); }),
      value_error("MultiHeadAttention",
                  [] { MultiHeadAttention({.embed_dim = 4, .dropout = 1.5}); }),
      value_error("MultiHeadAttention", [] { MultiHeadAttention({.embed_dim = 4, .kdim = -1}); }),
      value_error("MultiHeadAttention", [] { MultiHeadAttention({.embed_dim = 4, .vdim = -1}); }),
      value_error("MultiHeadAttention", [] { MultiHeadAttention({.embed_dim = vast}); }),
      value_error("MultiHeadAttention", options([](auto& o) { o.d_model = 0; })),
      value_error("MultiHeadAttention", options([](auto& o) { o.nhead = 3; })),
      value_error("MultiHeadAttention", options([](auto& o) { o.dropout = 2; })),
      value_error("Transformer", options([](auto& o) { o.dim_feedforward = -1; })),
      value_error("Transformer", options([](auto& o) { o.layer_norm_eps = -1; })),
      value_error("Transformer", options([](auto& o) { o.num_encoder_layers = -1; })),
      value_error("Transformer", options([](auto& o) { o.activation = {}; })),
      value_error("Transformer", options([](auto& o) { o.num_decoder_layers = -vast; })),
      value_error("MultiHeadAttention", [] { TransformerBlock(4, 3); }),
      value_error("MultiHeadAttention", [] { TransformerBlock(vast / 2, 1); }),
      value_error("SinusoidalPositionalEncoding", [] { SinusoidalPositionalEncoding(0, 4); }),
      value_error("SinusoidalPositionalEncoding", [] { SinusoidalPositionalEncoding(4, -1); }),
      shape_error("SinusoidalPositionalEncoding", [] { SinusoidalPositionalEncoding(huge, huge); }),
      value_error("kv_cache", [] { KvCache(0); }),
      value_error("kv_cache", [] { KvCache(-vast); }),
  };
}

Refusals of_initialisers() {
  return {
      dtype_error("uniform_", [] { init::uniform_(whole(3)); }),
      dtype_error("normal_", [] { init::normal_(whole(3)); }),
      dtype_error("constant_", [] { init::constant_(whole(3), 1); }),
      dtype_error("trunc_normal_", [] { init::trunc_normal_(whole(3)); }),
      value_error("trunc_normal_", [] { init::trunc_normal_(some(3), 0, 0); }),
      value_error("trunc_normal_", [] { init::trunc_normal_(some(3), 0, 1, 2, 1); }),
      value_error("trunc_normal_", [] { init::trunc_normal_(some(3), 0, 1, std::nan(""), 1); }),
      shape_error("xavier_uniform_", [] { init::xavier_uniform_(some(3)); }),
      shape_error("xavier_normal_", [] { init::xavier_normal_(some(3)); }),
      dtype_error("xavier_normal_", [] { init::xavier_normal_(whole(3, 3)); }),
      shape_error("kaiming_uniform_", [] { init::kaiming_uniform_(some()); }),
      value_error("kaiming_uniform_", [] { init::kaiming_uniform_(some(3, 3), 0, "fan"); }),
      value_error("kaiming_normal_",
                  [] { init::kaiming_normal_(some(3, 3), 0, "fan_in", "gelu"); }),
      dtype_error("kaiming_normal_", [] { init::kaiming_normal_(whole(3, 3)); }),
      shape_error("orthogonal_", [] { init::orthogonal_(some(3)); }),
      dtype_error("orthogonal_", [] { init::orthogonal_(whole(3, 3)); }),
      value_error("calculate_gain", [] { init::calculate_gain("gelu"); }),
  };
}

}  // namespace

TEST_CASE("layers refuse bad input by their path, and stay what they are") {
  Net net;
  net.to(float64);
  // A pass that fails half-way has drawn what it dropped before.
  net.eval();
  net.net.drop.train();
  const auto& m = net.net;
  const auto outputs = [&] {
    std::vector<std::vector<double>> all;
    for (const Tensor& y :
         {m.linear(some(2, 4)), m.conv(some(4)), m.layer_norm(some(4)), m.rms_norm(some(3, 4)),
          m.self(some(2, 5, 4)), m.steps(some(4)),
          m.heads(some(2, 5, 4), some(2, 6, 6), some(2, 6, 3)), m.embedding(whole(3))})
      all.push_back(y.to_vector<double>());
    return all;
  };
  const auto before = outputs();
  check_refusals("layers",
                 {of_plain_layers(m), of_attention(m), of_transformers(m), of_state(net),
                  of_constructors(), of_initialisers()},
                 net);
  CHECK(outputs() == before);
}
