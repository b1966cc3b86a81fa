#pragma once

#include <optional>
#include <string>

#include "../activations.h"
#include "../attention.h"
#include "checkpoint_names.h"
#include "forward.h"

namespace attune::nn::models {

// The fields of a BERT's config.json, with the defaults of transformers.
struct BertConfig {
  int64_t vocab_size = 30522;
  int64_t hidden_size = 768;  // a multiple of num_attention_heads
  int64_t num_hidden_layers = 12;
  int64_t num_attention_heads = 12;
  int64_t intermediate_size = 3072;  // width inside the feed-forward part
  std::string hidden_act = "gelu";
  double hidden_dropout_prob = 0.1;           // of what enters the residual stream
  double attention_probs_dropout_prob = 0.1;  // of the attention weights
  std::optional<double> classifier_dropout;   // absent: hidden_dropout_prob
  int64_t max_position_embeddings = 512;      // the longest sequence
  int64_t type_vocab_size = 2;                // segments
  double initializer_range = 0.02;
  double layer_norm_eps = 1e-12;
  std::optional<int64_t> pad_token_id = 0;  // its embedding takes no gradient; -1: the last
  bool tie_word_embeddings = true;          // the masked-LM head's weight is the token embedding
  int64_t num_labels = 2;                   // of a classifier
  std::vector<std::string> id2label;        // their names, or none
  std::string problem_type;                 // see sequence_classification_loss
  bool add_pooling_layer = true;  // of BertModel; no field: follows the checkpoint's tensors
  std::string others = "{}";      // JSON: fields without a member, kept for saving

  // FormatError, starting with the name of the source, lists every field that is of a wrong type,
  // out of range or asks for what these classes do not do.
  static BertConfig from_json(std::string_view json, const std::string& source = "config.json");
  std::string to_json() const;
};

// One post-norm Transformer block. x: [B, T, hidden_size] -> [B, T, hidden_size].
class BertLayer : public Module {
 public:
  explicit BertLayer(const BertConfig& config);
  Tensor operator()(const Tensor& x, const Mask& mask) const;

  Linear query, key, value, attention_dense;
  LayerNorm attention_norm;
  Linear intermediate, output;
  LayerNorm output_norm;
  Activation act;
  Dropout drop;

 private:
  Tensor attend(const Tensor& x, const Mask& mask) const;

  int64_t heads_;
  double dropout_;
};

// The BERT encoder (Devlin et al. 2019): token, segment and position embeddings, post-norm blocks,
// and a pooled first token. Parameters have the names and shapes of transformers' BertModel, here
// and in the classes below. Weights start normal with deviation initializer_range.
class BertModel : public Module {
 public:
  using Config = BertConfig;
  static constexpr const char* architecture = "BertModel";
  static const CheckpointNames checkpoint_names;

  // ValueError where the numbers do not fit together.
  explicit BertModel(const BertConfig& config);
  // input_ids: int64 [B, T], T <= max_position_embeddings -> [B, T, hidden_size].
  Tensor operator()(const Tensor& input_ids, const ForwardOptions& options = {}) const {
    return forward(input_ids, options).last_hidden_state;
  }
  // last_hidden_state, pooler_output where there is a pooling layer, and what the options ask for.
  // ValueError for labels: the heads below know what to do with them.
  ModelOutput forward(const Tensor& input_ids, const ForwardOptions& options = {}) const;

  const BertConfig& config() const { return config_; }

  Embedding word_embeddings, position_embeddings, token_type_embeddings;
  LayerNorm norm;
  Dropout drop;
  std::vector<BertLayer> layer;
  std::optional<Linear> pooler;

 private:
  Tensor embed(const Tensor& input_ids, const ForwardOptions& options) const;

  BertConfig config_;
};

// BERT that predicts the tokens under a mask.
class BertForMaskedLM : public Module {
 public:
  using Config = BertConfig;
  static constexpr const char* architecture = "BertForMaskedLM";
  static const CheckpointNames checkpoint_names;

  explicit BertForMaskedLM(const BertConfig& config);
  // input_ids: int64 [B, T] -> logits [B, T, vocab_size].
  Tensor operator()(const Tensor& input_ids, const ForwardOptions& options = {}) const {
    return forward(input_ids, options).logits;
  }
  // labels: int64 [B, T], -100 where there is nothing to predict.
  ModelOutput forward(const Tensor& input_ids, const ForwardOptions& options = {}) const;

  const BertConfig& config() const { return bert.config(); }

  BertModel bert;
  Tensor bias;  // [vocab_size]
  Linear dense;
  LayerNorm norm;
  Activation act;
  Linear decoder;
};

// BERT that classifies sequences, or pairs of them, by the pooled first token.
class BertForSequenceClassification : public Module {
 public:
  using Config = BertConfig;
  static constexpr const char* architecture = "BertForSequenceClassification";
  static const CheckpointNames checkpoint_names;

  explicit BertForSequenceClassification(const BertConfig& config);
  // input_ids: int64 [B, T] -> logits [B, num_labels].
  Tensor operator()(const Tensor& input_ids, const ForwardOptions& options = {}) const {
    return forward(input_ids, options).logits;
  }
  // labels: as sequence_classification_loss takes them.
  ModelOutput forward(const Tensor& input_ids, const ForwardOptions& options = {}) const;

  const BertConfig& config() const { return bert.config(); }

  BertModel bert;
  Dropout drop;
  Linear classifier;
};

}  // namespace attune::nn::models
