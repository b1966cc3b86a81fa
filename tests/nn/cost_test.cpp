#include <attune/array.h>
#include <attune/autograd.h>
#include <attune/nn.h>
#include <attune/optim.h>

#include <cmath>

#include "../catch.h"
#include "sized.h"

using namespace attune;
using namespace attune::nn::models;

namespace {

// What a step of a model really takes.
struct Measured {
  double forward_flops = 0, backward_flops = 0;
  int64_t parameters = 0, gradient_bytes = 0, peak_bytes = 0;
};

template <class Model>
Tensor loss_of(const Model& model, const Tensor& tokens) {
  ForwardOptions options{.output_logits = false};
  (std::is_same_v<Model, BertForMaskedLM> ? options.labels : options.shift_labels) = tokens;
  return model.forward(tokens, options).loss;
}

template <class Model>
Measured measure(const typename Model::Config& config, int64_t batch, int64_t context,
                 bool checkpointing) {
  const Tensor tokens = randint(1, config.vocab_size, {batch, context});
  const int64_t before = memory_stats().live_bytes;
  const Model model(config);
  model.gradient_checkpointing_enable(checkpointing);
  optim::AdamW optimizer(model.parameters());
  Measured found{.parameters = model.num_parameters()};
  const auto step = [&] {
    loss_of(model, tokens).backward();
    optimizer.step();
    const int64_t with_gradients = memory_stats().live_bytes;
    optimizer.zero_grad();
    found.gradient_bytes = with_gradients - memory_stats().live_bytes;
  };
  step();
  Profiler profiler;
  reset_peak_memory();
  step();
  profiler.stop();
  found.peak_bytes = memory_stats().peak_bytes - before;
  for (const ProfileRow& row : profiler.by_operation())
    (row.backward ? found.backward_flops : found.forward_flops) += row.flops;
  return found;
}

void near(int64_t predicted, int64_t measured, double share) {
  CAPTURE(predicted, measured);
  CHECK(std::abs(static_cast<double>(predicted - measured)) <=
        share * static_cast<double>(measured));
}

template <class Model>
void check(const typename Model::Config& config, int64_t batch, int64_t context) {
  for (const bool checkpointing : {false, true}) {
    CAPTURE(batch, context, checkpointing);
    const Cost predicted = cost(config, batch, context, {.gradient_checkpointing = checkpointing});
    const Measured found = measure<Model>(config, batch, context, checkpointing);
    CHECK(predicted.forward.total() == found.forward_flops);
    CHECK(predicted.backward.total() == found.backward_flops);
    CHECK(predicted.parameters == found.parameters);
    near(predicted.gradient_bytes, found.gradient_bytes, 0.02);
    near(predicted.peak_bytes, found.peak_bytes, 0.05);
  }
}

Gpt2Config gpt2(int64_t vocab, int64_t width, int64_t layers, int64_t heads, double dropout) {
  Gpt2Config c{.vocab_size = vocab, .n_positions = 512, .n_embd = width, .n_layer = layers};
  c.n_head = heads;
  c.resid_pdrop = c.embd_pdrop = c.attn_pdrop = dropout;
  return c;
}

}  // namespace

TEST_CASE("the cost of a GPT-2 step is what it takes") {
  check<Gpt2>(gpt2(65, 128, 3, 4, 0), 6, 64);
  check<Gpt2>(gpt2(65, 96, 3, 4, 0.1), 2, 150);
  check<Gpt2>(gpt2(3000, 64, 2, 4, 0), 3, 100);
  check<Gpt2>(gpt2(300, 64, 4, 1, 0), 1, 400);
  Gpt2Config untied = gpt2(1000, 64, 3, 2, 0);
  untied.tie_word_embeddings = false;
  untied.n_inner = 200;
  check<Gpt2>(untied, 4, 128);
  // Of few rows, products work in more memory than the weight takes.
  Gpt2Config shallow = gpt2(65, 80, 1, 1, 0);
  shallow.n_inner = 1024;
  check<Gpt2>(shallow, 1, 63);
}

TEST_CASE("the cost of a BERT step is what it takes") {
  BertConfig c = sized<BertConfig>(1000, 128, 3, 4, 300);
  check<BertForMaskedLM>(c, 2, 128);
  c.hidden_dropout_prob = c.attention_probs_dropout_prob = 0;
  check<BertForMaskedLM>(c, 1, 400);
}

