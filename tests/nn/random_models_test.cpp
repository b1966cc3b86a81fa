// Models of random configs on random tokens, their generation, cost and adapters: made and
// computed, or refused.
#include "../random_calls.h"

#include <attune/nn.h>

using namespace attune;
using namespace attune::test;
using namespace attune::nn;
using namespace attune::nn::models;

namespace {

// A size that may be meant, seldom one that cannot be: a config has many.
int64_t size(Draw& d, int64_t least = 1) {
  return d.oddly_once_in(12) ? d.whole() : least + d.below(3);
}
double number(Draw& d, double usual) { return d.oddly_once_in(12) ? d.number() : usual; }
bool flag(Draw& d) { return d.once_in(2); }
std::string activation_name(Draw& d) {
  return d.oddly_once_in(12) ? "other" : d.one_of({"gelu", "gelu_new", "relu", "silu"});
}
std::optional<int64_t> token(Draw& d) {
  return flag(d) ? std::nullopt : std::optional(d.oddly_once_in(3) ? d.whole() : 0);
}

Gpt2Config gpt2_config(Draw& d) {
  Gpt2Config c;
  c.vocab_size = size(d, 3);
  c.n_positions = size(d, 3);
  c.n_head = size(d);
  c.n_embd = d.oddly_once_in(6) ? size(d) : std::clamp<int64_t>(c.n_head, -3, 3) * (1 + d.below(3));
  c.n_layer = size(d);
  c.n_inner = flag(d) ? 0 : size(d);
  c.activation_function = activation_name(d);
  c.resid_pdrop = c.embd_pdrop = number(d, 0.5);
  c.attn_pdrop = number(d, 0);
  c.layer_norm_epsilon = number(d, 1e-5);
  c.initializer_range = number(d, 0.02);
  c.scale_attn_weights = flag(d);
  c.scale_attn_by_inverse_layer_idx = flag(d);
  c.tie_word_embeddings = flag(d);
  return c;
}

BertConfig bert_config(Draw& d) {
  BertConfig c;
  c.vocab_size = size(d, 3);
  c.num_attention_heads = size(d);
  c.hidden_size = d.oddly_once_in(6)
                      ? size(d)
                      : std::clamp<int64_t>(c.num_attention_heads, -3, 3) * (1 + d.below(3));
  c.num_hidden_layers = size(d);
  c.intermediate_size = size(d);
  c.hidden_act = activation_name(d);
  c.hidden_dropout_prob = number(d, 0.5);
  c.attention_probs_dropout_prob = number(d, 0);
  if (flag(d)) c.classifier_dropout = number(d, 0.5);
  c.max_position_embeddings = size(d, 3);
  c.type_vocab_size = size(d);
  c.initializer_range = number(d, 0.02);
  c.layer_norm_eps = number(d, 1e-5);
  c.pad_token_id = token(d);
  c.tie_word_embeddings = flag(d);
  c.num_labels = size(d);
  if (d.oddly_once_in(4)) c.id2label = {"one", "two"};
  c.problem_type = d.oddly_once_in(2)
                       ? d.one_of({"regression", "multi_label_classification", "other"})
                       : d.one_of({"", "single_label_classification"});
  c.add_pooling_layer = flag(d);
  return c;
}

LlamaConfig llama_config(Draw& d) {
  LlamaConfig c;
  c.vocab_size = size(d, 3);
  c.num_attention_heads = size(d);
  c.hidden_size = d.oddly_once_in(6)
                      ? size(d)
                      : std::clamp<int64_t>(c.num_attention_heads, -3, 3) * 2 * (1 + d.below(2));
  c.intermediate_size = size(d);
  c.num_hidden_layers = size(d);
  c.num_key_value_heads =
      d.oddly_once_in(6) ? size(d) : d.one_of<int64_t>({0, 1, c.num_attention_heads});
  c.head_dim = d.once_in(3) ? 2 * d.below(4) : 0;
  c.hidden_act = activation_name(d);
  c.max_position_embeddings = size(d, 3);
  c.initializer_range = number(d, 0.02);
  c.rms_norm_eps = number(d, 1e-6);
  c.rope_parameters = {.rope_theta = number(d, 10000),
                       .rope_type = d.one_of({"default", "linear", "llama3", "llama3", "linear"}),
                       .factor = number(d, 2),
                       .low_freq_factor = number(d, 1),
                       .high_freq_factor = number(d, 4),
                       .original_max_position_embeddings = d.oddly_once_in(6) ? d.whole() : 8};
  c.attention_dropout = number(d, 0);
  c.attention_bias = flag(d);
  c.mlp_bias = flag(d);
  c.tie_word_embeddings = flag(d);
  c.pad_token_id = token(d);
  return c;
}

Tensor tokens(Draw& d, int64_t rows, int64_t columns) {
  if (d.oddly_once_in(8)) return d.tensor();
  const int64_t id = d.oddly_once_in(6) ? d.whole() : d.below(3);
  return full({rows, columns}, static_cast<double>(id), int64);
}

// What a model takes beside the tokens.
struct Takes {
  bool token_types = false, shifted = false;
  enum { no_labels, of_sequences, of_tokens } labels = no_labels;
};

constexpr Takes causal{.token_types = true, .shifted = true, .labels = Takes::of_tokens};

// Mostly what the model takes; of what it does not, odd calls give some all the same.
ForwardOptions forward_options(Draw& d, const Takes& takes, int64_t rows, int64_t columns) {
  const auto maybe = [&](bool meant, const Tensor& x) {
    return (meant ? d.once_in(3) : d.oddly_once_in(6)) ? x : Tensor();
  };
  const auto odd_or = [&](const Tensor& x) { return d.oddly_once_in(4) ? d.indices() : x; };
  const Tensor of_tokens = zeros({rows, columns}, int64), of_rows = zeros({rows}, int64);
  ForwardOptions o;
  o.attention_mask = maybe(true, d.oddly_once_in(4) ? d.tensor() : ones({rows, columns}, int64));
  o.token_type_ids = maybe(takes.token_types, odd_or(of_tokens));
  o.position_ids = maybe(true, odd_or(arange(columns)));
  o.labels = maybe(takes.labels, odd_or(takes.labels == Takes::of_tokens ? of_tokens : of_rows));
  o.shift_labels = maybe(takes.shifted && !o.labels.defined(), of_tokens);
  o.output_logits = d.below(4) > 0;
  o.output_hidden_states = d.once_in(4);
  o.output_attentions = d.once_in(4);
  return o;
}

// The model as somebody may have left it, on tokens.
template <class Model>
std::vector<Tensor> forward(Draw& d, const Model& model, const Takes& takes) {
  if (d.once_in(6)) model.to(d.dtype());
  if (flag(d)) model.eval();
  if constexpr (requires { model.gradient_checkpointing_enable(); })
    if (d.once_in(4)) model.gradient_checkpointing_enable();
  const int64_t rows = d.below(3), columns = d.below(4);
  const ModelOutput y =
      model.forward(tokens(d, rows, columns), forward_options(d, takes, rows, columns));
  std::vector<Tensor> all = {y.loss, y.logits, y.last_hidden_state, y.pooler_output};
  all.insert(all.end(), y.hidden_states.begin(), y.hidden_states.end());
  return all;
}

GenerationOptions generation_options(Draw& d) {
  const bool greedy = flag(d);
  return {.max_new_tokens = d.oddly_once_in(6) ? d.below(3) - 2 : d.below(6),
          .sampling = {.repetition_penalty = number(d, 1),
                       .temperature = greedy ? 0 : number(d, 1),
                       .top_k = d.oddly_once_in(3) ? d.whole() : d.below(4),
                       .top_p = number(d, 1),
                       .min_p = number(d, 0)},
          .eos_token_id = d.once_in(3) ? d.numbers() : std::vector<int64_t>(),
          .stop = d.once_in(6) ? std::vector<std::vector<int64_t>>{d.numbers()}
                               : std::vector<std::vector<int64_t>>(),
          .seed = 1,
          .num_beams = greedy || d.oddly_once_in(3) ? size(d) : 1,
          .length_penalty = number(d, 1)};
}

template <class Model>
std::vector<Tensor> generated(Draw& d, const Model& model) {
  model.eval();
  std::vector<std::vector<int64_t>> prompts;
  for (int64_t n = d.below(3); n > 0; --n)
    prompts.push_back(d.oddly_once_in(4)
                          ? d.numbers()
                          : std::vector<int64_t>(static_cast<size_t>(1 + d.below(4)), 1));
  generate(model, prompts, generation_options(d));
  return {};
}

template <class Config>
std::vector<Tensor> counted(Draw& d, const Config& config) {
  cost(config, d.oddly_once_in(4) ? d.whole() : 2, d.oddly_once_in(4) ? d.whole() : 2,
       {flag(d), d.oddly_once_in(4) ? d.whole() : 2});
  return {};
}

std::vector<Tensor> adapted(Draw& d, const Gpt2& model) {
  const std::vector<std::string> names = {"all-linear", "c_attn", "mlp.c_proj", "wte",
                                          "lm_head",    "",       "c_attn"};
  std::vector<std::string> targets, saved;
  for (int64_t n = 1 + d.below(2); n > 0; --n)
    targets.push_back(names[static_cast<size_t>(d.below(std::ssize(names)))]);
  if (d.once_in(4)) saved.push_back(names[static_cast<size_t>(d.below(std::ssize(names)))]);
  const Lora lora(model, {size(d), number(d, 8), number(d, 0.5), flag(d), targets, saved});
  if (flag(d)) lora.merge();
  const auto found = forward(d, model, causal);
  if (flag(d)) lora.unload();
  return found;
}

}  // namespace

