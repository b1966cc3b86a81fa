#pragma once

#include <optional>

#include "activations.h"
#include "attention.h"

namespace attune::nn {

// Options of all the classes here, named as PyTorch names them.
struct TransformerOptions {
  int64_t d_model = 512;           // width of the sequences
  int64_t nhead = 8;               // attention heads; divides d_model
  int64_t num_encoder_layers = 6;  // of Transformer only
  int64_t num_decoder_layers = 6;
  int64_t dim_feedforward = 2048;  // width inside the feed-forward part
  double dropout = 0.1;
  std::function<Tensor(const Tensor&)> activation = ReLU();  // GELU(), or any function
  double layer_norm_eps = 1e-5;
  bool norm_first = false;  // pre-norm: normalise what a part reads, not what it adds up to
  bool bias = true;
};

// All that follow take sequences [B, T, d_model], batch first, and have the parameters of their
// namesakes in torch.nn, so that a state dict saved from there loads. Unlike there, a sequence that
// is masked whole gives finite values and gradients, and NaN in padding goes nowhere. ValueError
// for options, ShapeError for inputs that do not fit. What each layer attends to, an
// AttentionRecorder tells. Vaswani et al. 2017; pre-norm: Xiong et al. 2020.

// Self-attention, then two linear maps with an activation between, each added to what it read.
class TransformerEncoderLayer : public Module {
 public:
  explicit TransformerEncoderLayer(const TransformerOptions& options);
  Tensor operator()(const Tensor& src, const Mask& src_mask = {}) const;

  MultiHeadAttention self_attn;
  Linear linear1;
  Dropout dropout;
  Linear linear2;
  LayerNorm norm1, norm2;
  Dropout dropout1, dropout2;

 private:
  TransformerOptions options_;
};

// The pre-norm block of GPT-2 (Radford et al. 2019) to build models of: a TransformerEncoderLayer
// with norm_first, GELU by tanh and an inner width of 4 dim. Causal by its mask:
// block(x, Mask::causal()).
class TransformerBlock : public TransformerEncoderLayer {
 public:
  TransformerBlock(int64_t dim, int64_t heads, double p = 0);  // p: of dropout
};

// Layers one after another, then norm if there is one; a pre-norm stack wants it.
class TransformerEncoder : public Module {
 public:
  TransformerEncoder(const TransformerOptions& layer, int64_t num_layers,
                     const std::optional<LayerNorm>& norm = {});
  Tensor operator()(const Tensor& src, const Mask& mask = {}) const;

  std::vector<TransformerEncoderLayer> layers;
  std::optional<LayerNorm> norm;
};

// Self-attention, attention to a memory [B, Tm, d_model], then the feed-forward part. A decoder
// that writes from left to right takes tgt_mask = Mask::causal().
class TransformerDecoderLayer : public Module {
 public:
  explicit TransformerDecoderLayer(const TransformerOptions& options);
  Tensor operator()(const Tensor& tgt, const Tensor& memory, const Mask& tgt_mask = {},
                    const Mask& memory_mask = {}) const;

  MultiHeadAttention self_attn, multihead_attn;
  Linear linear1;
  Dropout dropout;
  Linear linear2;
  LayerNorm norm1, norm2, norm3;
  Dropout dropout1, dropout2, dropout3;

 private:
  TransformerOptions options_;
};

class TransformerDecoder : public Module {
 public:
  TransformerDecoder(const TransformerOptions& layer, int64_t num_layers,
                     const std::optional<LayerNorm>& norm = {});
  Tensor operator()(const Tensor& tgt, const Tensor& memory, const Mask& tgt_mask = {},
                    const Mask& memory_mask = {}) const;

  std::vector<TransformerDecoderLayer> layers;
  std::optional<LayerNorm> norm;
};

// An encoder reads src: [B, Ts, d_model], a decoder attends to what it made of it and turns tgt:
// [B, Tt, d_model] into the result of the same shape. Matrices start by xavier_uniform_.
class Transformer : public Module {
 public:
  explicit Transformer(const TransformerOptions& options = {});
  Tensor operator()(const Tensor& src, const Tensor& tgt, const Mask& src_mask = {},
                    const Mask& tgt_mask = {}, const Mask& memory_mask = {}) const;

  TransformerEncoder encoder;
  TransformerDecoder decoder;
};

// Adds the position to each element of a sequence: sin(position / 10000^(i / dim)) in the even
// features i, the cosine of the same in the odd ones after them. Vaswani et al. 2017, 3.5. (Learned
// positions are an Embedding.) No parameters.
class SinusoidalPositionalEncoding : public Module {
 public:
  // ValueError unless both are positive.
  SinusoidalPositionalEncoding(int64_t dim, int64_t max_length);
  // x: [..., T, dim] -> the same; its first element stands at position `first`. ShapeError if it is
  // not dim wide or ends beyond max_length.
  Tensor operator()(const Tensor& x, int64_t first = 0) const;

 private:
  Tensor table_;  // float64 [max_length, dim]
};

}  // namespace attune::nn
