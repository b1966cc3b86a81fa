#include "transformer.h"

#include <algorithm>
#include <cmath>

#include "../array/fail.h"
#include "../autograd/ops/activation.h"
#include "../autograd/ops/arithmetic.h"
#include "../autograd/ops/shape.h"
#include "init.h"

namespace attune::nn {
namespace {

int64_t checked_layers(int64_t num_layers) {
  constexpr int64_t most = 1 << 16;
  if (num_layers < 0 || num_layers > most)
    fail<ValueError>("Transformer", "{} layers; use 0 to {}", num_layers, most);
  return num_layers;
}

// What the parts of a layer do not check before the first of them is made.
const TransformerOptions& checked(const TransformerOptions& o) {
  if (o.dim_feedforward < 0 || !(o.layer_norm_eps >= 0))
    fail<ValueError>("Transformer", "dim_feedforward is {}, layer_norm_eps {}; use 0 or more",
                     o.dim_feedforward, o.layer_norm_eps);
  if (!o.activation) fail<ValueError>("Transformer", "the activation is an empty function");
  checked_layers(o.num_encoder_layers);
  checked_layers(o.num_decoder_layers);
  return o;
}

MultiHeadAttention attention_of(const TransformerOptions& o) {
  return MultiHeadAttention(
      {.embed_dim = o.d_model, .num_heads = o.nhead, .dropout = o.dropout, .bias = o.bias});
}

LayerNorm norm_of(const TransformerOptions& o) {
  return LayerNorm(o.d_model, {.eps = o.layer_norm_eps, .bias = o.bias});
}

std::string details(const TransformerOptions& o) {
  return fmt::format("{}, heads={}, feedforward={}, {}", o.d_model, o.nhead, o.dim_feedforward,
                     o.norm_first ? "pre-norm" : "post-norm");
}

// A part of a layer around its residual connection.
template <class F>
Tensor residual(const Tensor& x, const LayerNorm& norm, bool norm_first, F&& part) {
  return norm_first ? x + part(norm(x)) : norm(x + part(x));
}

// What a self-attending layer reads of its input: NaN in padding would come back through the
// normalisation and the residual connection.
Tensor seen(const Tensor& x, const Mask& mask, int64_t heads) {
  if (x.dim() == 2) return squeeze(seen(unsqueeze(x, 0), mask, heads), 0);
  return x.dim() == 3 ? without_hidden(x, mask, {x.size(0), heads, x.size(1), x.size(1)}) : x;
}

}  // namespace

TransformerEncoderLayer::TransformerEncoderLayer(const TransformerOptions& o)
    : self_attn(child("self_attn", attention_of(checked(o)))),
      linear1(child("linear1", Linear(o.d_model, o.dim_feedforward, {.bias = o.bias}))),
      dropout(child("dropout", Dropout(o.dropout))),
      linear2(child("linear2", Linear(o.dim_feedforward, o.d_model, {.bias = o.bias}))),
      norm1(child("norm1", norm_of(o))),
      norm2(child("norm2", norm_of(o))),
      dropout1(child("dropout1", Dropout(o.dropout))),
      dropout2(child("dropout2", Dropout(o.dropout))),
      options_(o) {
  describe("TransformerEncoderLayer", details(o));
}

Tensor TransformerEncoderLayer::operator()(const Tensor& src, const Mask& src_mask) const {
  auto scope = enter();
  const auto attention = [&](const Tensor& x) { return dropout1(self_attn(x, src_mask)); };
  const auto feed_forward = [&](const Tensor& x) {
    return dropout2(linear2(dropout(options_.activation(linear1(x)))));
  };
  const Tensor x = seen(src, src_mask, options_.nhead);
  const Tensor attended = residual(x, norm1, options_.norm_first, attention);
  return residual(attended, norm2, options_.norm_first, feed_forward);
}

TransformerBlock::TransformerBlock(int64_t dim, int64_t heads, double p)
    : TransformerEncoderLayer({.d_model = dim,
                               .nhead = heads,
                               // The attention refuses what is beyond.
                               .dim_feedforward = 4 * std::clamp<int64_t>(dim, 0, int64_t{1} << 40),
                               .dropout = p,
                               .activation = [](const Tensor& x) { return gelu(x, "tanh"); },
                               .norm_first = true}) {
  describe("TransformerBlock", fmt::format("{}, heads={}", dim, heads));
}

TransformerEncoder::TransformerEncoder(const TransformerOptions& layer, int64_t num_layers,
                                       const std::optional<LayerNorm>& final_norm)
    : layers(children("layers", checked_layers(num_layers),
                      [&](int64_t) { return TransformerEncoderLayer(layer); })),
      norm(final_norm) {
  describe("TransformerEncoder", fmt::format("layers={}", num_layers));
  if (norm) child("norm", *norm);
}

Tensor TransformerEncoder::operator()(const Tensor& src, const Mask& mask) const {
  auto scope = enter();
  Tensor x = src;
  for (const TransformerEncoderLayer& layer : layers) x = layer(x, mask);
  return norm ? (*norm)(x) : x;
}

TransformerDecoderLayer::TransformerDecoderLayer(const TransformerOptions& o)
    : self_attn(child("self_attn", attention_of(checked(o)))),
      multihead_attn(child("multihead_attn", attention_of(o))),
      linear1(child("linear1", Linear(o.d_model, o.dim_feedforward, {.bias = o.bias}))),
      dropout(child("dropout", Dropout(o.dropout))),
      linear2(child("linear2", Linear(o.dim_feedforward, o.d_model, {.bias = o.bias}))),
      norm1(child("norm1", norm_of(o))),
      norm2(child("norm2", norm_of(o))),
      norm3(child("norm3", norm_of(o))),
      dropout1(child("dropout1", Dropout(o.dropout))),
      dropout2(child("dropout2", Dropout(o.dropout))),
      dropout3(child("dropout3", Dropout(o.dropout))),
      options_(o) {
  describe("TransformerDecoderLayer", details(o));
}

Tensor TransformerDecoderLayer::operator()(const Tensor& tgt, const Tensor& memory,
                                           const Mask& tgt_mask, const Mask& memory_mask) const {
  auto scope = enter();
  const auto self_attention = [&](const Tensor& x) { return dropout1(self_attn(x, tgt_mask)); };
  const auto cross_attention = [&](const Tensor& x) {
    return dropout2(multihead_attn(x, memory, memory, memory_mask));
  };
  const auto feed_forward = [&](const Tensor& x) {
    return dropout3(linear2(dropout(options_.activation(linear1(x)))));
  };
  Tensor x = seen(tgt, tgt_mask, options_.nhead);
  x = residual(x, norm1, options_.norm_first, self_attention);
  x = residual(x, norm2, options_.norm_first, cross_attention);
  return residual(x, norm3, options_.norm_first, feed_forward);
}

TransformerDecoder::TransformerDecoder(const TransformerOptions& layer, int64_t num_layers,
                                       const std::optional<LayerNorm>& final_norm)
    : layers(children("layers", checked_layers(num_layers),
                      [&](int64_t) { return TransformerDecoderLayer(layer); })),
      norm(final_norm) {
  describe("TransformerDecoder", fmt::format("layers={}", num_layers));
  if (norm) child("norm", *norm);
}

Tensor TransformerDecoder::operator()(const Tensor& tgt, const Tensor& memory, const Mask& tgt_mask,
                                      const Mask& memory_mask) const {
  auto scope = enter();
  Tensor x = tgt;
  for (const TransformerDecoderLayer& layer : layers) x = layer(x, memory, tgt_mask, memory_mask);
  return norm ? (*norm)(x) : x;
}

Transformer::Transformer(const TransformerOptions& options)
    : encoder(child("encoder", TransformerEncoder(options, options.num_encoder_layers,
                                                  norm_of(checked(options))))),
      decoder(child("decoder", TransformerDecoder(options, options.num_decoder_layers,
                                                  norm_of(checked(options))))) {
  describe("Transformer", details(options));
  for (const Tensor& tensor : parameters())
    if (tensor.dim() > 1) init::xavier_uniform_(tensor);
}

Tensor Transformer::operator()(const Tensor& src, const Tensor& tgt, const Mask& src_mask,
                               const Mask& tgt_mask, const Mask& memory_mask) const {
  auto scope = enter();
  return decoder(tgt, encoder(src, src_mask), tgt_mask, memory_mask);
}

SinusoidalPositionalEncoding::SinusoidalPositionalEncoding(int64_t dim, int64_t max_length) {
  const OperationScope scope("SinusoidalPositionalEncoding");
  if (dim < 1 || max_length < 1)
    fail<ValueError>("SinusoidalPositionalEncoding", "dim {} and max_length {} must be positive",
                     dim, max_length);
  describe("SinusoidalPositionalEncoding", fmt::format("{}, max_length={}", dim, max_length));
  Array table({max_length, dim}, float64);
  double* at = table.output<double>();
  for (int64_t position = 0; position < max_length; ++position)
    for (int64_t i = 0; i < dim; ++i) {
      const auto exponent = static_cast<double>(i - i % 2) / static_cast<double>(dim);
      const double angle = static_cast<double>(position) / std::pow(10000.0, exponent);
      *at++ = i % 2 == 0 ? std::sin(angle) : std::cos(angle);
    }
  table_ = Tensor(std::move(table));
}

Tensor SinusoidalPositionalEncoding::operator()(const Tensor& x, int64_t first) const {
  auto scope = enter();
  if (x.dim() < 2 || x.size(-1) != table_.size(1) || first < 0 ||
      first > table_.size(0) - x.size(-2))
    fail<ShapeError>("SinusoidalPositionalEncoding",
                     "x {} from position {}; it takes [..., T, {}] within {} positions",
                     to_string(x.shape()), first, table_.size(1), table_.size(0));
  return x + table_.narrow(0, first, x.size(-2)).to(x.dtype());
}

}  // namespace attune::nn
