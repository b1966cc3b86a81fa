#pragma once

#include <optional>
#include <string>

#include "../../autograd/ops/rotary.h"
#include "../activations.h"
#include "../attention.h"
#include "checkpoint_names.h"
#include "forward.h"

namespace attune::nn::models {

// How rotary positions turn with distance: rope_parameters of a config.json, or the older
// rope_theta and rope_scaling.
struct RopeParameters {
  double rope_theta = 10000;
  std::string rope_type = "default";  // or "linear", or "llama3"
  double factor = 1;                  // by how much "linear" and "llama3" stretch distances
  // "llama3" stretches slow frequencies alone: those that turn less than low_freq_factor times over
  // the original context fully, those that turn more than high_freq_factor times not at all.
  double low_freq_factor = 1;
  double high_freq_factor = 4;
  int64_t original_max_position_embeddings = 8192;
};

// The frequencies of a head of width dim. ValueError for another rope_type.
std::vector<double> rope_frequencies(int64_t dim, const RopeParameters& rope);

// The fields of a LLaMA's config.json, with the defaults of transformers.
struct LlamaConfig {
  int64_t vocab_size = 32000;
  int64_t hidden_size = 4096;
  int64_t intermediate_size = 11008;  // width inside the feed-forward part
  int64_t num_hidden_layers = 32;
  int64_t num_attention_heads = 32;
  int64_t num_key_value_heads = 0;  // divides num_attention_heads; 0: as many
  int64_t head_dim = 0;             // even; 0: hidden_size / num_attention_heads
  std::string hidden_act = "silu";
  int64_t max_position_embeddings = 2048;  // the longest sequence it was trained on
  double initializer_range = 0.02;
  double rms_norm_eps = 1e-6;
  RopeParameters rope_parameters = {};
  double attention_dropout = 0;
  bool attention_bias = false;
  bool mlp_bias = false;
  bool tie_word_embeddings = false;          // the head's weight is the token embedding
  std::optional<int64_t> pad_token_id = {};  // its embedding takes no gradient; -1: the last
  std::optional<int64_t> bos_token_id = 1;
  std::vector<int64_t> eos_token_id = {2};
  std::string others = "{}";  // JSON: fields without a member, kept for saving

  // How many heads have keys and values of their own, and the width of a head.
  int64_t key_heads() const {
    return num_key_value_heads ? num_key_value_heads : num_attention_heads;
  }
  int64_t head_width() const { return head_dim ? head_dim : hidden_size / num_attention_heads; }

  // FormatError, starting with the name of the source, lists every field that is of a wrong type,
  // out of range or asks for what Llama does not do.
  static LlamaConfig from_json(std::string_view json, const std::string& source = "config.json");
  std::string to_json() const;
};

// Causal attention with rotary positions, in which groups of heads share keys and values.
// x: [B, T, hidden_size] -> [B, T, hidden_size].
class LlamaAttention : public Module {
 public:
  explicit LlamaAttention(const LlamaConfig& config);
  Tensor operator()(const Tensor& x, const RotaryAngles& angles, const LayerContext& context) const;

  Linear q_proj, k_proj, v_proj, o_proj;

 private:
  int64_t heads_, key_heads_;
  double dropout_;
};

// The gated feed-forward part, SwiGLU of Shazeer 2020. x: [B, T, hidden_size] -> [B, T,
// hidden_size].
class LlamaMlp : public Module {
 public:
  explicit LlamaMlp(const LlamaConfig& config);
  Tensor operator()(const Tensor& x) const;

  Linear gate_proj, up_proj, down_proj;
  Activation act;
};

// One pre-norm Transformer block. x: [B, T, hidden_size] -> [B, T, hidden_size].
class LlamaLayer : public Module {
 public:
  explicit LlamaLayer(const LlamaConfig& config);
  Tensor operator()(const Tensor& x, const RotaryAngles& angles, const LayerContext& context) const;

  LlamaAttention self_attn;
  LlamaMlp mlp;
  RMSNorm input_layernorm, post_attention_layernorm;
};

// A LLaMA language model (Touvron et al. 2023): RMSNorm before each part, rotary positions, gated
// feed-forward parts. Parameters have the names and shapes of transformers' LlamaForCausalLM.
// Weights start normal with deviation initializer_range.
class Llama : public Module {
 public:
  using Config = LlamaConfig;
  static constexpr const char* architecture = "LlamaForCausalLM";
  static const CheckpointNames checkpoint_names;

  // ValueError where the numbers do not fit together.
  explicit Llama(const LlamaConfig& config);
  // input_ids: int64 [B, T] -> logits [B, T, vocab_size].
  Tensor operator()(const Tensor& input_ids, const ForwardOptions& options = {}) const {
    return forward(input_ids, options).logits;
  }
  // logits, last_hidden_state and what the options ask for. ValueError for token_type_ids.
  ModelOutput forward(const Tensor& input_ids, const ForwardOptions& options = {}) const;

  // For generate(): the logits [B, vocab_size] after each row's last real token, of tokens that
  // continue what the cache holds.
  Tensor next_logits(const Tensor& input_ids, const std::vector<int64_t>& counts,
                     KvCache& cache) const;
  // The longest sequence it was trained on.
  int64_t context() const { return config_.max_position_embeddings; }

  const LlamaConfig& config() const { return config_; }

  Embedding embed_tokens;
  std::vector<LlamaLayer> layers;
  RMSNorm norm;
  Linear lm_head;

 private:
  RotaryAngles angles_at(const Tensor& positions) const;

  LlamaConfig config_;
  std::vector<double> frequencies_;
};

}  // namespace attune::nn::models
