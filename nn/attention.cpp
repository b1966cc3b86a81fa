#include "attention.h"

#include "../array/fail.h"
#include "../autograd/grad_mode.h"
#include "../autograd/ops/broadcast.h"
#include "../autograd/ops/compare.h"
#include "../autograd/ops/creation.h"
#include "../autograd/ops/join.h"
#include "../autograd/ops/linalg.h"
#include "../autograd/ops/reduce.h"
#include "../autograd/ops/shape.h"
#include "../kernels/copy.h"
#include "../kernels/rows.h"
#include "init.h"

namespace attune::nn {
namespace {

constexpr const char* name = "MultiHeadAttention";

bool same(const Tensor& a, const Tensor& b) { return a.identity() == b.identity(); }

// The shape of the scores of a sequence x: [..., T, dim] over itself.
Shape scores_of(const Tensor& x, int64_t dim) {
  if (x.dim() < 2 || x.size(-1) != dim)
    fail<ShapeError>("SelfAttention", "takes [..., T, {}], got {}", dim, to_string(x.shape()));
  Shape shape = x.shape();
  shape[shape.size() - 1] = x.size(-2);
  return shape;
}

bool all_finite(const Array& x) {
  const Array dense = kernels::contiguous(x);
  bool finite = true;
  visit_floating(name, x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    finite = kernels::rows::all_finite(dense.data<T>(), dense.numel());
  });
  return finite;
}

// No memory holds larger ones, and their multiples stay inside int64.
int64_t checked_width(const char* module, const char* what, int64_t width) {
  constexpr int64_t largest = int64_t{1} << 40;
  if (width < 1 || width > largest)
    fail<ValueError>(module, "{} is {}; use 1 to {}", what, width, largest);
  return width;
}

}  // namespace

Tensor split_heads(const Tensor& x, int64_t heads) {
  const OperationScope scope("split_heads");
  if (x.dim() != 3 || heads < 1 || x.size(2) % heads != 0)
    fail<ShapeError>("split_heads", "x is {}; it takes [B, T, {} heads · d]", to_string(x.shape()),
                     heads);
  return transpose(reshape(x, {x.size(0), x.size(1), heads, x.size(2) / heads}), 1, 2);
}

Tensor merge_heads(const Tensor& x) {
  const OperationScope scope("merge_heads");
  if (x.dim() != 4)
    fail<ShapeError>("merge_heads", "x is {}; it takes [B, heads, T, d]", to_string(x.shape()));
  return reshape(transpose(x, 1, 2), {x.size(0), x.size(2), x.size(1) * x.size(3)});
}

Tensor without_hidden(const Tensor& x, const Mask& mask, const Shape& scores) {
  if (mask.empty() || all_finite(x.array())) return x;
  const Tensor allowed(kernels::allowed(mask.for_scores(scores, x.dtype()), scores));
  Shape queries;  // every dimension but those of the batch and the keys
  for (int64_t d = x.dim() - 2; d < scores.size() - 1; ++d) queries.push_back(d);
  return where(unsqueeze(any(allowed, queries), -1), x, 0.0);
}

SelfAttention::SelfAttention(int64_t dim)
    : query(child("query", Linear(checked_width("SelfAttention", "dim", dim), dim))),
      key(child("key", Linear(dim, dim))),
      value(child("value", Linear(dim, dim))) {
  describe("SelfAttention", fmt::format("{}", dim));
}

Tensor SelfAttention::operator()(const Tensor& x, const Mask& mask) const {
  auto scope = enter();
  const Tensor seen = without_hidden(x, mask, scores_of(x, query.weight.size(1)));
  const Tensor q = query(seen), k = key(seen), v = value(seen);
  return scaled_dot_product_attention(q, k, v, mask);
}

Tensor SelfAttention::weights(const Tensor& x, const Mask& mask) const {
  auto scope = enter();
  const Tensor seen = without_hidden(x, mask, scores_of(x, query.weight.size(1)));
  const Tensor q = query(seen), k = key(seen);
  return attention_weights(q, k, mask);
}

