#include <attune/nn.h>

#include "arguments.h"

namespace attune::test {

// The options of Transformer layers, as modules.py lists them.
struct Layers {
  nn::TransformerOptions options;
  bool batch_first;
};

template <>
struct Reader<Layers> {
  static bool fits(const Json& j) { return j.is_array() && j.size() == 8; }
  static Layers get(const Json& j, const Tensors&) {
    return {{.d_model = j[0],
             .nhead = j[1],
             .dim_feedforward = j[2],
             .activation = nn::activation(j[3]),
             .layer_norm_eps = j[4],
             .norm_first = j[5],
             .bias = j[6]},
            j[7]};
  }
};

namespace {

using Row = std::pair<const std::string, std::vector<Overload>>;
using Rows = std::map<std::string, std::vector<Overload>>;
using Integer = std::optional<int64_t>;

// A module that takes one tensor, made by `make` from what PyTorch's constructor takes.
template <class... Options, class Make>
Row module(const char* name, Make make) {
  return {name,
          {takes<Tensor, State, Options...>(
              [make](const Tensor& x, State state, const Options&... options) {
                const auto module = make(options...);
                state.load_into(module);
                return module(x);
              })}};
}

template <class M, class... Options>
Row plain(const char* name) {
  return module<Options...>(name, [](const Options&... options) { return M(options...); });
}

// A mask of PyTorch, bool: true hides; or what is added to the scores. Its shape fits [B, H, Tq,
// Tk] after reshaping.
Mask hiding(const Tensor& given, const Shape& shape) {
  const Tensor mask = reshape(given, shape);
  return mask.dtype() == boolean ? Mask::keep(logical_not(mask)) : Mask::bias(mask);
}

// given: [Tq, Tk] or [B · heads, Tq, Tk]; padding: [B, Tk] or [Tk]; each may be undefined.
Mask mask_of(const Tensor& given, const Tensor& padding, int64_t heads) {
  Mask mask;
  if (given.defined() && given.dim() == 2) mask = mask & hiding(given, given.shape());
  if (given.defined() && given.dim() == 3)
    mask = mask & hiding(given, {given.size(0) / heads, heads, given.size(1), given.size(2)});
  if (padding.defined())
    mask =
        mask & hiding(padding, {padding.dim() == 1 ? 1 : padding.size(0), 1, 1, padding.size(-1)});
  return mask;
}

// [T, B, C] from or to [B, T, C].
Tensor swapped(const Tensor& x, bool batch_first) {
  return batch_first || x.dim() < 3 ? x : transpose(x, 0, 1);
}

std::vector<Tensor> attend(const Tensor& query, State state, const Tensor& key, const Tensor& value,
                           int64_t embed_dim, int64_t heads, bool bias, bool add_bias_kv,
                           bool add_zero_attn, Integer kdim, Integer vdim, bool batch_first,
                           const Tensor& given, const Tensor& padding, bool need_weights,
                           bool average) {
  const nn::MultiHeadAttention attention({.embed_dim = embed_dim,
                                          .num_heads = heads,
                                          .bias = bias,
                                          .add_bias_kv = add_bias_kv,
                                          .add_zero_attn = add_zero_attn,
                                          .kdim = kdim.value_or(0),
                                          .vdim = vdim.value_or(0)});
  state.load_into(attention);
  const Mask mask = mask_of(given, padding, heads);
  const Tensor q = swapped(query, batch_first), k = swapped(key, batch_first),
               v = swapped(value, batch_first);
  if (!need_weights) return {swapped(attention(q, k, v, mask), batch_first)};
  const auto [y, weights] =
      attention.with_weights(q, k, v, mask, {.average_attn_weights = average});
  return {swapped(y, batch_first), weights};
}

// What the modules of transformer.h are called with: sequences batch first.
class Layered {
 public:
  Layered(const Layers& layers, const State& state) : layers_(layers), state_(state) {}

  Mask mask(const Tensor& given, const Tensor& padding) const {
    return mask_of(given, padding, layers_.options.nhead);
  }
  template <class M, class... Rest>
  Tensor call(const M& module, const Tensor& x, const Rest&... rest) const {
    state_.load_into(module);
    return swap(module(swap(x), swap(rest)...));
  }

 private:
  Tensor swap(const Tensor& x) const { return swapped(x, layers_.batch_first); }
  static const Mask& swap(const Mask& mask) { return mask; }

