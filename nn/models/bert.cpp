#include "bert.h"

#include "../../array/fail.h"
#include "../../autograd/ops/activation.h"
#include "../../autograd/ops/arithmetic.h"
#include "../../autograd/ops/attention_recorder.h"
#include "../../autograd/ops/creation.h"
#include "../../autograd/ops/shape.h"
#include "../init.h"
#include "config_fields.h"
#include "init_weights.h"
#include "losses.h"

namespace attune::nn::models {
namespace {

template <class Fields, class Config>
void visit(Fields& fields, Config& c) {
  fields.size("vocab_size", c.vocab_size);
  fields.size("hidden_size", c.hidden_size);
  fields.layers("num_hidden_layers", c.num_hidden_layers);
  fields.size("num_attention_heads", c.num_attention_heads);
  fields.size("intermediate_size", c.intermediate_size);
  fields.activation("hidden_act", c.hidden_act);
  fields.probability("hidden_dropout_prob", c.hidden_dropout_prob);
  fields.probability("attention_probs_dropout_prob", c.attention_probs_dropout_prob);
  fields.optional_probability("classifier_dropout", c.classifier_dropout);
  fields.size("max_position_embeddings", c.max_position_embeddings);
  fields.size("type_vocab_size", c.type_vocab_size);
  fields.real("initializer_range", c.initializer_range, 0, 100);
  fields.real("layer_norm_eps", c.layer_norm_eps, 0, 1);
  fields.padding("pad_token_id", c.pad_token_id);
  fields.flag("tie_word_embeddings", c.tie_word_embeddings);
  fields.labels(c.num_labels, c.id2label);
  fields.word("problem_type", c.problem_type);
  fields.must_be_flag("is_decoder", false);
  fields.must_be_flag("is_causal", false);
  fields.must_be_flag("add_cross_attention", false);
  fields.must_be("position_embedding_type", "absolute");
}

// What does not fit together; empty if all does.
std::string problem_of(const BertConfig& c) {
  std::string problem = problem_of_sizes({{"vocab_size", c.vocab_size},
                                          {"hidden_size", c.hidden_size},
                                          {"num_attention_heads", c.num_attention_heads},
                                          {"intermediate_size", c.intermediate_size},
                                          {"max_position_embeddings", c.max_position_embeddings},
                                          {"type_vocab_size", c.type_vocab_size},
                                          {"num_labels", c.num_labels}});
  if (problem.empty())
    problem = problem_of_sizes({{"num_hidden_layers", c.num_hidden_layers}}, 1, most_layers);
  if (problem.empty())
    problem = problem_of_numbers({{"hidden_dropout_prob", c.hidden_dropout_prob},
                                  {"attention_probs_dropout_prob", c.attention_probs_dropout_prob},
                                  {"classifier_dropout", c.classifier_dropout.value_or(0)},
                                  {"layer_norm_eps", c.layer_norm_eps}});
  if (problem.empty())
    problem = problem_of_numbers({{"initializer_range", c.initializer_range}}, 100);
  if (problem.empty()) problem = problem_of_activation("hidden_act", c.hidden_act);
  if (!problem.empty()) return problem;
  if (c.hidden_size % c.num_attention_heads != 0)
    return fmt::format("hidden_size {} is not a multiple of num_attention_heads {}", c.hidden_size,
                       c.num_attention_heads);
  problem = problem_of_padding(c.pad_token_id, c.vocab_size);
  if (!problem.empty()) return problem;
  if (!c.id2label.empty() && static_cast<int64_t>(c.id2label.size()) != c.num_labels)
    return fmt::format("id2label names {} of num_labels {}", c.id2label.size(), c.num_labels);
  return {};
}

const BertConfig& checked(const BertConfig& config) {
  if (const std::string problem = problem_of(config); !problem.empty())
    fail<ValueError>("Bert", "{}", problem);
  return config;
}

BertConfig with_pooling(BertConfig config, bool pooling) {
  config.add_pooling_layer = pooling;
  return config;
}

const std::vector<std::string> heads = {"cls.predictions.", "cls.seq_relationship.", "classifier.",
                                        "pooler.", "qa_outputs."};
const std::vector<std::string> tables = {".position_ids"};

}  // namespace

BertConfig BertConfig::from_json(std::string_view json, const std::string& source) {
  BertConfig config;
  ConfigReader fields(json, source, "bert");
  visit(fields, config);
  fields.add_problem(problem_of(config));
  config.others = fields.finish();
  return config;
}

std::string BertConfig::to_json() const {
  ConfigWriter fields(others, "bert");
  visit(fields, *this);
  return fields.finish();
}

BertLayer::BertLayer(const BertConfig& c)
    : query(child("attention.self.query", Linear(c.hidden_size, c.hidden_size))),
      key(child("attention.self.key", Linear(c.hidden_size, c.hidden_size))),
      value(child("attention.self.value", Linear(c.hidden_size, c.hidden_size))),
      attention_dense(child("attention.output.dense", Linear(c.hidden_size, c.hidden_size))),
      attention_norm(
          child("attention.output.LayerNorm", LayerNorm(c.hidden_size, {.eps = c.layer_norm_eps}))),
      intermediate(child("intermediate.dense", Linear(c.hidden_size, c.intermediate_size))),
      output(child("output.dense", Linear(c.intermediate_size, c.hidden_size))),
      output_norm(child("output.LayerNorm", LayerNorm(c.hidden_size, {.eps = c.layer_norm_eps}))),
      act(child("intermediate.act", activation(c.hidden_act))),
      drop(child("output.dropout", Dropout(c.hidden_dropout_prob))),
      heads_(c.num_attention_heads),
      dropout_(c.attention_probs_dropout_prob) {
  describe("BertLayer", fmt::format("{}, heads={}", c.hidden_size, heads_));
}

Tensor BertLayer::attend(const Tensor& x, const Mask& mask) const {
  const Tensor q = split_heads(query(x), heads_), k = split_heads(key(x), heads_),
               v = split_heads(value(x), heads_);
  return merge_heads(
      scaled_dot_product_attention(q, k, v, mask, {.dropout = is_training() ? dropout_ : 0}));
}

Tensor BertLayer::operator()(const Tensor& x, const Mask& mask) const {
  auto scope = enter();
  const Tensor attended = attention_norm(x + drop(attention_dense(attend(x, mask))));
  return output_norm(attended + drop(output(act(intermediate(attended)))));
}

const CheckpointNames BertModel::checkpoint_names = {
    .base = "bert.", .buffers = tables, .heads = heads, .tied_head = {}, .tied_embedding = {}};

BertModel::BertModel(const BertConfig& config)
    : word_embeddings(child("embeddings.word_embeddings",
                            Embedding(checked(config).vocab_size, config.hidden_size,
                                      {.padding_idx = config.pad_token_id}))),
      position_embeddings(child("embeddings.position_embeddings",
                                Embedding(config.max_position_embeddings, config.hidden_size))),
      token_type_embeddings(child("embeddings.token_type_embeddings",
                                  Embedding(config.type_vocab_size, config.hidden_size))),
      norm(child("embeddings.LayerNorm",
                 LayerNorm(config.hidden_size, {.eps = config.layer_norm_eps}))),
      drop(child("embeddings.dropout", Dropout(config.hidden_dropout_prob))),
      layer(children("encoder.layer", config.num_hidden_layers,
                     [&](int64_t) { return BertLayer(config); })),
      config_(config) {
  if (config.add_pooling_layer)
    pooler = child("pooler.dense", Linear(config.hidden_size, config.hidden_size));
  describe("BertModel", fmt::format("layers={}, heads={}, dim={}", config.num_hidden_layers,
                                    config.num_attention_heads, config.hidden_size));
  init_weights(*this, config.initializer_range);
  if (config.pad_token_id)
    init::zeros_(select(word_embeddings.weight.detach(), 0, *config.pad_token_id));
}

Tensor BertModel::embed(const Tensor& input_ids, const ForwardOptions& options) const {
  const Tensor positions =
      positions_of("BertModel", input_ids, options, config_.max_position_embeddings);
  const Tensor types =
      options.token_type_ids.defined() ? options.token_type_ids : zeros(input_ids.shape(), int64);
  return drop(norm(word_embeddings(input_ids) + token_type_embeddings(types) +
                   position_embeddings(positions)));
}

ModelOutput BertModel::forward(const Tensor& input_ids, const ForwardOptions& options) const {
  auto scope = enter();
  if (options.shift_labels.defined())
    fail<ValueError>("BertModel", "shift_labels are of causal models; give labels");
  if (options.labels.defined())
    fail<ValueError>("BertModel", "has no head that could compare labels; load one that has");
  ModelOutput out;
  Tensor x = embed(input_ids, options);
  const Mask mask = padding_mask(options.attention_mask, input_ids);
  std::optional<AttentionRecorder> recorder;
  if (options.output_attentions) recorder.emplace();
  for (const BertLayer& block : layer) {
    if (options.output_hidden_states) out.hidden_states.push_back(x);
    x = run_block(
        *this, [block, mask](const Tensor& in) { return block(in, mask); }, x);
  }
  if (options.output_hidden_states) out.hidden_states.push_back(x);
  if (recorder) out.attentions = all_weights(*recorder);
  out.last_hidden_state = x;
  if (pooler) out.pooler_output = tanh((*pooler)(select(x, 1, 0)));
  return out;
}

const CheckpointNames BertForMaskedLM::checkpoint_names = {
    .base = "bert.",
    .buffers = tables,
    .heads = heads,
    .tied_head = "cls.predictions.decoder.weight",
    .tied_embedding = "embeddings.word_embeddings.weight",
    // The second is not computed with where they are not tied.
    .substitutes = {{"cls.predictions.decoder.bias", "cls.predictions.bias"},
                    {"cls.predictions.bias", "cls.predictions.decoder.bias"}}};

BertForMaskedLM::BertForMaskedLM(const BertConfig& config)
    : bert(child("bert", BertModel(with_pooling(config, false)))),
      bias(param("cls.predictions.bias", Shape{config.vocab_size})),
      dense(
          child("cls.predictions.transform.dense", Linear(config.hidden_size, config.hidden_size))),
      norm(child("cls.predictions.transform.LayerNorm",
                 LayerNorm(config.hidden_size, {.eps = config.layer_norm_eps}))),
      act(child("cls.predictions.transform.act", activation(config.hidden_act))),
      decoder(child("cls.predictions.decoder",
                    config.tie_word_embeddings ? Linear(bert.word_embeddings.weight, bias)
                                               : Linear(config.hidden_size, config.vocab_size))) {
  describe("BertForMaskedLM");
  init_weights(dense, config.initializer_range);
  if (!config.tie_word_embeddings) init_weights(decoder, config.initializer_range);
  init::zeros_(bias);
}

ModelOutput BertForMaskedLM::forward(const Tensor& input_ids, const ForwardOptions& options) const {
  auto scope = enter();
  ForwardOptions without_labels = options;
  without_labels.labels = {};
  ModelOutput out = bert.forward(input_ids, without_labels);
  masked_lm_head(decoder, norm(act(dense(out.last_hidden_state))), options, out);
  return out;
}

const CheckpointNames BertForSequenceClassification::checkpoint_names = {
    .base = "bert.", .buffers = tables, .heads = heads, .tied_head = {}, .tied_embedding = {}};

BertForSequenceClassification::BertForSequenceClassification(const BertConfig& config)
    : bert(child("bert", BertModel(with_pooling(config, true)))),
      drop(child("dropout",
                 Dropout(config.classifier_dropout.value_or(config.hidden_dropout_prob)))),
      classifier(child("classifier", Linear(config.hidden_size, config.num_labels))) {
  describe("BertForSequenceClassification", fmt::format("labels={}", config.num_labels));
  init_weights(classifier, config.initializer_range);
}

ModelOutput BertForSequenceClassification::forward(const Tensor& input_ids,
                                                   const ForwardOptions& options) const {
  auto scope = enter();
  ForwardOptions without_labels = options;
  without_labels.labels = {};
  ModelOutput out = bert.forward(input_ids, without_labels);
  out.logits = classifier(drop(out.pooler_output));
  if (options.labels.defined())
    out.loss = sequence_classification_loss(out.logits, options.labels, config().problem_type);
  return out;
}

}  // namespace attune::nn::models