namespace {

// A mask over `added` more keys at the end, which every query may attend to.
Mask with_more_keys(const Mask& mask, const Shape& scores, DType dtype, int64_t added) {
  const AnomalyMode unchecked(false);  // -inf is meant
  const kernels::AttentionMask limits = mask.for_scores(scores, dtype);
  const Tensor allowed(kernels::allowed(limits, scores));
  Mask wider = Mask::keep(pad(allowed, {0, added}, 1));
  if (mask.bias().defined()) {
    const Shape shape = broadcast_shapes("mask", mask.bias().shape(), {scores.back()});
    wider = wider & Mask::bias(pad(broadcast_to(mask.bias(), shape), {0, added}));
  }
  if (!limits.slopes.empty()) {
    const Tensor distance(kernels::distance_bias(limits, scores));
    wider = wider & Mask::bias(pad(to(distance, dtype), {0, added}));
  }
  return wider;
}

MultiHeadAttentionOptions checked(MultiHeadAttentionOptions options) {
  checked_width(name, "embed_dim", options.embed_dim);
  if (options.num_heads < 1 || options.embed_dim % options.num_heads != 0)
    fail<ValueError>(name, "embed_dim {} is not a positive multiple of num_heads {}",
                     options.embed_dim, options.num_heads);
  if (!(options.dropout >= 0 && options.dropout <= 1))
    fail<ValueError>(name, "dropout {} is not in [0, 1]", options.dropout);
  if (options.kdim == 0) options.kdim = options.embed_dim;
  if (options.vdim == 0) options.vdim = options.embed_dim;
  checked_width(name, "kdim", options.kdim);
  checked_width(name, "vdim", options.vdim);
  return options;
}

Tensor projection(int64_t out, int64_t in) {
  const Tensor weight = init::empty({out, in});
  init::xavier_uniform_(weight);
  return weight;
}

}  // namespace

MultiHeadAttention::MultiHeadAttention(MultiHeadAttentionOptions options)
    : out_proj(checked(options).embed_dim, options.embed_dim, {.bias = options.bias}),
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
    in_proj_bias = param("in_proj_bias", Shape{3 * dim});
    init::zeros_(in_proj_bias);
    init::zeros_(out_proj.bias);
  }
  if (options_.add_bias_kv) {
    bias_k = param("bias_k", Shape{1, 1, dim});
    bias_v = param("bias_v", Shape{1, 1, dim});
    init::xavier_normal_(bias_k);
    init::xavier_normal_(bias_v);
  }
  child("out_proj", out_proj);
}

void MultiHeadAttention::check(const Tensor& query, const Tensor& key, const Tensor& value) const {
  const int64_t rank = query.dim();
  if ((rank != 2 && rank != 3) || key.dim() != rank || value.dim() != rank)
    fail<ShapeError>(name, "takes [B, T, dim] or [T, dim], got query {}, key {}, value {}",
                     to_string(query.shape()), to_string(key.shape()), to_string(value.shape()));
  const auto check_width = [](const char* what, const Tensor& x, int64_t width) {
    if (x.size(-1) != width)
      fail<ShapeError>(name, "{} {} has {} features, the module takes {}", what,
                       to_string(x.shape()), x.size(-1), width);
  };
  check_width("query", query, options_.embed_dim);
  check_width("key", key, options_.kdim);
  check_width("value", value, options_.vdim);
  if (key.size(-2) != value.size(-2))
    fail<ShapeError>(name, "key {} and value {} differ in length", to_string(key.shape()),
                     to_string(value.shape()));
  if (rank == 3 && (query.size(0) != key.size(0) || key.size(0) != value.size(0)))
    fail<ShapeError>(name, "query {}, key {} and value {} differ in batch size",
                     to_string(query.shape()), to_string(key.shape()), to_string(value.shape()));
}

// `count` parts of the packed projection from the first on: query, key, value.
Tensor MultiHeadAttention::packed(const Tensor& x, int64_t first, int64_t count) const {
  const int64_t dim = options_.embed_dim;
  const auto part = [&](const Tensor& whole) {
    return count == 3 || !whole.defined() ? whole : narrow(whole, 0, first * dim, count * dim);
  };
  return linear(x, part(in_proj_weight), part(in_proj_bias));
}