TEST_CASE("the cost of a LLaMA step is what it takes") {
  LlamaConfig c = sized<LlamaConfig>(1000, 128, 3, 8, 352);
  c.num_key_value_heads = 2;
  check<Llama>(c, 2, 200);
  c.tie_word_embeddings = true;
  c.attention_bias = c.mlp_bias = true;
  check<Llama>(c, 1, 500);
}

TEST_CASE("activations keep what they need, which the cost follows") {
  for (const char* name : {"gelu", "gelu_10", "gelu_new", "leaky_relu", "linear", "mish",
                           "quick_gelu", "relu", "relu2", "relu6", "sigmoid", "silu", "tanh"}) {
    INFO(name);
    Gpt2Config g = gpt2(300, 64, 2, 4, 0);
    g.activation_function = name;
    check<Gpt2>(g, 2, 128);
  }
  for (const char* name : {"linear", "mish", "quick_gelu", "relu", "relu2"}) {
    INFO(name);
    BertConfig b = sized<BertConfig>(300, 64, 2, 4, 256);
    b.hidden_act = name;
    check<BertForMaskedLM>(b, 4, 128);
    LlamaConfig l = sized<LlamaConfig>(300, 64, 2, 4, 256);
    l.hidden_act = name;
    check<Llama>(l, 4, 128);
  }
}

// Products of few rows work in memory of their own, which depends on how the weight is stored.
TEST_CASE("the cost of narrow layers is what they take") {
  for (const int64_t width : {15, 16, 17, 20}) {
    INFO(width);
    check<Gpt2>(gpt2(3000, width, 2, 1, 0), 8, 64);
    check<BertForMaskedLM>(sized<BertConfig>(3000, width, 2, 1, 64), 8, 200);
  }
}

TEST_CASE("attention's part grows with the square of the context, activations do not") {
  const Gpt2Config c = gpt2(65, 128, 4, 4, 0);
  Gpt2Config longer = c;
  longer.n_positions = 8192;
  const Cost one = cost(longer, 1, 4096), two = cost(longer, 1, 8192);
  CHECK(two.forward.attention / one.forward.attention == Approx(4).epsilon(0.05));
  CHECK(two.forward.rest == 2 * one.forward.rest);
  CHECK(static_cast<double>(two.activation_bytes) / static_cast<double>(one.activation_bytes) ==
        Approx(2).epsilon(0.05));
  CHECK(two.score_bytes == 4 * one.score_bytes);
}

TEST_CASE("GPT-3 costs what it is known for, and takes no memory to ask") {
  Gpt2Config c = gpt2(50257, 12288, 96, 96, 0);
  c.n_positions = 2048;
  const int64_t before = memory_stats().live_bytes;
  const Cost gpt3 = cost(c, 1, 2048);
  CHECK(memory_stats().live_bytes == before);
  CHECK(static_cast<double>(gpt3.parameters) == Approx(174.6e9).epsilon(0.001));
  // 3.14e23 for 300 billion tokens, Brown et al. 2020: six times the parameters a token.
  const double a_token = (gpt3.forward.total() + gpt3.backward.total()) / 2048;
  CHECK(a_token * 300e9 == Approx(3.14e23).epsilon(0.05));
}

TEST_CASE("a cost that cannot be is refused") {
  CHECK_THROWS_AS(cost(gpt2(65, 128, 4, 0, 0), 1, 8), ValueError);
  CHECK_THROWS_AS(cost(gpt2(65, 128, 4, 4, 0), 0, 8), ValueError);
  CHECK_THROWS_AS(cost(gpt2(65, 128, 4, 4, 0), 1, 513), ValueError);
  Gpt2Config longer = gpt2(65, 128, 4, 4, 0);
  longer.n_positions = 1 << 20;
  CHECK_THROWS_AS(cost(longer, 1'000'000'000, longer.n_positions), ValueError);
  CHECK(cost(gpt2(65, 128, 4, 4, 0), 1'000'000, 512).peak_bytes > 1'000'000'000'000);
  BertConfig wide;
  wide.hidden_size = wide.intermediate_size = 2147483640;
  CHECK_THROWS_AS(cost(wide, 1, 8), ValueError);
}
