#include "cost.h"

#include <algorithm>

#include "../../array/fail.h"
#include "../../kernels/attention_tiles.h"
#include "../init.h"
#include "config_fields.h"
#include "rehearsal.h"

namespace attune::nn::models {
namespace {

using Value = Rehearsal::Value;

// Tokens [batch, context], and what attention makes of them.
struct Tokens {
  int64_t batch, context, rows = 0;
  double scores;  // in the tiles of one head of one sequence that are not masked whole

  Tokens(int64_t sequences, int64_t length, int64_t longest, bool causal)
      : batch(sequences), context(length) {
    if (batch < 1 || batch > largest_size || context < 1 || context > longest)
      fail<ValueError>("cost", "batch {} and context {}; use 1 to {} and 1 to {}", batch, context,
                       largest_size, longest);
    rows = batch * context;
    kernels::AttentionMask mask;
    if (causal) mask.highest = 0;
    scores =
        kernels::scores_in_tiles(kernels::Masking<float>(mask, {1, context, context}), 1, context);
  }
};

struct Heads {
  int64_t queries, keys, width;
};

// Attention of q, k and v after their heads were split, and the product behind it.
Value attend(Rehearsal& r, const Tokens& t, const Heads& heads, Value q, Value k, Value v,
             int64_t out, bool bias) {
  const Value y = r.attention(q, k, v, t.scores * static_cast<double>(t.batch * heads.queries),
                              heads.width, t.rows * heads.queries, t.context);
  for (const Value x : {q, k, v}) r.drop(x);
  const Value merged = r.alias(y);
  r.drop(y);
  const Value z = r.linear(merged, t.rows, heads.queries * heads.width, out, bias);
  r.drop(merged);
  return z;
}

Value split_heads(Rehearsal& r, Value x) {
  const Value y = r.alias(x);
  r.drop(x);
  return y;
}

// x + dropout(y), without either afterwards unless x is to stay.
Value residual(Rehearsal& r, Value x, Value y, double dropout, bool keep = false) {
  const Value dropped = r.dropout(y, dropout), sum = r.add(x, dropped);
  for (const Value z : {y, dropped}) r.drop(z);
  if (!keep) r.drop(x);
  return sum;
}

// Linear, activation, linear.
Value feed_forward(Rehearsal& r, Value x, int64_t rows, int64_t width, int64_t inner,
                   const std::string& activation) {
  const Value up = r.linear(x, rows, width, inner, true);
  const Value bent = r.activation(up, activation);
  r.drop(up);
  const Value down = r.linear(bent, rows, inner, width, true);
  r.drop(bent);
  return down;
}

Value gpt2_block(Rehearsal& r, const Gpt2Config& c, const Tokens& t, Value x) {
  const Heads heads{c.n_head, c.n_head, c.n_embd / c.n_head};
  const Value first = r.norm(x, t.rows, c.n_embd, true);
  const Value qkv = r.linear(first, t.rows, c.n_embd, 3 * c.n_embd, true);
  r.drop(first);
  const Value q = r.part(qkv, 3), k = r.part(qkv, 3), v = r.part(qkv, 3);
  r.drop(qkv);
  const Value attended =
      attend(r, t, heads, split_heads(r, q), split_heads(r, k), split_heads(r, v), c.n_embd, true);
  const Value middle = residual(r, x, attended, c.resid_pdrop, true);
  const Value second = r.norm(middle, t.rows, c.n_embd, true);
  const Value fed =
      feed_forward(r, second, t.rows, c.n_embd, c.inner_size(), c.activation_function);
  r.drop(second);
  return residual(r, middle, fed, c.resid_pdrop);
}

Value bert_block(Rehearsal& r, const BertConfig& c, const Tokens& t, Value x) {
  const int64_t width = c.hidden_size, count = c.num_attention_heads;
  const auto project = [&] { return split_heads(r, r.linear(x, t.rows, width, width, true)); };
  const Value q = project(), k = project(), v = project();
  const Value attended = attend(r, t, {count, count, width / count}, q, k, v, width, true);
  const Value sum = residual(r, x, attended, c.hidden_dropout_prob, true);
  const Value middle = r.norm(sum, t.rows, width, true);
  r.drop(sum);
  const Value fed = feed_forward(r, middle, t.rows, width, c.intermediate_size, c.hidden_act);
  const Value last = residual(r, middle, fed, c.hidden_dropout_prob);
  const Value y = r.norm(last, t.rows, width, true);
  r.drop(last);
  return y;
}

Value llama_block(Rehearsal& r, const LlamaConfig& c, const Tokens& t, Value x) {
  const int64_t width = c.hidden_size, inner = c.intermediate_size;
  const Heads heads{c.num_attention_heads, c.key_heads(), c.head_width()};
  const Value first = r.norm(x, t.rows, width, false);
  const auto project = [&](int64_t count, bool turned) {
    const Value y =
        split_heads(r, r.linear(first, t.rows, width, count * heads.width, c.attention_bias));
    if (!turned) return y;
    const Value z = r.rotary(y);
    r.drop(y);
    return z;
  };
  const Value q = project(heads.queries, true), k = project(heads.keys, true),
              v = project(heads.keys, false);
  r.drop(first);
  const Value attended = attend(r, t, heads, q, k, v, width, c.attention_bias);
  const Value middle = residual(r, x, attended, 0, true);
  const Value second = r.norm(middle, t.rows, width, false);
  const Value gate = r.linear(second, t.rows, width, inner, c.mlp_bias);
  const Value bent = r.activation(gate, c.hidden_act);
  const Value up = r.linear(second, t.rows, width, inner, c.mlp_bias), both = r.multiply(bent, up);
  const Value down = r.linear(both, t.rows, inner, width, c.mlp_bias);
  for (const Value done : {second, gate, bent, up, both}) r.drop(done);
  return residual(r, middle, down, 0);
}

// Scores of all layers and heads.
double scores_of(const Tokens& t, int64_t layers, int64_t heads) {
  return static_cast<double>(layers * heads) * static_cast<double>(t.rows) *
         static_cast<double>(t.context);
}

// ValueError unless all bytes together can be counted in 62 bits. width: the widest of what a block
// makes of a token; rows_of_tables: of all embeddings together.
void check_countable(const Tokens& t, int64_t layers, int64_t width, int64_t rows_of_tables) {
  // Above what a block takes of such values, moments, gradients and scratch memory included.
  constexpr double most_values = 512;
  const double each = static_cast<double>(width),
               blocks = most_values * static_cast<double>(layers + 1),
               threads = 64.0 * num_threads();
  const double bytes = each * (static_cast<double>(t.rows) * (blocks + threads) +
                               (each + static_cast<double>(rows_of_tables)) * blocks);
  if (bytes > 0x1p62)
    fail<ValueError>(
        "cost",
        "batch {} and context {} of a model with {} layers, up to {} wide, take more bytes "
        "than can be counted; use fewer",
        t.batch, t.context, layers, width);
}

// x after all blocks.
template <class Block>
Value run_blocks(Rehearsal& r, Value x, int64_t layers, const CostOptions& options,
                 const Block& block) {
  for (int64_t i = 0; i < layers; ++i) {
    const Value y = options.gradient_checkpointing ? r.checkpoint(x, block) : block(x);
    r.drop(x);
    x = y;
  }
  return x;
}

// A model of shapes alone. ValueError where the numbers of the config do not fit together.
template <class Model>
Model outline(const typename Model::Config& config) {
  const init::EmptyWeights shapes_alone;
  return Model(config);
}

Cost finish(Rehearsal& r, const Module& model, double scores_held, const CostOptions& options) {
  if (constexpr int64_t most = 16;
      options.optimizer_moments < 0 || options.optimizer_moments > most)
    fail<ValueError>("cost", "optimizer_moments is {}; use 0 to {}", options.optimizer_moments,
                     most);
  r.backward();
  Cost cost{.forward = r.forward_flops(),
            .backward = r.backward_flops(),
            .gradient_bytes = r.gradient_bytes(),
            .activation_bytes = r.peak_activations(),
            .score_bytes = scores_held * sizeof(float)};
  for (const Tensor& parameter : model.parameters()) {
    cost.parameters += parameter.numel();
    cost.parameter_bytes += Rehearsal::tensor_bytes(parameter.numel());
  }
  cost.optimizer_bytes = options.optimizer_moments * cost.parameter_bytes;
  cost.peak_bytes = cost.parameter_bytes + cost.optimizer_bytes + r.peak_of_all();
  return cost;
}

}  // namespace

Cost cost(const Gpt2Config& c, int64_t batch, int64_t context, const CostOptions& options) {
  const Gpt2 model = outline<Gpt2>(c);
  const Tokens t(batch, context, c.n_positions, true);
  check_countable(t, c.n_layer, std::max(3 * c.n_embd, c.inner_size()),
                  c.vocab_size + c.n_positions);
  Rehearsal r(true);  // of Conv1D
  const auto table = r.parameter(c.vocab_size * c.n_embd);
  const Value tokens = r.embedding(table, t.rows, c.n_embd);
  const Value places = r.embedding(r.parameter(c.n_positions * c.n_embd), context, c.n_embd);
  const Value both = r.add(tokens, places), start = r.dropout(both, c.embd_pdrop);
  for (const Value x : {tokens, places, both}) r.drop(x);
  const Value x =
      run_blocks(r, start, c.n_layer, options, [&](Value in) { return gpt2_block(r, c, t, in); });
  const Value last = r.norm(x, t.rows, c.n_embd, true);
  r.drop(x);
  r.loss(last, c.tie_word_embeddings ? table : r.parameter(c.vocab_size * c.n_embd), {}, t.rows,
         c.n_embd, c.vocab_size);
  r.drop(last);
  return finish(r, model, scores_of(t, c.n_layer, c.n_head), options);
}

Cost cost(const BertConfig& c, int64_t batch, int64_t context, const CostOptions& options) {
  const BertForMaskedLM model = outline<BertForMaskedLM>(c);
  const Tokens t(batch, context, c.max_position_embeddings, false);
  const int64_t width = c.hidden_size;
  check_countable(t, c.num_hidden_layers, std::max(width, c.intermediate_size),
                  c.vocab_size + c.max_position_embeddings + c.type_vocab_size);
  Rehearsal r;
  const auto table = r.parameter(c.vocab_size * width);
  const Value words = r.embedding(table, t.rows, width, c.pad_token_id.has_value());
  const Value types = r.embedding(r.parameter(c.type_vocab_size * width), t.rows, width);
  const Value some = r.add(words, types);
  const Value places = r.embedding(r.parameter(c.max_position_embeddings * width), context, width);
  const Value all = r.add(some, places), normed = r.norm(all, t.rows, width, true);
  const Value start = r.dropout(normed, c.hidden_dropout_prob);
  for (const Value x : {words, types, some, places, all, normed}) r.drop(x);
  const Value x = run_blocks(r, start, c.num_hidden_layers, options,
                             [&](Value in) { return bert_block(r, c, t, in); });
  const Value dense = r.linear(x, t.rows, width, width, true);
  const Value bent = r.activation(dense, c.hidden_act);
  const Value last = r.norm(bent, t.rows, width, true);
  for (const Value y : {x, dense, bent}) r.drop(y);
  r.loss(last, c.tie_word_embeddings ? table : r.parameter(c.vocab_size * width),
         r.parameter(c.vocab_size), t.rows, width, c.vocab_size);
  r.drop(last);
  return finish(r, model, scores_of(t, c.num_hidden_layers, c.num_attention_heads), options);
}

Cost cost(const LlamaConfig& c, int64_t batch, int64_t context, const CostOptions& options) {
  const Llama model = outline<Llama>(c);
  const Tokens t(batch, context, c.max_position_embeddings, true);
  check_countable(
      t, c.num_hidden_layers,
      std::max({c.hidden_size, c.intermediate_size, c.num_attention_heads * c.head_width()}),
      c.vocab_size);
  Rehearsal r;
  const auto table = r.parameter(c.vocab_size * c.hidden_size);
  const Value start = r.embedding(table, t.rows, c.hidden_size, c.pad_token_id.has_value());
  const Value x = run_blocks(r, start, c.num_hidden_layers, options,
                             [&](Value in) { return llama_block(r, c, t, in); });
  const Value last = r.norm(x, t.rows, c.hidden_size, false);
  r.drop(x);
  r.loss(last, c.tie_word_embeddings ? table : r.parameter(c.vocab_size * c.hidden_size), {},
         t.rows, c.hidden_size, c.vocab_size);
  r.drop(last);
  return finish(r, model, scores_of(t, c.num_hidden_layers, c.num_attention_heads), options);
}

}  // namespace attune::nn::models
