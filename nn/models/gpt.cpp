#include "gpt.h"

#include <cmath>

#include "../../array/fail.h"
#include "../../autograd/grad_mode.h"
#include "../../autograd/ops/activation.h"
#include "../../autograd/ops/arithmetic.h"
#include "../../autograd/ops/join.h"
#include "../../autograd/ops/linalg.h"
#include "../../autograd/ops/shape.h"
#include "../../kernels/copy.h"
#include "../init.h"

namespace attune::nn::models {

CausalSelfAttention::CausalSelfAttention(int64_t dim, int64_t heads, double dropout)
    : c_attn(child("c_attn", Linear(dim, 3 * dim))),
      c_proj(child("c_proj", Linear(dim, dim))),
      heads_(heads),
      dropout_(dropout) {
  describe("CausalSelfAttention", fmt::format("{}, heads={}", dim, heads));
}

std::vector<Tensor> CausalSelfAttention::project(const Tensor& x) const {
  std::vector<Tensor> parts = chunk(c_attn(x), 3, -1);
  for (Tensor& part : parts) part = split_heads(part, heads_);
  return parts;
}

Tensor CausalSelfAttention::operator()(const Tensor& x) const {
  auto scope = enter();
  const auto qkv = project(x);
  return c_proj(merge_heads(scaled_dot_product_attention(
      qkv[0], qkv[1], qkv[2], Mask::causal(), {.dropout = is_training() ? dropout_ : 0})));
}

Tensor CausalSelfAttention::weights(const Tensor& x) const {
  auto scope = enter();
  const auto qkv = project(x);
  return attune::attention_weights(qkv[0], qkv[1], Mask::causal());
}

GptMlp::GptMlp(int64_t dim)
    : c_fc(child("c_fc", Linear(dim, 4 * dim))), c_proj(child("c_proj", Linear(4 * dim, dim))) {
  describe("GptMlp");
}

Tensor GptMlp::operator()(const Tensor& x) const {
  auto scope = enter();
  return c_proj(gelu(c_fc(x), "tanh"));
}

GptBlock::GptBlock(const GptConfig& config)
    : ln_1(child("ln_1", LayerNorm(config.dim))),
      attn(child("attn", CausalSelfAttention(config.dim, config.heads, config.dropout))),
      ln_2(child("ln_2", LayerNorm(config.dim))),
      mlp(child("mlp", GptMlp(config.dim))),
      drop(child("drop", Dropout(config.dropout))) {
  describe("GptBlock");
}

Tensor GptBlock::operator()(const Tensor& x) const {
  auto scope = enter();
  const Tensor attended = x + drop(attn(ln_1(x)));
  return attended + drop(mlp(ln_2(attended)));
}

namespace {

const GptConfig& checked(const GptConfig& config) {
  if (config.vocab_size < 1 || config.context < 1 || config.layers < 1)
    fail<ValueError>("Gpt", "vocab_size {}, context {} and layers {} must be positive",
                     config.vocab_size, config.context, config.layers);
  if (config.dim < 1 || config.heads < 1 || config.dim % config.heads != 0)
    fail<ValueError>("Gpt", "dim {} is not a positive multiple of heads {}", config.dim,
                     config.heads);
  return config;
}

}  // namespace

Gpt::Gpt(const GptConfig& config)
    : wte(child("wte", Embedding(checked(config).vocab_size, config.dim))),
      wpe(child("wpe", Embedding(config.context, config.dim))),
      drop(child("drop", Dropout(config.dropout))),
      h(children("h", config.layers, [&](int64_t) { return GptBlock(config); })),
      ln_f(child("ln_f", LayerNorm(config.dim))),
      config_(config) {
  describe("Gpt",
           fmt::format("layers={}, heads={}, dim={}", config.layers, config.heads, config.dim));
  init_weights();
}

void Gpt::init_weights() const {
  const double residual = 0.02 / std::sqrt(2 * static_cast<double>(config_.layers));
  for (const auto& [name, tensor] : named_parameters()) {
    if (tensor.dim() == 2) {
      init::normal_(tensor, 0, name.ends_with("c_proj.weight") ? residual : 0.02);
    } else if (name.ends_with("bias")) {
      init::zeros_(tensor);
    }
  }
}

Tensor Gpt::embed(const Tensor& tokens) const {
  if (tokens.dim() != 2 || tokens.size(1) > config_.context)
    fail<ShapeError>("Gpt", "tokens are {}; the model takes [B, T] with T at most {}",
                     to_string(tokens.shape()), config_.context);
  return drop(wte(tokens) + wpe(Tensor(kernels::arange(tokens.size(1)))));
}

Tensor Gpt::operator()(const Tensor& tokens) const {
  auto scope = enter();
  Tensor x = embed(tokens);
  for (const GptBlock& block : h) x = block(x);
  return linear(ln_f(x), wte.weight);
}

std::vector<Tensor> Gpt::attention_weights(const Tensor& tokens) const {
  auto scope = enter();
  std::vector<Tensor> weights;
  Tensor x = embed(tokens);
  for (const GptBlock& block : h) {
    weights.push_back(block.attn.weights(block.ln_1(x)));
    x = block(x);
  }
  return weights;
}

std::vector<int64_t> generate(const Gpt& model, std::vector<int64_t> tokens, int64_t max_tokens,
                              const SamplingOptions& options) {
  if (tokens.empty()) fail<ValueError>("generate", "the prompt is empty; give it a token");
  NoGrad no_grad;
  for (int64_t i = 0; i < max_tokens; ++i) {
    const auto seen =
        std::min<int64_t>(static_cast<int64_t>(tokens.size()), model.config().context);
    const std::vector<int64_t> window(tokens.end() - seen, tokens.end());
    const Tensor logits = model(tensor(window, {1, seen}));
    tokens.push_back(sample(select(select(logits, 0, 0), 0, -1), options));
  }
  return tokens;
}

}  // namespace attune::nn::models
