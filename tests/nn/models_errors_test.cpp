// Models, generation, adapters and caches refuse what does not fit by an error that names the
// operation and the module's path, and are afterwards what they were.
#include <limits>

#include "refusals.h"

using namespace attune;
using namespace attune::test;
using namespace attune::nn;
using namespace attune::nn::models;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr int64_t vast = std::numeric_limits<int64_t>::max();

Gpt2Config gpt2_config() {
  Gpt2Config config;
  config.vocab_size = 7;
  config.n_positions = 6;
  config.n_embd = 4;
  config.n_layer = config.n_head = 2;
  return config;
}
BertConfig bert_config() {
  BertConfig config;
  config.vocab_size = 7;
  config.hidden_size = 4;
  config.num_hidden_layers = config.num_attention_heads = 2;
  config.intermediate_size = 8;
  config.max_position_embeddings = 6;
  return config;
}
LlamaConfig llama_config() {
  LlamaConfig config;
  config.vocab_size = 7;
  config.hidden_size = 8;
  config.num_hidden_layers = config.num_attention_heads = 2;
  config.intermediate_size = 12;
  config.max_position_embeddings = 6;
  return config;
}

struct Models : Module {
  Gpt2 gpt2 = child("gpt2", Gpt2(gpt2_config()));
  BertModel bert = child("bert", BertModel(bert_config()));
  BertForMaskedLM masked = child("masked", BertForMaskedLM(bert_config()));
  BertForSequenceClassification classes =
      child("classes", BertForSequenceClassification(bert_config()));
  Llama llama = child("llama", Llama(llama_config()));
  SentenceTransformer sentence = child("sentence", SentenceTransformer(BertModel(bert_config())));
};

// int64 [rows, columns] of this token.
Tensor tokens(int64_t rows, int64_t columns, int64_t token = 1) {
  return watched(full({rows, columns}, static_cast<double>(token), int64));
}

Refusals of_tokens(const Models& m) {
  return {
      shape_error("Gpt2 (gpt2)", [&] { m.gpt2(whole(3)); }),
      shape_error("Gpt2 (gpt2)", [&] { m.gpt2(tokens(1, 7)); }),
      shape_error("Gpt2 (gpt2)", [&] { m.gpt2(whole(1, 2, 3)); }),
      index_error("embedding (gpt2.transformer.wte)", [&] { m.gpt2(tokens(2, 3, 7)); }),
      index_error("embedding (gpt2.transformer.wte)", [&] { m.gpt2(tokens(2, 3, -8)); }),
      dtype_error("embedding (gpt2.transformer.wte)", [&] { m.gpt2(some(2, 3)); }),
      index_error("embedding (gpt2.transformer.wpe)",
                  [&] {
                    m.gpt2(tokens(2, 3), {.position_ids = tensor({0, 1, 6})});
                  }),
      dtype_error("embedding (gpt2.transformer.wpe)",
                  [&] { m.gpt2(tokens(2, 3), {.position_ids = some(3)}); }),
      shape_error("add (gpt2)", [&] { m.gpt2(tokens(2, 3), {.position_ids = whole(2)}); }),
      index_error("embedding (gpt2.transformer.wte)",
                  [&] { m.gpt2(tokens(2, 3), {.token_type_ids = tokens(2, 3, 9)}); }),
      shape_error("attention_mask (gpt2)",
                  [&] { m.gpt2(tokens(2, 3), {.attention_mask = whole(2, 4)}); }),
      shape_error("attention_mask (gpt2)",
                  [&] { m.gpt2(tokens(2, 3), {.attention_mask = whole(3)}); }),
      value_error("attention_mask (gpt2)", "other numbers than 0 and 1",
                  [&] {
                    m.gpt2(tokens(2, 3), {.attention_mask = full({2, 3}, -1e9)});
                  }),
      shape_error("BertModel (bert)", [&] { m.bert(whole(3)); }),
      shape_error("BertModel (bert)", [&] { m.bert(tokens(1, 7)); }),
      index_error("embedding (bert.embeddings.word_embeddings)", [&] { m.bert(tokens(2, 3, 7)); }),
      dtype_error("embedding (bert.embeddings.word_embeddings)", [&] { m.bert(some(2, 3)); }),
      index_error("embedding (bert.embeddings.token_type_embeddings)",
                  [&] { m.bert(tokens(2, 3), {.token_type_ids = tokens(2, 3, 2)}); }),
      index_error("embedding (bert.embeddings.position_embeddings)",
                  [&] {
                    m.bert(tokens(2, 3), {.position_ids = tensor({0, 1, -7})});
                  }),
      shape_error("attention_mask (bert)",
                  [&] { m.bert(tokens(2, 3), {.attention_mask = whole(2, 2)}); }),
      value_error("BertModel (bert)", [&] { m.bert(tokens(2, 3), {.labels = whole(2)}); }),
      shape_error("Llama (llama)", [&] { m.llama(whole(3)); }),
      index_error("embedding (llama.model.embed_tokens)", [&] { m.llama(tokens(2, 3, 7)); }),
      dtype_error("embedding (llama.model.embed_tokens)", [&] { m.llama(some(2, 3)); }),
      shape_error("attention_mask (llama)",
                  [&] { m.llama(tokens(2, 3), {.attention_mask = whole(2, 2)}); }),
      shape_error("BertModel (sentence.0.auto_model)", [&] { m.sentence(whole(3)); }),
      shape_error("attention_mask (sentence.0.auto_model)",
                  [&] { m.sentence(tokens(2, 3), {.attention_mask = whole(2, 2)}); }),
  };
}

