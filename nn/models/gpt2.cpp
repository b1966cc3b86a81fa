#include "gpt2.h"

#include <cmath>

#include "../../array/fail.h"
#include "../../autograd/ops/arithmetic.h"
#include "../../autograd/ops/join.h"
#include "../../autograd/ops/shape.h"
#include "../init.h"
#include "config_fields.h"
#include "init_weights.h"
#include "losses.h"

namespace attune::nn::models {
namespace {

template <class Fields, class Config>
void visit(Fields& fields, Config& c) {
  fields.alias("max_position_embeddings", "n_positions");
  fields.alias("hidden_size", "n_embd");
  fields.alias("num_hidden_layers", "n_layer");
  fields.alias("num_attention_heads", "n_head");
  fields.size("vocab_size", c.vocab_size);
  fields.size("n_positions", c.n_positions);
  fields.size("n_embd", c.n_embd);
  fields.layers("n_layer", c.n_layer);
  fields.size("n_head", c.n_head);
  fields.optional_size("n_inner", c.n_inner);
  fields.activation("activation_function", c.activation_function);
  fields.probability("resid_pdrop", c.resid_pdrop);
  fields.probability("embd_pdrop", c.embd_pdrop);
  fields.probability("attn_pdrop", c.attn_pdrop);
  fields.real("layer_norm_epsilon", c.layer_norm_epsilon, 0, 1);
  fields.real("initializer_range", c.initializer_range, 0, 100);
  fields.flag("scale_attn_weights", c.scale_attn_weights);
  fields.flag("scale_attn_by_inverse_layer_idx", c.scale_attn_by_inverse_layer_idx);
  fields.flag("tie_word_embeddings", c.tie_word_embeddings);
  fields.token("bos_token_id", c.bos_token_id);
  fields.tokens("eos_token_id", c.eos_token_id);
  fields.must_be_flag("is_causal", true);
  fields.must_be_flag("add_cross_attention", false);
}

// What does not fit together; empty if all does.
std::string problem_of(const Gpt2Config& c) {
  std::string problem = problem_of_sizes({{"vocab_size", c.vocab_size},
                                          {"n_positions", c.n_positions},
                                          {"n_embd", c.n_embd},
                                          {"n_head", c.n_head}});
  if (problem.empty()) problem = problem_of_sizes({{"n_layer", c.n_layer}}, 1, most_layers);
  if (problem.empty()) problem = problem_of_sizes({{"n_inner", c.n_inner}}, 0);
  if (problem.empty())
    problem = problem_of_numbers({{"resid_pdrop", c.resid_pdrop},
                                  {"embd_pdrop", c.embd_pdrop},
                                  {"attn_pdrop", c.attn_pdrop},
                                  {"layer_norm_epsilon", c.layer_norm_epsilon}});
  if (problem.empty())
    problem = problem_of_numbers({{"initializer_range", c.initializer_range}}, 100);
  if (problem.empty())
    problem = problem_of_activation("activation_function", c.activation_function);
  if (!problem.empty()) return problem;
  if (c.n_embd % c.n_head != 0)
    return fmt::format("n_embd {} is not a multiple of n_head {}", c.n_embd, c.n_head);
  return {};
}

const Gpt2Config& checked(const Gpt2Config& config) {
  if (const std::string problem = problem_of(config); !problem.empty())
    fail<ValueError>("Gpt2", "{}", problem);
  return config;
}

// Of the step that has begun; the next begin() drops it if this throws.
void check_positions(const KvCache& cache, int64_t longest) {
  const std::vector<int64_t>& seen = cache.lengths();
  const std::vector<int64_t>& counts = cache.counts();
  for (size_t b = 0; b < counts.size(); ++b)
    if (const int64_t before = seen.empty() ? 0 : seen[b]; before + counts[b] > longest)
      fail<ShapeError>("Gpt2",
                       "sequence {} has {} tokens, {} more do not fit the model's {} positions; "
                       "pass its last {} at most, after forget() if the cache holds some",
                       b, before, counts[b], longest, longest);
}

}  // namespace

Gpt2Config Gpt2Config::from_json(std::string_view json, const std::string& source) {
  Gpt2Config config;
  ConfigReader fields(json, source, "gpt2");
  visit(fields, config);
  fields.add_problem(problem_of(config));
  config.others = fields.finish();
  return config;
}

std::string Gpt2Config::to_json() const {
  ConfigWriter fields(others, "gpt2");
  visit(fields, *this);
  return fields.finish();
}

Gpt2Attention::Gpt2Attention(const Gpt2Config& config, int64_t layer)
    : c_attn(child("c_attn", Conv1D(config.n_embd, 3 * config.n_embd))),
      c_proj(child("c_proj", Conv1D(config.n_embd, config.n_embd))),
      heads_(config.n_head),
      dropout_(config.attn_pdrop),
      scale_(1) {
  describe("Gpt2Attention", fmt::format("{}, heads={}", config.n_embd, heads_));
  if (config.scale_attn_weights)
    scale_ /= std::sqrt(static_cast<double>(config.n_embd / config.n_head));
  if (config.scale_attn_by_inverse_layer_idx) scale_ /= static_cast<double>(layer + 1);
}

Tensor Gpt2Attention::operator()(const Tensor& x, const LayerContext& context) const {
  auto scope = enter();
  std::vector<Tensor> qkv = chunk(c_attn(x), 3, -1);
  for (Tensor& part : qkv) part = split_heads(part, heads_);
  const auto [k, v, mask] = keys_and_values(context, qkv[1], qkv[2]);
  return c_proj(merge_heads(
      scaled_dot_product_attention(leaving(qkv[0], context), k, v, mask,
                                   {.dropout = is_training() ? dropout_ : 0, .scale = scale_})));
}

Gpt2Mlp::Gpt2Mlp(const Gpt2Config& config)
    : c_fc(child("c_fc", Conv1D(config.n_embd, config.inner_size()))),
      c_proj(child("c_proj", Conv1D(config.inner_size(), config.n_embd))),
      act(child("act", activation(config.activation_function))) {
  describe("Gpt2Mlp");
}

Tensor Gpt2Mlp::operator()(const Tensor& x) const {
  auto scope = enter();
  return c_proj(act(c_fc(x)));
}

Gpt2Block::Gpt2Block(const Gpt2Config& config, int64_t layer)
    : ln_1(child("ln_1", LayerNorm(config.n_embd, {.eps = config.layer_norm_epsilon}))),
      attn(child("attn", Gpt2Attention(config, layer))),
      ln_2(child("ln_2", LayerNorm(config.n_embd, {.eps = config.layer_norm_epsilon}))),
      mlp(child("mlp", Gpt2Mlp(config))),
      drop(child("drop", Dropout(config.resid_pdrop))) {
  describe("Gpt2Block");
}

Tensor Gpt2Block::operator()(const Tensor& x, const LayerContext& context) const {
  auto scope = enter();
  const Tensor attended = leaving(x, context) + drop(attn(ln_1(x), context));
  return attended + drop(mlp(ln_2(attended)));
}

const CheckpointNames Gpt2::checkpoint_names = {
    .base = "transformer.",
    .buffers = {".attn.bias", ".attn.masked_bias"},
    .heads = {"lm_head.", "score.", "multiple_choice_head.", "classifier.", "qa_outputs."},
    .tied_head = "lm_head.weight",
    .tied_embedding = "wte.weight"};

Gpt2::Gpt2(const Gpt2Config& config)
    : wte(child("transformer.wte", Embedding(checked(config).vocab_size, config.n_embd))),
      wpe(child("transformer.wpe", Embedding(config.n_positions, config.n_embd))),
      drop(child("transformer.drop", Dropout(config.embd_pdrop))),
      h(children("transformer.h", config.n_layer,
                 [&](int64_t layer) { return Gpt2Block(config, layer); })),
      ln_f(child("transformer.ln_f", LayerNorm(config.n_embd, {.eps = config.layer_norm_epsilon}))),
      lm_head(child("lm_head", config.tie_word_embeddings
                                   ? Linear(wte.weight)
                                   : Linear(config.n_embd, config.vocab_size, {.bias = false}))),
      config_(config) {
  describe("Gpt2", fmt::format("layers={}, heads={}, dim={}", config.n_layer, config.n_head,
                               config.n_embd));
  init_weights();
}

void Gpt2::init_weights() const {
  const double residual =
      config_.initializer_range / std::sqrt(2 * static_cast<double>(config_.n_layer));
  models::init_weights(*this, config_.initializer_range);
  for (const auto& [name, tensor] : named_parameters())
    if (name.ends_with("c_proj.weight")) init::normal_(tensor, 0, residual);
}

Tensor Gpt2::embed(const Tensor& input_ids, const ForwardOptions& options) const {
  const Tensor positions = positions_of("Gpt2", input_ids, options, config_.n_positions);
  Tensor x = wte(input_ids) + wpe(positions);
  if (options.token_type_ids.defined()) x = x + wte(options.token_type_ids);
  return drop(x);
}

ModelOutput Gpt2::forward(const Tensor& input_ids, const ForwardOptions& options) const {
  auto scope = enter();
  ModelOutput output;
  Tensor x = embed(input_ids, options);
  const Mask mask = Mask::causal() & padding_mask(options.attention_mask, input_ids);
  std::optional<AttentionRecorder> recorder;
  if (options.output_attentions) recorder.emplace();
  for (const Gpt2Block& block : h) {
    if (options.output_hidden_states) output.hidden_states.push_back(x);
    x = run_block(
        *this, [block, mask](const Tensor& in) { return block(in, {.mask = mask}); }, x);
  }
  if (recorder) output.attentions = all_weights(*recorder);
  output.last_hidden_state = ln_f(x);
  if (options.output_hidden_states) output.hidden_states.push_back(output.last_hidden_state);
  causal_lm_head(lm_head, output.last_hidden_state, options, output);
  return output;
}

Tensor Gpt2::next_logits(const Tensor& input_ids, const std::vector<int64_t>& counts,
                         KvCache& cache) const {
  auto scope = enter();
  cache.begin(input_ids.size(0), input_ids.size(1), counts);
  check_positions(cache, config_.n_positions);
  // Padding may stand beyond the last position.
  const Tensor positions = minimum(cache.positions(), tensor(config_.n_positions - 1));
  Tensor x = wte(input_ids) + wpe(positions);
  for (size_t layer = 0; layer < h.size(); ++layer)
    x = h[layer](x, {.cache = &cache,
                     .layer = static_cast<int64_t>(layer),
                     .last_only = layer + 1 == h.size()});
  cache.commit();
  return lm_head(ln_f(flatten(x, 0, 1)));
}

}  // namespace attune::nn::models
