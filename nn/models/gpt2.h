#pragma once

#include <optional>
#include <string>

#include "../activations.h"
#include "../attention.h"
#include "checkpoint_names.h"
#include "forward.h"

namespace attune::nn::models {

// The fields of a GPT-2's config.json, with the defaults of transformers.
struct Gpt2Config {
  int64_t vocab_size = 50257;
  int64_t n_positions = 1024;  // the longest sequence
  int64_t n_embd = 768;        // a multiple of n_head
  int64_t n_layer = 12;
  int64_t n_head = 12;
  int64_t n_inner = 0;  // width inside the feed-forward part; 0: 4 n_embd
  std::string activation_function = "gelu_new";
  double resid_pdrop = 0.1;  // dropout of what enters the residual stream,
  double embd_pdrop = 0.1;   // of the embeddings
  double attn_pdrop = 0.1;   // and of the attention weights
  double layer_norm_epsilon = 1e-5;
  double initializer_range = 0.02;
  bool scale_attn_weights = true;                // by 1 / sqrt(n_embd / n_head)
  bool scale_attn_by_inverse_layer_idx = false;  // and by 1 / (1 + index of the layer)
  bool tie_word_embeddings = true;               // the head's weight is the token embedding
  std::optional<int64_t> bos_token_id = 50256;
  std::vector<int64_t> eos_token_id = {50256};
  std::string others = "{}";  // JSON: fields without a member, kept for saving

  // The width inside the feed-forward part.
  int64_t inner_size() const { return n_inner ? n_inner : 4 * n_embd; }

  // FormatError, starting with the name of the source, lists every field that is of a wrong type,
  // out of range or asks for what Gpt2 does not do.
  static Gpt2Config from_json(std::string_view json, const std::string& source = "config.json");
  std::string to_json() const;
};

// Causal attention of GPT-2: query, key and value from one projection.
class Gpt2Attention : public Module {
 public:
  Gpt2Attention(const Gpt2Config& config, int64_t layer);
  // x: [B, T, n_embd] -> [B, T, n_embd].
  Tensor operator()(const Tensor& x, const LayerContext& context) const;

  Conv1D c_attn, c_proj;

 private:
  int64_t heads_;
  double dropout_, scale_;
};

// The feed-forward part of a block. x: [B, T, n_embd] -> [B, T, n_embd].
class Gpt2Mlp : public Module {
 public:
  explicit Gpt2Mlp(const Gpt2Config& config);
  Tensor operator()(const Tensor& x) const;

  Conv1D c_fc, c_proj;
  Activation act;
};

// One pre-norm Transformer block. x: [B, T, n_embd] -> [B, T, n_embd].
class Gpt2Block : public Module {
 public:
  Gpt2Block(const Gpt2Config& config, int64_t layer);
  Tensor operator()(const Tensor& x, const LayerContext& context) const;

  LayerNorm ln_1;
  Gpt2Attention attn;
  LayerNorm ln_2;
  Gpt2Mlp mlp;
  Dropout drop;
};

// A GPT-2 language model (Radford et al. 2019): token and position embeddings, pre-norm blocks, and
// logits through the token embedding itself. Parameters have the names and shapes of transformers'
// GPT2LMHeadModel. Weights start normal with deviation initializer_range, those that add into the
// residual stream with 1 / sqrt(2 n_layer) of it.
class Gpt2 : public Module {
 public:
  using Config = Gpt2Config;
  static constexpr const char* architecture = "GPT2LMHeadModel";
  static const CheckpointNames checkpoint_names;

  // ValueError where the numbers do not fit together.
  explicit Gpt2(const Gpt2Config& config);
  // input_ids: int64 [B, T], T <= n_positions -> logits [B, T, vocab_size].
  Tensor operator()(const Tensor& input_ids, const ForwardOptions& options = {}) const {
    return forward(input_ids, options).logits;
  }
  // logits, last_hidden_state and what the options ask for.
  ModelOutput forward(const Tensor& input_ids, const ForwardOptions& options = {}) const;

  // For generate(): the logits [B, vocab_size] after each row's last real token, of tokens that
  // continue what the cache holds.
  Tensor next_logits(const Tensor& input_ids, const std::vector<int64_t>& counts,
                     KvCache& cache) const;
  // The longest sequence it takes.
  int64_t context() const { return config_.n_positions; }

  const Gpt2Config& config() const { return config_; }

  Embedding wte, wpe;
  Dropout drop;
  std::vector<Gpt2Block> h;
  LayerNorm ln_f;
  Linear lm_head;

 private:
  Tensor embed(const Tensor& input_ids, const ForwardOptions& options) const;
  void init_weights() const;

  Gpt2Config config_;
};

}  // namespace attune::nn::models