TEST_CASE("models of random configs are made and computed, or refused") {
  const std::vector<RandomCall> all = {
      custom("Gpt2", [](Draw& d) { return forward(d, Gpt2(gpt2_config(d)), causal); }),
      custom("BertModel",
             [](Draw& d) { return forward(d, BertModel(bert_config(d)), {.token_types = true}); }),
      custom("BertForMaskedLM",
             [](Draw& d) {
               return forward(d, BertForMaskedLM(bert_config(d)),
                              {.token_types = true, .labels = Takes::of_tokens});
             }),
      custom("BertForSequenceClassification",
             [](Draw& d) {
               return forward(d, BertForSequenceClassification(bert_config(d)),
                              {.token_types = true, .labels = Takes::of_sequences});
             }),
      custom("Llama",
             [](Draw& d) {
               return forward(d, Llama(llama_config(d)),
                              {.shifted = true, .labels = Takes::of_tokens});
             }),
      custom("SentenceTransformer",
             [](Draw& d) {
               const SentenceTransformer model(
                   BertModel(bert_config(d)), d.one_of({Pooling::mean, Pooling::cls, Pooling::max}),
                   flag(d), d.below(4));
               const int64_t rows = d.below(3), columns = d.below(4);
               return model(tokens(d, rows, columns),
                            forward_options(d, {.token_types = true}, rows, columns));
             }),
      custom("generate by Gpt2", [](Draw& d) { return generated(d, Gpt2(gpt2_config(d))); }),
      custom("generate by Llama", [](Draw& d) { return generated(d, Llama(llama_config(d))); }),
      custom("cost of Gpt2", [](Draw& d) { return counted(d, gpt2_config(d)); }),
      custom("cost of BertModel", [](Draw& d) { return counted(d, bert_config(d)); }),
      custom("cost of Llama", [](Draw& d) { return counted(d, llama_config(d)); }),
      custom("Lora",
             [](Draw& d) {
               const Gpt2 model(gpt2_config(d));
               return adapted(d, model);
             }),
      custom("sample",
             [](Draw& d) {
               const GenerationOptions options = generation_options(d);
               const bool odd = d.oddly_once_in(2);
               const std::vector<int64_t> seen = odd ? d.numbers() : std::vector<int64_t>{1, 0};
               sample(odd ? d.tensor() : full({3}, d.number()), options.sampling, seen);
               return Tensor();
             }),
  };
  check_random_calls("models", all, sanitized ? 30 : 150);
}