Refusals of_labels(const Models& m) {
  const auto with = [](const Tensor& labels, bool logits = true) -> ForwardOptions {
    return {.labels = labels, .output_logits = logits};
  };
  return {
      shape_error("causal_lm_loss (gpt2)", "those of [B, T, …] are [B, T]",
                  [=] { m.gpt2.forward(tokens(2, 3), with(whole(2))); }),
      shape_error("causal_lm_loss (gpt2)",
                  [=] { m.gpt2.forward(tokens(2, 3), with(whole(2, 4))); }),
      index_error("cross_entropy (gpt2)",
                  [=] { m.gpt2.forward(tokens(2, 3), with(tokens(2, 3, 7))); }),
      dtype_error("cross_entropy (gpt2)",
                  [=] { m.gpt2.forward(tokens(2, 3), with(some(2, 3) > 0)); }),
      shape_error("causal_lm_loss (gpt2)",
                  [=] { m.gpt2.forward(tokens(2, 3), with(whole(2, 4), false)); }),
      index_error("linear_cross_entropy (gpt2.lm_head)",
                  [=] { m.gpt2.forward(tokens(2, 3), with(tokens(2, 3, 7), false)); }),
      shape_error("causal_lm_loss (gpt2)",
                  [=] { m.gpt2.forward(tokens(2, 3), {.shift_labels = whole(2, 4)}); }),
      value_error("BertModel (masked.bert)", "give labels",
                  [=] { m.masked.forward(tokens(2, 3), {.shift_labels = whole(2, 3)}); }),
      shape_error("masked_lm_loss (masked)",
                  [=] { m.masked.forward(tokens(2, 3), with(whole(2, 4))); }),
      index_error("cross_entropy (masked)",
                  [=] { m.masked.forward(tokens(2, 3), with(tokens(2, 3, -8))); }),
      shape_error("cross_entropy (classes)",
                  [=] { m.classes.forward(tokens(2, 3), with(whole(3))); }),
      index_error("cross_entropy (classes)",
                  [=] {
                    m.classes.forward(tokens(2, 3), with(tensor({0, 2})));
                  }),
      shape_error("sequence_classification_loss (classes)", "takes labels of the same shape",
                  [=] { m.classes.forward(tokens(2, 3), with(some(3))); }),
      shape_error("sequence_classification_loss", "regression takes [B] or [B, 1]",
                  [] { sequence_classification_loss(some(2, 1), some(3)); }),
      shape_error("sequence_classification_loss", "labels [] do not fit logits [1, 1]",
                  [] { sequence_classification_loss(some(1, 1), full({}, 1.0)); }),
      shape_error("causal_lm_loss (llama)",
                  [=] { m.llama.forward(tokens(2, 3), with(whole(2, 4))); }),
      index_error("cross_entropy (llama)",
                  [=] { m.llama.forward(tokens(2, 3), with(tokens(2, 3, 7))); }),
      shape_error("sequence_classification_loss",
                  [] { sequence_classification_loss(some(2), whole(2)); }),
      value_error("sequence_classification_loss",
                  [] { sequence_classification_loss(some(2, 3), whole(2), "ranking"); }),
      shape_error("pool", [] { pool(some(2, 3), {}, Pooling::mean); }),
      shape_error("pool", [] { pool(some(2, 3, 4), whole(2, 4), Pooling::mean); }),
      shape_error("pool", [] { pool(some(2, 0, 4), {}, Pooling::cls); }),
      shape_error("pool", [] { pool(some(2, 0, 4), {}, Pooling::max); }),
      shape_error("split_heads", [] { split_heads(some(2, 3, 4), 0); }),
      shape_error("split_heads", [] { split_heads(some(2, 3, 4), 3); }),
      shape_error("split_heads", [] { split_heads(some(2, 3), 1); }),
      shape_error("merge_heads", [] { merge_heads(some(2, 3, 4)); }),
  };
}

