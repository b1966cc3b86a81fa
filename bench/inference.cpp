// Models at work: writing, embedding, encoding.

#include <attune/attune.h>

#include "serve.h"

using namespace attune;

namespace {

// Weights that every token is multiplied with: all matrices but the tables that are only looked up.
double multiplied(const nn::Module& model, std::initializer_list<std::string_view> tables) {
  double weights = 0;
  for (const auto& [name, parameter] : model.named_parameters()) {
    const bool table =
        std::any_of(tables.begin(), tables.end(), [&](auto end) { return name.ends_with(end); });
    if (parameter.dim() == 2 && !table) weights += static_cast<double>(parameter.numel());
  }
  return weights;
}

// GPT-2 124M, greedily. A step reads every weight once, and the keys and values of all before. At
// medium precision weights are read in bfloat16.
bench::Work generation(int64_t batch, int64_t prompt, int64_t tokens,
                       MatmulPrecision precision = MatmulPrecision::highest) {
  const nn::models::Gpt2Config config;
  const nn::models::Gpt2 model(config);
  model.eval();
  std::vector<std::vector<int64_t>> prompts;
  for (int64_t i = 0; i < batch; ++i)
    prompts.push_back(randint(config.vocab_size, {prompt}).to_vector<int64_t>());
  const double weights = multiplied(model, {"wpe.weight"});
  const double classifier = static_cast<double>(config.vocab_size * config.n_embd);
  const auto steps = static_cast<double>(tokens - 1), rows = static_cast<double>(batch);
  const double held = rows * (static_cast<double>(prompt) + steps / 2) *
                      static_cast<double>(2 * config.n_layer * config.n_embd);
  const double weight_bytes = precision == MatmulPrecision::highest ? 4 : 2;
  return {[=] {
            const MatmulPrecisionScope scope(precision);
            generate(model, prompts, {.max_new_tokens = tokens});
          },
          2 * rows * (static_cast<double>(prompt) * (weights - classifier) + classifier),
          steps * (weight_bytes * weights + sizeof(float) * held)};
}

bench::Work generate_one() { return generation(1, 64, 64); }
bench::Work generate_eight() { return generation(8, 64, 64); }
bench::Work generate_one_bf16() { return generation(1, 64, 64, MatmulPrecision::medium); }
bench::Work generate_eight_bf16() { return generation(8, 64, 64, MatmulPrecision::medium); }
bench::Work prefill() { return generation(1, 512, 1); }

// The encoder reads `tokens` tokens, each of which attends to `attended`.
double bert_flops(const nn::models::BertModel& bert, double tokens, double attended) {
  const auto& config = bert.config();
  return 2 * tokens * multiplied(bert, {"embeddings.weight", "pooler.dense.weight"}) +
         4 * tokens * attended * static_cast<double>(config.hidden_size * config.num_hidden_layers);
}

bench::Work bert_inference() {
  nn::models::BertConfig config;
  config.add_pooling_layer = false;
  const nn::models::BertModel bert(config);
  bert.eval();
  const Tensor tokens = randint(bert.config().vocab_size, {8, 128});
  return {[=] {
            NoGrad no_grad;
            bert(tokens);
          },
          bert_flops(bert, 8 * 128, 128), 0};
}

// 1,000 sentences of 4 to 64 tokens, those of like length together, so that little is padded.
bench::Work minilm_embed() {
  constexpr int64_t sentences = 1000, batch = 32;
  nn::models::BertConfig config;
  config.hidden_size = 384;
  config.num_hidden_layers = 6;
  config.intermediate_size = 1536;
  config.add_pooling_layer = false;
  const nn::models::SentenceTransformer model{nn::models::BertModel(config)};
  model.eval();
  std::vector<int64_t> lengths;
  for (int64_t i = 0; i < sentences; ++i) lengths.push_back(4 + i * 37 % 61);
  std::sort(lengths.begin(), lengths.end());
  std::vector<std::pair<Tensor, nn::models::ForwardOptions>> batches;
  double tokens = 0, squares = 0;
  for (auto first = lengths.begin(); first != lengths.end();) {
    const auto last = first + std::min<int64_t>(batch, lengths.end() - first);
    const int64_t count = last - first, longest = *(last - 1);
    const Tensor length = tensor(std::vector<int64_t>(first, last), {count, 1});
    batches.push_back({randint(model.bert.config().vocab_size, {count, longest}),
                       {.attention_mask = arange(longest) < length}});
    for (; first != last; ++first) {
      tokens += static_cast<double>(*first);
      squares += static_cast<double>(*first * *first);
    }
  }
  return {[=] {
            NoGrad no_grad;
            for (const auto& [ids, options] : batches) model(ids, options);
          },
          bert_flops(model.bert, tokens, squares / tokens), 0};
}

}  // namespace

int main(int argc, char** argv) {
  return bench::main(argc, argv,
                     {{"gpt2_generate_b1", generate_one},
                      {"gpt2_generate_b8", generate_eight},
                      {"gpt2_generate_b1_bf16", generate_one_bf16},
                      {"gpt2_generate_b8_bf16", generate_eight_bf16},
                      {"gpt2_prefill_t512", prefill},
                      {"bert_inference", bert_inference},
                      {"minilm_embed", minilm_embed}},
                     set_num_threads);
}