// One product for as many projections as share their input.
MultiHeadAttention::Heads MultiHeadAttention::project(const Tensor& query, const Tensor& key,
                                                      const Tensor& value) const {
  std::vector<Tensor> parts;
  if (!in_proj_weight.defined()) {
    const auto biases = options_.bias ? chunk(in_proj_bias, 3) : std::vector<Tensor>(3);
    parts = {linear(query, q_proj_weight, biases[0]), linear(key, k_proj_weight, biases[1]),
             linear(value, v_proj_weight, biases[2])};
  } else if (same(query, key) && same(key, value)) {
    parts = chunk(packed(query, 0, 3), 3, -1);
  } else if (same(key, value)) {
    parts = chunk(packed(key, 1, 2), 2, -1);
    parts.insert(parts.begin(), packed(query, 0, 1));
  } else {
    parts = {packed(query, 0, 1), packed(key, 1, 1), packed(value, 2, 1)};
  }
  for (Tensor& part : parts) part = split_heads(part, options_.num_heads);
  return {parts[0], parts[1], parts[2]};
}

// Puts the keys and values of add_bias_kv and add_zero_attn behind the others. Returns the mask
// over all of them.
Mask MultiHeadAttention::append_keys(Heads& heads, const Mask& mask) const {
  const int64_t keys = heads.k.size(2);
  const Shape scores{heads.q.size(0), heads.q.size(1), heads.q.size(2), keys};
  Shape row = heads.k.shape();
  row[2] = 1;
  if (options_.add_bias_kv) {
    heads.k = cat({heads.k, expand(split_heads(bias_k, options_.num_heads), row)}, 2);
    heads.v = cat({heads.v, expand(split_heads(bias_v, options_.num_heads), row)}, 2);
  }
  if (options_.add_zero_attn) {
    heads.k = cat({heads.k, zeros(row, heads.k.dtype())}, 2);
    heads.v = cat({heads.v, zeros(row, heads.v.dtype())}, 2);
  }
  const int64_t added = heads.k.size(2) - keys;
  return added == 0 || mask.empty() ? mask : with_more_keys(mask, scores, heads.q.dtype(), added);
}

Tensor MultiHeadAttention::attend(const Tensor& query, const Tensor& key, const Tensor& value,
                                  const Mask& mask, Tensor* weights) const {
  check(query, key, value);
  if (query.dim() == 2) {
    const Tensor k = unsqueeze(key, 0), v = same(value, key) ? k : unsqueeze(value, 0);
    const Tensor y = attend(same(query, key) ? k : unsqueeze(query, 0), k, v, mask, weights);
    if (weights) *weights = squeeze(*weights, 0);
    return squeeze(y, 0);
  }
  const Shape scores{query.size(0), options_.num_heads, query.size(1), key.size(1)};
  const Tensor k = without_hidden(key, mask, scores);
  const Tensor v = same(value, key) ? k : without_hidden(value, mask, scores);
  Heads heads = project(same(query, key) ? k : query, k, v);
  const Mask limits = append_keys(heads, mask);
  if (weights) *weights = attention_weights(heads.q, heads.k, limits);
  const double dropout = is_training() ? options_.dropout : 0;
  return out_proj(merge_heads(
      scaled_dot_product_attention(heads.q, heads.k, heads.v, limits, {.dropout = dropout})));
}

Tensor MultiHeadAttention::operator()(const Tensor& query, const Tensor& key, const Tensor& value,
                                      const Mask& mask) const {
  auto scope = enter();
  return attend(query, key, value, mask, nullptr);
}

AttentionOutput MultiHeadAttention::with_weights(const Tensor& query, const Tensor& key,
                                                 const Tensor& value, const Mask& mask,
                                                 AttentionWeightsOptions options) const {
  auto scope = enter();
  AttentionOutput result;
  result.output = attend(query, key, value, mask, &result.weights);
  if (options.average_attn_weights) result.weights = mean(result.weights, {-3});
  return result;
}

}  // namespace attune::nn
