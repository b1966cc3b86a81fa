#include <attune/array.h>
#include <attune/autograd.h>
#include <attune/nn.h>

#include "../catch.h"
#include "sized.h"

using namespace attune;
using namespace attune::nn::models;

namespace {

struct Step {
  std::vector<std::vector<float>> gradients;
  int64_t peak_bytes = 0;
};

// A step of a fresh model of this config, dropout included.
template <class Model>
Step step(const typename Model::Config& config, bool checkpointing) {
  manual_seed(1);
  const Model model(config);
  model.gradient_checkpointing_enable(checkpointing);
  const Tensor tokens = randint(config.vocab_size, {2, 32});
  const int64_t before = memory_stats().live_bytes;
  reset_peak_memory();
  model.forward(tokens, {.labels = tokens}).loss.backward();
  Step result{{}, memory_stats().peak_bytes - before};
  for (const Tensor& p : model.parameters())
    result.gradients.push_back(p.grad().template to_vector<float>());
  return result;
}

template <class Model>
void check(const typename Model::Config& config) {
  const Step plain = step<Model>(config, false), checkpointed = step<Model>(config, true);
  CHECK(checkpointed.gradients == plain.gradients);
  CHECK(checkpointed.peak_bytes < plain.peak_bytes * 3 / 4);
}

}  // namespace

TEST_CASE("with gradient checkpointing a model takes less memory and learns the same") {
  check<Gpt2>({.vocab_size = 50, .n_positions = 32, .n_embd = 32, .n_layer = 6, .n_head = 2});
  BertConfig bert = sized<BertConfig>(50, 32, 6, 2, 128);
  bert.max_position_embeddings = 32;
  check<BertForMaskedLM>(bert);
  LlamaConfig llama = sized<LlamaConfig>(50, 32, 6, 4, 96);
  llama.num_key_value_heads = 2;
  check<Llama>(llama);
}
