#pragma once

#include "../attention.h"
#include "sampling.h"

namespace attune::nn::models {

struct GptConfig {
  int64_t vocab_size = 0;
  int64_t context = 64;  // the longest sequence
  int64_t layers = 4;
  int64_t heads = 4;
  int64_t dim = 128;  // a multiple of heads
  double dropout = 0;
};

// Causal attention of GPT-2: query, key and value from one projection.
class CausalSelfAttention : public Module {
 public:
  CausalSelfAttention(int64_t dim, int64_t heads, double dropout);
  // x: [B, T, dim] -> [B, T, dim].
  Tensor operator()(const Tensor& x) const;
  // [B, heads, T, T].
  Tensor weights(const Tensor& x) const;

  Linear c_attn, c_proj;

 private:
  std::vector<Tensor> project(const Tensor& x) const;

  int64_t heads_;
  double dropout_;
};

// The feed-forward part of a block: four times as wide inside, tanh GELU.
class GptMlp : public Module {
 public:
  explicit GptMlp(int64_t dim);
  Tensor operator()(const Tensor& x) const;

  Linear c_fc, c_proj;
};

// One pre-norm Transformer block. x: [B, T, dim] -> [B, T, dim].
class GptBlock : public Module {
 public:
  explicit GptBlock(const GptConfig& config);
  Tensor operator()(const Tensor& x) const;

  LayerNorm ln_1;
  CausalSelfAttention attn;
  LayerNorm ln_2;
  GptMlp mlp;
  Dropout drop;
};

// A GPT-2 language model (Radford et al. 2019): token and position embeddings, pre-norm blocks, and
// logits through the token embedding itself. Parameters have GPT-2's names; weights are [out, in].
// Weights start normal with deviation 0.02, those that add into the residual stream with 0.02 /
// sqrt(2 layers).
class Gpt : public Module {
 public:
  // ValueError unless the numbers are positive and heads divides dim.
  explicit Gpt(const GptConfig& config);
  // tokens: int64 [B, T], T <= context -> logits [B, T, vocab_size].
  Tensor operator()(const Tensor& tokens) const;
  // What every head of every layer attends to: one [B, heads, T, T] a layer.
  std::vector<Tensor> attention_weights(const Tensor& tokens) const;

  const GptConfig& config() const { return config_; }

  Embedding wte, wpe;
  Dropout drop;
  std::vector<GptBlock> h;
  LayerNorm ln_f;

 private:
  Tensor embed(const Tensor& tokens) const;
  void init_weights() const;

  GptConfig config_;
};

// The prompt continued by max_tokens tokens; the model sees at most its context. ValueError if the
// prompt is empty.
std::vector<int64_t> generate(const Gpt& model, std::vector<int64_t> prompt, int64_t max_tokens,
                              const SamplingOptions& options = {});

}  // namespace attune::nn::models
