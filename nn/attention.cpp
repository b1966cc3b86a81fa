#include "attention.h"

#include "../array/fail.h"
#include "../autograd/ops/broadcast.h"
#include "../autograd/ops/index.h"
#include "../autograd/ops/linalg.h"
#include "../autograd/ops/shape.h"
#include "../kernels/copy.h"
#include "init.h"

namespace attune::nn {

Tensor split_heads(const Tensor& x, int64_t heads) {
  return transpose(reshape(x, {x.size(0), x.size(1), heads, x.size(2) / heads}), 1, 2);
}

Tensor merge_heads(const Tensor& x) {
  return reshape(transpose(x, 1, 2), {x.size(0), x.size(2), x.size(1) * x.size(3)});
}

Tensor attention_weights(const Tensor& q, const Tensor& k, const Mask& mask) {
  // Attending to the rows of an identity matrix returns the weights themselves.
  const int64_t keys = k.size(-2);
  const Tensor identity = to(one_hot(Tensor(kernels::arange(keys)), keys), k.dtype());
  Shape shape = k.shape();
  shape[shape.size() - 1] = keys;
  return scaled_dot_product_attention(q, k, expand(identity, shape), mask);
}

SelfAttention::SelfAttention(int64_t dim)
    : query(child("query", Linear(dim, dim))),
      key(child("key", Linear(dim, dim))),
      value(child("value", Linear(dim, dim))) {
  describe("SelfAttention", fmt::format("{}", dim));
}

Tensor SelfAttention::operator()(const Tensor& x, const Mask& mask) const {
  auto scope = enter();
  return scaled_dot_product_attention(query(x), key(x), value(x), mask);
}

Tensor SelfAttention::weights(const Tensor& x, const Mask& mask) const {
  auto scope = enter();
  return attention_weights(query(x), key(x), mask);
}

namespace {

MultiHeadAttentionOptions checked(MultiHeadAttentionOptions options) {
  if (options.embed_dim < 1 || options.num_heads < 1 || options.embed_dim % options.num_heads != 0)
    fail<ValueError>("MultiHeadAttention",
                     "embed_dim {} is not a positive multiple of num_heads {}", options.embed_dim,
                     options.num_heads);
  if (!(options.dropout >= 0 && options.dropout <= 1))
    fail<ValueError>("MultiHeadAttention", "dropout {} is not in [0, 1]", options.dropout);
  if (options.kdim == 0) options.kdim = options.embed_dim;
  if (options.vdim == 0) options.vdim = options.embed_dim;
  return options;
}

Tensor projection(int64_t out, int64_t in) {
  Tensor weight(Array({out, in}, float32));
  init::xavier_uniform_(weight);
  return weight;
}

}  // namespace

MultiHeadAttention::MultiHeadAttention(MultiHeadAttentionOptions options)
    : out_proj(options.embed_dim, options.embed_dim, {.bias = options.bias}),
      options_(checked(options)) {
  const int64_t dim = options_.embed_dim;
  describe("MultiHeadAttention", fmt::format("{}, heads={}", dim, options_.num_heads));
  if (options_.kdim == dim && options_.vdim == dim) {
    in_proj_weight = param("in_proj_weight", projection(3 * dim, dim));
  } else {
    q_proj_weight = param("q_proj_weight", projection(dim, dim));
    k_proj_weight = param("k_proj_weight", projection(dim, options_.kdim));
    v_proj_weight = param("v_proj_weight", projection(dim, options_.vdim));
  }
  if (options_.bias) {
    in_proj_bias = param("in_proj_bias", Tensor(Array({3 * dim}, float32)));
    init::zeros_(in_proj_bias);
    init::zeros_(out_proj.bias);
  }
  child("out_proj", out_proj);
}

// Part 0, 1 or 2: query, key or value.
Tensor MultiHeadAttention::project(const Tensor& x, int64_t part) const {
  const int64_t dim = options_.embed_dim;
  const Tensor separate[] = {q_proj_weight, k_proj_weight, v_proj_weight};
  const Tensor weight =
      in_proj_weight.defined() ? narrow(in_proj_weight, 0, part * dim, dim) : separate[part];
  const Tensor bias = options_.bias ? narrow(in_proj_bias, 0, part * dim, dim) : Tensor();
  return split_heads(linear(x, weight, bias), options_.num_heads);
}

Tensor MultiHeadAttention::operator()(const Tensor& query, const Tensor& key, const Tensor& value,
                                      const Mask& mask) const {
  auto scope = enter();
  if (query.dim() != 3 || key.dim() != 3 || value.dim() != 3)
    fail<ShapeError>("MultiHeadAttention", "takes [B, T, dim], got {}, {} and {}",
                     to_string(query.shape()), to_string(key.shape()), to_string(value.shape()));
  const Tensor heads =
      scaled_dot_product_attention(project(query, 0), project(key, 1), project(value, 2), mask,
                                   {.dropout = is_training() ? options_.dropout : 0});
  return out_proj(merge_heads(heads));
}

Tensor MultiHeadAttention::weights(const Tensor& query, const Tensor& key, const Mask& mask) const {
  auto scope = enter();
  return attention_weights(project(query, 0), project(key, 1), mask);
}

}  // namespace attune::nn
