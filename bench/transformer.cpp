// Training steps of whole models, and attention by itself.

#include <attune/attune.h>

#include "serve.h"

using namespace attune;

namespace {

// Gradients cost twice the forward. The tables of embeddings are read, not multiplied; the one of
// tokens is the classifier as well.
double gpt_flops(const nn::models::Gpt2& model, int64_t batch, int64_t length) {
  const auto& config = model.config();
  double weights = 0;
  for (const auto& [name, parameter] : model.named_parameters())
    if (parameter.dim() == 2 && name != "transformer.wpe.weight")
      weights += static_cast<double>(parameter.numel());
  const auto tokens = static_cast<double>(batch * length);
  const auto attended = static_cast<double>(length) / 2;
  return 6 * tokens * weights +
         12 * tokens * attended * static_cast<double>(config.n_embd * config.n_layer);
}

// AdamW reads a weight, its gradient and two moments, and writes all but the gradient.
double adamw_bytes(int64_t values) { return 7.0 * sizeof(float) * static_cast<double>(values); }

// Forward, loss, backward and AdamW.
bench::Work gpt_step(const nn::models::Gpt2Config& config, int64_t batch, int64_t length) {
  const nn::models::Gpt2 model(config);
  const auto optimizer = std::make_shared<optim::AdamW>(model.parameters());
  const Tensor inputs = randint(config.vocab_size, {batch, length});
  const Tensor targets = randint(config.vocab_size, {batch, length});
  return {
      [=] {
        model.forward(inputs, {.shift_labels = targets, .output_logits = false}).loss.backward();
        optimizer->step();
        optimizer->zero_grad();
      },
      gpt_flops(model, batch, length), adamw_bytes(model.num_parameters())};
}

// The defaults of its config are GPT-2's smallest, of 124 million parameters.
nn::models::Gpt2Config without_dropout(nn::models::Gpt2Config config = {}) {
  config.resid_pdrop = config.embd_pdrop = config.attn_pdrop = 0;
  return config;
}

bench::Work char_gpt() {
  return gpt_step(
      without_dropout(
          {.vocab_size = 65, .n_positions = 64, .n_embd = 128, .n_layer = 4, .n_head = 4}),
      12, 64);
}

bench::Work gpt2() { return gpt_step(without_dropout(), 4, 64); }
// The same work, with matrix products in bfloat16.
bench::Work at_medium_precision(bench::Work work) {
  work.step = [step = work.step] {
    const MatmulPrecisionScope medium(MatmulPrecision::medium);
    step();
  };
  return work;
}

bench::Work gpt2_bf16() { return at_medium_precision(gpt2()); }
bench::Work gpt2_long() { return gpt_step(without_dropout(), 1, 1024); }

// BERT-base, 8 texts of 128 tokens; as for GPT, but all tokens attend to all and no table is
// multiplied.
bench::Work bert_inference() {
  nn::models::BertConfig base;
  base.add_pooling_layer = false;
  const nn::models::BertModel model(base);
  model.eval();
  const auto& config = model.config();
  const int64_t batch = 8, length = 128;
  double weights = 0;
  for (const auto& [name, parameter] : model.named_parameters())
    if (parameter.dim() == 2 && name.find("embeddings") == std::string::npos)
      weights += static_cast<double>(parameter.numel());
  const auto tokens = static_cast<double>(batch * length);
  const auto width = static_cast<double>(config.hidden_size * config.num_hidden_layers);
  const Tensor ids = randint(config.vocab_size, {batch, length});
  return {[=] {
            const NoGrad no_grad;
            model(ids);
          },
          2 * tokens * weights + 4 * tokens * static_cast<double>(length) * width, 0};
}

bench::Work bert_inference_bf16() { return at_medium_precision(bert_inference()); }

// Causal, 12 heads of 64; two products forward, five backward, over half of the score matrix.
template <int64_t length>
bench::Work attention() {
  constexpr int64_t heads = 12, width = 64;
  std::vector<Tensor> inputs;
  for (int i = 0; i < 3; ++i) {
    inputs.push_back(randn({1, heads, length, width}));
    inputs.back().requires_grad_();
  }
  const Tensor cotangent = randn({1, heads, length, width});
  const double pairs = static_cast<double>(heads * length) * static_cast<double>(length) / 2;
  return {[=] {
            const Tensor y =
                scaled_dot_product_attention(inputs[0], inputs[1], inputs[2], Mask::causal());
            grad({y}, inputs, {cotangent});
          },
          7 * 2 * pairs * width, 0};
}

}  // namespace

int main(int argc, char** argv) {
  return bench::main(argc, argv,
                     {{"gpt2_step", gpt2},
                      {"gpt2_step_bf16", gpt2_bf16},
                      {"gpt2_step_t1024", gpt2_long},
                      {"char_gpt_step", char_gpt},
                      {"bert_inference_bf16", bert_inference_bf16},
                      {"attention_t256", attention<256>},
                      {"attention_t1024", attention<1024>},
                      {"attention_t4096", attention<4096>},
                      {"attention_t16384", attention<16384>}},
                     set_num_threads);
}