template <class Model, class Config, class Change>
Refusal refused(const char* begins, Config config, Change change) {
  change(config);
  return value_error(begins, [config] { Model{config}; });
}

Refusals of_configs(const Models& m) {
  const auto gpt2 = [](auto change) { return refused<Gpt2>("Gpt2", gpt2_config(), change); };
  const auto bert = [](auto change) { return refused<BertModel>("Bert", bert_config(), change); };
  const auto llama = [](auto change) { return refused<Llama>("Llama", llama_config(), change); };
  Refusals all;
  for (const int64_t size : {int64_t{0}, int64_t{-1}, -vast, vast}) {
    for (const auto field : {&Gpt2Config::vocab_size, &Gpt2Config::n_positions, &Gpt2Config::n_embd,
                             &Gpt2Config::n_layer, &Gpt2Config::n_head})
      all.push_back(gpt2([=](Gpt2Config& c) { c.*field = size; }));
    for (const auto field :
         {&BertConfig::vocab_size, &BertConfig::hidden_size, &BertConfig::num_hidden_layers,
          &BertConfig::num_attention_heads, &BertConfig::intermediate_size,
          &BertConfig::max_position_embeddings, &BertConfig::type_vocab_size})
      all.push_back(bert([=](BertConfig& c) { c.*field = size; }));
    for (const auto field :
         {&LlamaConfig::vocab_size, &LlamaConfig::hidden_size, &LlamaConfig::intermediate_size,
          &LlamaConfig::num_hidden_layers, &LlamaConfig::num_attention_heads,
          &LlamaConfig::max_position_embeddings})
      all.push_back(llama([=](LlamaConfig& c) { c.*field = size; }));
  }
  const Refusals more = {
      gpt2([](Gpt2Config& c) { c.n_head = 3; }),
      gpt2([](Gpt2Config& c) { c.n_inner = -1; }),
      bert([](BertConfig& c) { c.num_attention_heads = 3; }),
      bert([](BertConfig& c) { c.pad_token_id = 7; }),
      bert([](BertConfig& c) { c.id2label = {"one"}; }),
      llama([](LlamaConfig& c) { c.num_attention_heads = 3; }),
      llama([](LlamaConfig& c) { c.num_key_value_heads = 3; }),
      llama([](LlamaConfig& c) { c.num_key_value_heads = -1; }),
      llama([](LlamaConfig& c) { c.head_dim = 3; }),
      llama([](LlamaConfig& c) { c.head_dim = -2; }),
      llama([](LlamaConfig& c) { c.pad_token_id = 7; }),
      llama([](LlamaConfig& c) { c.rope_parameters.rope_type = "yarn"; }),
      llama([](LlamaConfig& c) { c.rope_parameters = {.rope_type = "linear", .factor = 0}; }),
      llama([](LlamaConfig& c) { c.rope_parameters.rope_theta = -1; }),
      llama([](LlamaConfig& c) { c.rope_parameters.rope_theta = infinity; }),
      llama(
          [](LlamaConfig& c) { c.rope_parameters = {.rope_type = "linear", .factor = infinity}; }),
      llama([](LlamaConfig& c) {
        c.rope_parameters = {.rope_type = "llama3", .original_max_position_embeddings = 0};
      }),
      refused<Gpt2>("Gpt2", gpt2_config(), [](Gpt2Config& c) { c.resid_pdrop = 1.5; }),
      refused<Gpt2>("Gpt2", gpt2_config(), [](Gpt2Config& c) { c.activation_function = "gelu3"; }),
      refused<BertModel>("Bert", bert_config(), [](BertConfig& c) { c.hidden_dropout_prob = -1; }),
      refused<BertModel>("Bert", bert_config(), [](BertConfig& c) { c.layer_norm_eps = -1; }),
      refused<Llama>("Llama", llama_config(), [](LlamaConfig& c) { c.rms_norm_eps = -1; }),
      refused<Llama>("Llama", llama_config(), [](LlamaConfig& c) { c.hidden_act = ""; }),
      value_error("SentenceTransformer",
                  [&] { SentenceTransformer(m.bert, Pooling::mean, true, 7); }),
      value_error("SentenceTransformer",
                  [&] { SentenceTransformer(m.bert, Pooling::mean, true, -1); }),
      value_error("cost", [] { cost(gpt2_config(), 0, 6); }),
      value_error("cost", [] { cost(gpt2_config(), 2, 7); }),
      value_error("cost", [] { cost(gpt2_config(), vast, 6); }),
      value_error("cost", [] { cost(bert_config(), -1, 6); }),
      value_error("cost", [] { cost(llama_config(), 1, 0); }),
      value_error("cost", [] { cost(gpt2_config(), 2, 6, {.optimizer_moments = -1}); }),
      value_error("cost", [] { cost(gpt2_config(), 2, 6, {.optimizer_moments = vast}); }),
  };
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

Refusals of_generation(const Models& m) {
  using Prompts = std::vector<std::vector<int64_t>>;
  const auto refuse = [&](Prompts prompts, GenerationOptions options = {}) {
    return value_error("generate", [&m, prompts, options] { generate(m.gpt2, prompts, options); });
  };
  const auto sampled = [&](SamplingOptions options) {
    return refuse({{1}}, {.sampling = options});
  };
  const auto logits = [](std::vector<float> values, SamplingOptions options = {}) {
    return value_error("sample", [=] { pick(values, options, 0.5); });
  };
  return {
      refuse({{}}),
      value_error("generate", "next_logits",
                  [] {
                    generate(LanguageModel{{}, 4}, {{1}});
                  }),
      refuse({{1}, {}}),
      refuse({{1, 1, 1, 1, 1, 1, 1}}),
      shape_error("Gpt2 (gpt2)",
                  [&] {
                    const NoGrad no_grad;
                    KvCache cache(100);
                    for (int i = 0; i < 7; ++i) m.gpt2.next_logits(tokens(1, 1), {1}, cache);
                  }),
      refuse({{1}}, {.max_new_tokens = -1}),
      refuse({{1}}, {.num_beams = 0}),
      refuse({{1}}, {.num_beams = 2, .length_penalty = HUGE_VAL}),
      refuse({{1}}, {.sampling = {.temperature = 1}, .num_beams = 2}),
      index_error("embedding (gpt2.transformer.wte)", [&] { generate(m.gpt2, {{7}}); }),
      index_error("embedding (llama.model.embed_tokens)", [&] { generate(m.llama, {{-8}}); }),
      sampled({.temperature = -1}),
      sampled({.temperature = HUGE_VAL}),
      sampled({.temperature = std::nan("")}),
      sampled({.top_k = -1}),
      sampled({.top_p = -0.1}),
      sampled({.top_p = 1.5}),
      sampled({.min_p = -1}),
      sampled({.repetition_penalty = 0}),
      logits({}),
      logits({std::nanf("")}),
      logits({-HUGE_VALF}),
      shape_error("sample", [] { sample(some(2, 3), {}); }),
      value_error("sample", [] { sample(zeros({0}), {}); }),
      value_error("sample", [] { sample(full({3}, std::nan("")), {}); }),
  };
}

Refusals of_adapters(const Models& m) {
  const auto lora = [&](LoraConfig config) {
    return value_error("Lora", [&m, config] { Lora(m.gpt2, config); });
  };
  return {
      lora({}),
      lora({.r = 0, .target_modules = {"c_attn"}}),
      lora({.r = -1, .target_modules = {"c_attn"}}),
      lora({.r = vast, .target_modules = {"c_attn"}}),
      lora({.lora_alpha = std::nan(""), .target_modules = {"c_attn"}}),
      lora({.lora_dropout = 1.5, .target_modules = {"c_attn"}}),
      lora({.target_modules = {"attn_c"}}),
      lora({.target_modules = {""}}),
      lora({.target_modules = {"ln_1"}}),
      lora({.target_modules = {"lm_head"}}),
      lora({.target_modules = {"c_attn"}, .modules_to_save = {"head"}}),
  };
}

Refusals of_caches() {
  const auto step = [](auto use) {
    return [use] {
      KvCache cache(4);
      cache.begin(2, 2);
      use(cache);
    };
  };
  return {
      value_error("kv_cache", step([](KvCache& c) { c.begin(2, 0); })),
      value_error("kv_cache", step([](KvCache& c) { c.begin(2, -1); })),
      value_error("kv_cache", step([](KvCache& c) { c.begin(-1, 1); })),
      value_error("kv_cache", [] { KvCache(4).begin(int64_t{1} << 21, 1); }),
      value_error("kv_cache", step([](KvCache& c) { c.begin(2, vast); })),
      value_error("kv_cache", step([](KvCache& c) { c.begin(2, 5); })),
      value_error("kv_cache", step([](KvCache& c) { c.begin(vast, 1, {1}); })),
      shape_error("kv_cache", step([](KvCache& c) {
                    c.commit();
                    c.begin(3, 1);
                  })),
      shape_error("kv_cache", step([](KvCache& c) { c.begin(2, 1, {1}); })),
      value_error("kv_cache", step([](KvCache& c) {
                    c.begin(2, 1, {1, 2});
                  })),
      value_error("kv_cache", step([](KvCache& c) {
                    c.begin(2, 1, {1, -1});
                  })),
      value_error("kv_cache", [] { KvCache(4).append(0, some(2, 1, 1, 4), some(2, 1, 1, 4)); }),
      index_error("kv_cache",
                  step([](KvCache& c) { c.append(-1, some(2, 1, 2, 4), some(2, 1, 2, 4)); })),
      index_error("kv_cache",
                  step([](KvCache& c) { c.append(vast, some(2, 1, 2, 4), some(2, 1, 2, 4)); })),
      shape_error("kv_cache",
                  step([](KvCache& c) { c.append(0, some(2, 1, 3, 4), some(2, 1, 3, 4)); })),
      shape_error("kv_cache",
                  step([](KvCache& c) { c.append(0, some(2, 1, 2, 4), some(2, 2, 4)); })),
      grad_error("kv_cache", step([](KvCache& c) {
                   c.append(0, some(2, 1, 2, 4).requires_grad_(), some(2, 1, 2, 4));
                 })),
      shape_error("kv_cache", step([](KvCache& c) {
                    c.append(0, some(2, 1, 2, 4), some(2, 1, 2, 4));
                    c.append(0, some(2, 2, 2, 4), some(2, 2, 2, 4));
                  })),
      index_error("kv_cache", step([](KvCache& c) {
                    c.reorder({0, 2});
                  })),
      value_error("kv_cache", step([](KvCache& c) {
                    c.begin(2, 1, {1, 0});
                    c.append(0, some(2, 1, 1, 4), some(2, 1, 1, 4), true);
                  })),
      index_error("kv_cache", step([](KvCache& c) { c.reorder({-1}); })),
  };
}

}  // namespace

TEST_CASE("models refuse bad input by their path, and stay what they are") {
  Models m;
  m.eval();
  const auto outputs = [&] {
    std::vector<std::vector<float>> all;
    for (const Tensor& y :
         {m.gpt2(tokens(2, 3)), m.bert(tokens(2, 3)), m.masked(tokens(2, 3)),
          m.classes(tokens(2, 3)), m.llama(tokens(2, 3)), m.sentence(tokens(2, 3))})
      all.push_back(y.to_vector<float>());
    return all;
  };
  const auto before = outputs();
  check_refusals(
      "models",
      {of_tokens(m), of_labels(m), of_configs(m), of_generation(m), of_adapters(m), of_caches()},
      m);
  CHECK(outputs() == before);
}