  const Layers& layers_;
  const State& state_;
};

Tensor encoder_layer(const Tensor& src, State state, const Tensor& mask, const Tensor& padding,
                     const Layers& layers) {
  const Layered layered(layers, state);
  return layered.call(nn::TransformerEncoderLayer(layers.options), src,
                      layered.mask(mask, padding));
}

std::optional<nn::LayerNorm> norm_of(const Layers& layers, bool normed) {
  const nn::TransformerOptions& o = layers.options;
  if (!normed) return {};
  return nn::LayerNorm(o.d_model, {.eps = o.layer_norm_eps, .bias = o.bias});
}

Tensor encoder(const Tensor& src, State state, const Tensor& mask, const Tensor& padding,
               const Layers& layers, int64_t count, bool normed) {
  const Layered layered(layers, state);
  return layered.call(nn::TransformerEncoder(layers.options, count, norm_of(layers, normed)), src,
                      layered.mask(mask, padding));
}

Tensor decoder_layer(const Tensor& tgt, State state, const Tensor& memory, const Tensor& mask,
                     const Tensor& padding, const Tensor& memory_mask, const Tensor& memory_padding,
                     const Layers& layers) {
  const Layered layered(layers, state);
  return layered.call(nn::TransformerDecoderLayer(layers.options), tgt, memory,
                      layered.mask(mask, padding), layered.mask(memory_mask, memory_padding));
}

Tensor decoder(const Tensor& tgt, State state, const Tensor& memory, const Tensor& mask,
               const Tensor& padding, const Tensor& memory_mask, const Tensor& memory_padding,
               const Layers& layers, int64_t count, bool normed) {
  const Layered layered(layers, state);
  return layered.call(nn::TransformerDecoder(layers.options, count, norm_of(layers, normed)), tgt,
                      memory, layered.mask(mask, padding),
                      layered.mask(memory_mask, memory_padding));
}

Tensor transformer(const Tensor& src, State state, const Tensor& tgt, const Tensor& src_mask,
                   const Tensor& src_padding, const Tensor& tgt_mask, const Tensor& tgt_padding,
                   const Tensor& memory_mask, const Tensor& memory_padding, const Layers& layers,
                   int64_t encoders, int64_t decoders) {
  const Layered layered(layers, state);
  nn::TransformerOptions options = layers.options;
  options.num_encoder_layers = encoders;
  options.num_decoder_layers = decoders;
  return layered.call(nn::Transformer(options), src, tgt, layered.mask(src_mask, src_padding),
                      layered.mask(tgt_mask, tgt_padding),
                      layered.mask(memory_mask, memory_padding));
}

// A classifier's last layer and its loss, as PyTorch's module of this name has them.
struct LinearCrossEntropyLoss : nn::Module {
  LinearCrossEntropyLoss(int64_t in, int64_t classes, bool bias)
      : linear(child("linear", nn::Linear(in, classes, {.bias = bias}))) {}

  nn::Linear linear;
};

Tensor classifier_loss(const Tensor& x, State state, const Tensor& target, int64_t in,
                       int64_t classes, bool bias, Reduction reduction, int64_t ignored,
                       double smoothing) {
  const LinearCrossEntropyLoss module(in, classes, bias);
  state.load_into(module);
  return linear_cross_entropy(x, module.linear.weight, target, module.linear.bias,
                              {ignored, reduction, smoothing});
}

template <class... Parameters, class F>
Row row(const char* name, F f) {
  return {name, {takes<Parameters...>(f)}};
}

}  // namespace

const Rows& modules() {
  static const Rows all = {
      module<int64_t, int64_t, bool>(
          "Linear",
          [](int64_t in, int64_t out, bool bias) { return nn::Linear(in, out, {.bias = bias}); }),
      module<Shape, double, bool, bool>(
          "LayerNorm",
          [](const Shape& shape, double eps, bool affine, bool bias) {
            return nn::LayerNorm(shape, {.eps = eps, .elementwise_affine = affine, .bias = bias});
          }),
      module<Shape, std::optional<double>, bool>(
          "RMSNorm",
          [](const Shape& shape, std::optional<double> eps, bool affine) {
            return nn::RMSNorm(shape, {.eps = eps, .elementwise_affine = affine});
          }),
      module<int64_t, int64_t, Integer>("Embedding",
                                        [](int64_t num, int64_t dim, Integer padding) {
                                          return nn::Embedding(num, dim, {.padding_idx = padding});
                                        }),
      plain<nn::Dropout, double>("Dropout"),
      plain<nn::Identity>("Identity"),
      plain<nn::Flatten, int64_t, int64_t>("Flatten"),
      plain<nn::ReLU>("ReLU"),
      plain<nn::SiLU>("SiLU"),
      plain<nn::Sigmoid>("Sigmoid"),
      plain<nn::Tanh>("Tanh"),
      plain<nn::LeakyReLU, double>("LeakyReLU"),
      plain<nn::ELU, double>("ELU"),
      plain<nn::GELU, std::string>("GELU"),
      plain<nn::Softplus, double, double>("Softplus"),
      plain<nn::Softmax, int64_t>("Softmax"),
      plain<nn::LogSoftmax, int64_t>("LogSoftmax"),
      row<Tensor, State, Tensor, int64_t, int64_t, bool, Reduction, int64_t, double>(
          "LinearCrossEntropyLoss", classifier_loss),
      row<Tensor, State, Tensor, Tensor, int64_t, int64_t, bool, bool, bool, Integer, Integer, bool,
          Tensor, Tensor, bool, bool>("MultiheadAttention", attend),
      row<Tensor, State, Tensor, Tensor, Layers>("TransformerEncoderLayer", encoder_layer),
      row<Tensor, State, Tensor, Tensor, Layers, int64_t, bool>("TransformerEncoder", encoder),
      row<Tensor, State, Tensor, Tensor, Tensor, Tensor, Tensor, Layers>("TransformerDecoderLayer",
                                                                         decoder_layer),
      row<Tensor, State, Tensor, Tensor, Tensor, Tensor, Tensor, Layers, int64_t, bool>(
          "TransformerDecoder", decoder),
      row<Tensor, State, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Layers, int64_t,
          int64_t>("Transformer", transformer),
  };
  return all;
}

}  // namespace attune::test
