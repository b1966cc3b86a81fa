#include "llama.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "../../array/fail.h"
#include "../../autograd/ops/arithmetic.h"
#include "../../autograd/ops/shape.h"
#include "../init.h"
#include "config_fields.h"
#include "init_weights.h"
#include "losses.h"

namespace attune::nn::models {
namespace {

constexpr double anything = std::numeric_limits<double>::max();
constexpr double least = std::numeric_limits<double>::min();

template <class Fields, class Rope>
void visit_rope(Fields& fields, Rope& rope) {
  fields.alias("type", "rope_type");  // as before rope_type was so called
  fields.real("rope_theta", rope.rope_theta, least, anything);
  fields.word("rope_type", rope.rope_type);
  fields.must_be_number("partial_rotary_factor", 1);
  if (rope.rope_type == "default") return;
  fields.real("factor", rope.factor, least, anything);
  if (rope.rope_type == "linear") return;
  fields.real("low_freq_factor", rope.low_freq_factor, least, anything);
  fields.real("high_freq_factor", rope.high_freq_factor, least, anything);
  fields.size("original_max_position_embeddings", rope.original_max_position_embeddings);
}

template <class Fields, class Config>
void visit(Fields& fields, Config& c) {
  fields.size("vocab_size", c.vocab_size);
  fields.size("hidden_size", c.hidden_size);
  fields.size("intermediate_size", c.intermediate_size);
  fields.layers("num_hidden_layers", c.num_hidden_layers);
  fields.size("num_attention_heads", c.num_attention_heads);
  fields.optional_size("num_key_value_heads", c.num_key_value_heads);
  fields.optional_size("head_dim", c.head_dim);
  fields.activation("hidden_act", c.hidden_act);
  fields.size("max_position_embeddings", c.max_position_embeddings);
  fields.real("initializer_range", c.initializer_range, 0, 100);
  fields.real("rms_norm_eps", c.rms_norm_eps, 0, 1);
  fields.probability("attention_dropout", c.attention_dropout);
  fields.flag("attention_bias", c.attention_bias);
  fields.flag("mlp_bias", c.mlp_bias);
  fields.flag("tie_word_embeddings", c.tie_word_embeddings);
  fields.padding("pad_token_id", c.pad_token_id);
  fields.token("bos_token_id", c.bos_token_id);
  fields.tokens("eos_token_id", c.eos_token_id);
  fields.object("rope_parameters", [&](auto& inner) { visit_rope(inner, c.rope_parameters); });
  fields.must_be_flag("is_causal", true);
  fields.must_be_number("partial_rotary_factor", 1);
}

constexpr int64_t widest_head = 1 << 20;  // of rotary_frequencies

// What does not fit together; empty if all does.
std::string problem_of(const LlamaConfig& c) {
  std::string problem = problem_of_sizes({{"vocab_size", c.vocab_size},
                                          {"hidden_size", c.hidden_size},
                                          {"intermediate_size", c.intermediate_size},
                                          {"num_attention_heads", c.num_attention_heads},
                                          {"max_position_embeddings", c.max_position_embeddings}});
  if (problem.empty())
    problem = problem_of_sizes({{"num_hidden_layers", c.num_hidden_layers}}, 1, most_layers);
  if (problem.empty())
    problem = problem_of_sizes(
        {{"num_key_value_heads", c.num_key_value_heads}, {"head_dim", c.head_dim}}, 0);
  if (problem.empty())
    problem = problem_of_numbers(
        {{"attention_dropout", c.attention_dropout}, {"rms_norm_eps", c.rms_norm_eps}});
  if (problem.empty())
    problem = problem_of_numbers({{"initializer_range", c.initializer_range}}, 100);
  if (problem.empty()) problem = problem_of_activation("hidden_act", c.hidden_act);
  if (!problem.empty()) return problem;
  if (!c.head_dim && c.hidden_size % c.num_attention_heads != 0)
    return fmt::format("hidden_size {} is not a multiple of num_attention_heads {}", c.hidden_size,
                       c.num_attention_heads);
  if (c.head_width() % 2 != 0 || c.head_width() > widest_head)
    return fmt::format(
        "the width of a head is {}; rotary positions turn pairs, up to a width of {}",
        c.head_width(), widest_head);
  if (c.num_attention_heads % c.key_heads() != 0)
    return fmt::format("num_attention_heads {} is not a multiple of num_key_value_heads {}",
                       c.num_attention_heads, c.key_heads());
  problem = problem_of_padding(c.pad_token_id, c.vocab_size);
  if (!problem.empty()) return problem;
  const RopeParameters& rope = c.rope_parameters;
  if (!(rope.rope_theta > 0 && std::isfinite(rope.rope_theta)))
    return fmt::format("rope_theta is {}; use a positive number", rope.rope_theta);
  if (rope.rope_type != "default" && rope.rope_type != "linear" && rope.rope_type != "llama3")
    return fmt::format("rope_type \"{}\" is none of default, linear, llama3", rope.rope_type);
  if (rope.rope_type != "default" && !(rope.factor > 0 && std::isfinite(rope.factor)))
    return fmt::format("factor is {}; rope_type \"{}\" needs a positive number", rope.factor,
                       rope.rope_type);
  if (rope.rope_type == "llama3" && !(rope.low_freq_factor > 0 && rope.high_freq_factor > 0))
    return "rope_type \"llama3\" needs a low_freq_factor and a high_freq_factor";
  if (rope.rope_type == "llama3" && !(rope.low_freq_factor < rope.high_freq_factor))
    return fmt::format("low_freq_factor {} is not below high_freq_factor {}", rope.low_freq_factor,
                       rope.high_freq_factor);
  if (rope.rope_type == "llama3" && rope.original_max_position_embeddings < 1)
    return fmt::format(
        "original_max_position_embeddings is {}; rope_type \"llama3\" needs the "
        "context that was stretched",
        rope.original_max_position_embeddings);
  return {};
}

const LlamaConfig& checked(const LlamaConfig& config) {
  if (const std::string problem = problem_of(config); !problem.empty())
    fail<ValueError>("Llama", "{}", problem);
  return config;
}

}  // namespace

LlamaConfig LlamaConfig::from_json(std::string_view json, const std::string& source) {
  LlamaConfig config;
  ConfigReader fields(json, source, "llama");
  // Other types than the default have no default numbers.
  RopeParameters& rope = config.rope_parameters;
  rope.factor = rope.low_freq_factor = rope.high_freq_factor = 0;
  rope.original_max_position_embeddings = 0;
  fields.real("rope_theta", rope.rope_theta, least, anything);
  const RopeParameters unstretched = rope;
  visit(fields, config);
  // The name before transformers 5, which counts where both are there.
  fields.object("rope_scaling", [&](ConfigReader& inner) {
    rope = unstretched;
    visit_rope(inner, rope);
  });
  fields.size("original_max_position_embeddings", rope.original_max_position_embeddings);
  if (rope.original_max_position_embeddings == 0)
    rope.original_max_position_embeddings = config.max_position_embeddings;
  fields.add_problem(problem_of(config));
  config.others = fields.finish();
  return config;
}

std::string LlamaConfig::to_json() const {
  ConfigWriter fields(others, "llama");
  visit(fields, *this);
  // For versions before 5 as well.
  fields.real("rope_theta", rope_parameters.rope_theta, least, anything);
  if (rope_parameters.rope_type != "default")
    fields.object("rope_scaling", [&](ConfigWriter& inner) { visit_rope(inner, rope_parameters); });
  return fields.finish();
}

std::vector<double> rope_frequencies(int64_t dim, const RopeParameters& rope) {
  std::vector<double> frequencies = rotary_frequencies(dim, rope.rope_theta);
  if (rope.rope_type == "default") return frequencies;
  if (rope.rope_type != "linear" && rope.rope_type != "llama3")
    fail<ValueError>("rope_frequencies", "rope_type \"{}\" is none of default, linear, llama3",
                     rope.rope_type);
  for (double& frequency : frequencies) {
    const double turns = static_cast<double>(rope.original_max_position_embeddings) * frequency /
                         (2 * std::numbers::pi);
    const double kept = rope.rope_type == "linear"
                            ? 0
                            : std::clamp((turns - rope.low_freq_factor) /
                                             (rope.high_freq_factor - rope.low_freq_factor),
                                         0.0, 1.0);
    frequency *= kept + (1 - kept) / rope.factor;
  }
  return frequencies;
}

LlamaAttention::LlamaAttention(const LlamaConfig& c)
    : q_proj(child("q_proj", Linear(c.hidden_size, c.num_attention_heads * c.head_width(),
                                    {.bias = c.attention_bias}))),
      k_proj(child("k_proj", Linear(c.hidden_size, c.key_heads() * c.head_width(),
                                    {.bias = c.attention_bias}))),
      v_proj(child("v_proj", Linear(c.hidden_size, c.key_heads() * c.head_width(),
                                    {.bias = c.attention_bias}))),
      o_proj(child("o_proj", Linear(c.num_attention_heads * c.head_width(), c.hidden_size,
                                    {.bias = c.attention_bias}))),
      heads_(c.num_attention_heads),
      key_heads_(c.key_heads()),
      dropout_(c.attention_dropout) {
  describe("LlamaAttention",
           fmt::format("{}, heads={}, key heads={}", c.hidden_size, heads_, key_heads_));
}

Tensor LlamaAttention::operator()(const Tensor& x, const RotaryAngles& angles,
                                  const LayerContext& context) const {
  auto scope = enter();
  const Tensor q = rotary_embedding(split_heads(q_proj(x), heads_), angles);
  const auto [k, v, mask] =
      keys_and_values(context, rotary_embedding(split_heads(k_proj(x), key_heads_), angles),
                      split_heads(v_proj(x), key_heads_));
  return o_proj(merge_heads(
      scaled_dot_product_attention(leaving(q, context), k, v, mask,
                                   {.dropout = is_training() ? dropout_ : 0, .enable_gqa = true})));
}

LlamaMlp::LlamaMlp(const LlamaConfig& c)
    : gate_proj(
          child("gate_proj", Linear(c.hidden_size, c.intermediate_size, {.bias = c.mlp_bias}))),
      up_proj(child("up_proj", Linear(c.hidden_size, c.intermediate_size, {.bias = c.mlp_bias}))),
      down_proj(
          child("down_proj", Linear(c.intermediate_size, c.hidden_size, {.bias = c.mlp_bias}))),
      act(child("act_fn", activation(c.hidden_act))) {
  describe("LlamaMlp");
}

Tensor LlamaMlp::operator()(const Tensor& x) const {
  auto scope = enter();
  return down_proj(act(gate_proj(x)) * up_proj(x));
}

LlamaLayer::LlamaLayer(const LlamaConfig& c)
    : self_attn(child("self_attn", LlamaAttention(c))),
      mlp(child("mlp", LlamaMlp(c))),
      input_layernorm(child("input_layernorm", RMSNorm(c.hidden_size, {.eps = c.rms_norm_eps}))),
      post_attention_layernorm(
          child("post_attention_layernorm", RMSNorm(c.hidden_size, {.eps = c.rms_norm_eps}))) {
  describe("LlamaLayer");
}

Tensor LlamaLayer::operator()(const Tensor& x, const RotaryAngles& angles,
                              const LayerContext& context) const {
  auto scope = enter();
  const Tensor attended = leaving(x, context) + self_attn(input_layernorm(x), angles, context);
  return attended + mlp(post_attention_layernorm(attended));
}

const CheckpointNames Llama::checkpoint_names = {.base = "model.",
                                                 .buffers = {".rotary_emb.inv_freq"},
                                                 .heads = {"lm_head.", "score."},
                                                 .tied_head = "lm_head.weight",
                                                 .tied_embedding = "embed_tokens.weight"};

Llama::Llama(const LlamaConfig& config)
    : embed_tokens(
          child("model.embed_tokens", Embedding(checked(config).vocab_size, config.hidden_size,
                                                {.padding_idx = config.pad_token_id}))),
      layers(children("model.layers", config.num_hidden_layers,
                      [&](int64_t) { return LlamaLayer(config); })),
      norm(child("model.norm", RMSNorm(config.hidden_size, {.eps = config.rms_norm_eps}))),
      lm_head(
          child("lm_head", config.tie_word_embeddings
                               ? Linear(embed_tokens.weight)
                               : Linear(config.hidden_size, config.vocab_size, {.bias = false}))),
      config_(config),
      frequencies_(rope_frequencies(config.head_width(), config.rope_parameters)) {
  describe("Llama", fmt::format("layers={}, heads={}, dim={}", config.num_hidden_layers,
                                config.num_attention_heads, config.hidden_size));
  init_weights(*this, config.initializer_range);
  if (config.pad_token_id)
    init::zeros_(select(embed_tokens.weight.detach(), 0, *config.pad_token_id));
}

RotaryAngles Llama::angles_at(const Tensor& positions) const {
  return rotary_angles(positions, frequencies_, embed_tokens.weight.dtype());
}

ModelOutput Llama::forward(const Tensor& input_ids, const ForwardOptions& options) const {
  auto scope = enter();
  if (options.token_type_ids.defined()) fail<ValueError>("Llama", "has no token types");
  // Rotary positions have no last one.
  const RotaryAngles angles =
      angles_at(positions_of("Llama", input_ids, options, std::numeric_limits<int64_t>::max()));
  ModelOutput output;
  Tensor x = embed_tokens(input_ids);
  const Mask mask = Mask::causal() & padding_mask(options.attention_mask, input_ids);
  std::optional<AttentionRecorder> recorder;
  if (options.output_attentions) recorder.emplace();
  for (const LlamaLayer& layer : layers) {
    if (options.output_hidden_states) output.hidden_states.push_back(x);
    const auto run = [layer, angles, mask](const Tensor& in) {
      return layer(in, angles, {.mask = mask});
    };
    x = run_block(*this, run, x);
  }
  if (recorder) output.attentions = all_weights(*recorder);
  output.last_hidden_state = norm(x);
  if (options.output_hidden_states) output.hidden_states.push_back(output.last_hidden_state);
  causal_lm_head(lm_head, output.last_hidden_state, options, output);
  return output;
}

Tensor Llama::next_logits(const Tensor& input_ids, const std::vector<int64_t>& counts,
                          KvCache& cache) const {
  auto scope = enter();
  cache.begin(input_ids.size(0), input_ids.size(1), counts);
  const RotaryAngles angles = angles_at(cache.positions());
  Tensor x = embed_tokens(input_ids);
  for (size_t layer = 0; layer < layers.size(); ++layer)
    x = layers[layer](x, angles,
                      {.cache = &cache,
                       .layer = static_cast<int64_t>(layer),
                       .last_only = layer + 1 == layers.size()});
  cache.commit();
  return lm_head(norm(flatten(x, 0, 1)));
}

}  // namespace attune::nn::models
