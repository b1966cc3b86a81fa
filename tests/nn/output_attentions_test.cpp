// What a model's forward gives as attentions, and a recorder around it sees, is the same.
#include <attune/autograd.h>
#include <attune/nn.h>

#include "../catch.h"

using namespace attune;
using namespace attune::nn::models;

namespace {

template <class Model>
void check_recorded(const Model& model, size_t layers) {
  model.eval();
  const NoGrad no_grad;
  const Tensor tokens = tensor({{1, 2, 3, 4, 5}, {5, 4, 3, 2, 1}});
  const AttentionRecorder recorder;
  const ModelOutput output = model.forward(tokens, {.output_attentions = true});
  REQUIRE(output.attentions.size() == layers);
  REQUIRE(recorder.records().size() == layers);
  for (size_t layer = 0; layer < layers; ++layer) {
    const Tensor weights = recorder.records()[layer].weights_of();
    CHECK(all(weights == output.attentions[layer]).item<bool>());
  }
  model.forward(tokens);
  CHECK(recorder.records().size() == 2 * layers);
}

}  // namespace

TEST_CASE("a recorder around a model that gives its attentions sees them too") {
  manual_seed(1);
  check_recorded(Gpt2({.vocab_size = 8, .n_positions = 8, .n_embd = 8, .n_layer = 2, .n_head = 2}),
                 2);
  LlamaConfig llama;
  llama.vocab_size = llama.hidden_size = llama.intermediate_size = 8;
  llama.num_hidden_layers = 1;
  llama.num_attention_heads = 2;
  check_recorded(Llama(llama), 1);
  BertConfig bert;
  bert.vocab_size = bert.hidden_size = bert.intermediate_size = 8;
  bert.num_hidden_layers = 1;
  bert.num_attention_heads = 2;
  check_recorded(BertModel(bert), 1);
}
