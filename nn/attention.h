#pragma once

#include "../autograd/ops/attention.h"
#include "../autograd/ops/mask.h"
#include "layers.h"
#include "linear.h"

namespace attune::nn {

// Attention of a sequence to itself with a single head, the mechanism of Vaswani et al.
// 2017, 3.2.1: query, key and value are projections of one input. x: [B, T, dim] -> [B, T, dim].
// ValueError unless dim is positive.
class SelfAttention : public Module {
 public:
  explicit SelfAttention(int64_t dim);
  Tensor operator()(const Tensor& x, const Mask& mask = {}) const;
  // What each token attends to: [B, T, T], rows sum to 1.
  Tensor weights(const Tensor& x, const Mask& mask = {}) const;

  Linear query, key, value;
};

struct MultiHeadAttentionOptions {
  int64_t embed_dim = 0;  // of queries and of the result; a multiple of num_heads
  int64_t num_heads = 1;
  double dropout = 0;  // of attention weights, while training
  bool bias = true;
  bool add_bias_kv = false;    // one more key and value, learned, that every query may attend to
  bool add_zero_attn = false;  // one more key and value of zeros, likewise
  int64_t kdim = 0;            // width of keys; 0: embed_dim
  int64_t vdim = 0;            // width of values; 0: embed_dim
};

struct AttentionOutput {
  Tensor output;
  Tensor weights;
};

struct AttentionWeightsOptions {
  bool average_attn_weights = false;  // over the heads
};

// Attention with several heads, to itself or to another sequence. Vaswani et al. 2017, 3.2.2;
// parameters as torch.nn.MultiheadAttention names them, batch first. ValueError unless num_heads
// divides embed_dim. A position that no query may attend to reaches no output and no gradient, even
// where it holds NaN; a query with nothing to attend to gives the bias of out_proj.
class MultiHeadAttention : public Module {
 public:
  explicit MultiHeadAttention(MultiHeadAttentionOptions options);
  // query: [B, Tq, embed_dim], key: [B, Tk, kdim], value: [B, Tk, vdim] -> [B, Tq, embed_dim]; all
  // three without B for a single sequence. ShapeError unless they fit.
  Tensor operator()(const Tensor& query, const Tensor& key, const Tensor& value,
                    const Mask& mask = {}) const;
  // Self-attention.
  Tensor operator()(const Tensor& x, const Mask& mask = {}) const { return (*this)(x, x, x, mask); }
  // The same, and what each head attends to before dropout: [B, num_heads, Tq, Tk], or [B, Tq, Tk]
  // averaged; rows sum to 1, or are 0 where all is masked. Keys added by add_bias_kv and
  // add_zero_attn come last.
  AttentionOutput with_weights(const Tensor& query, const Tensor& key, const Tensor& value,
                               const Mask& mask = {}, AttentionWeightsOptions options = {}) const;

  Tensor in_proj_weight;                               // [3 embed_dim, embed_dim], of equal widths
  Tensor q_proj_weight, k_proj_weight, v_proj_weight;  // where kdim or vdim differ
  Tensor in_proj_bias;                                 // [3 embed_dim]
  Tensor bias_k, bias_v;                               // [1, 1, embed_dim], of add_bias_kv
  Linear out_proj;

 private:
  struct Heads {
    Tensor q, k, v;  // [B, num_heads, T, embed_dim / num_heads]
  };

  void check(const Tensor& query, const Tensor& key, const Tensor& value) const;
  Tensor packed(const Tensor& x, int64_t first, int64_t count) const;
  Heads project(const Tensor& query, const Tensor& key, const Tensor& value) const;
  Mask append_keys(Heads& heads, const Mask& mask) const;
  Tensor attend(const Tensor& query, const Tensor& key, const Tensor& value, const Mask& mask,
                Tensor* weights) const;

  MultiHeadAttentionOptions options_;
};

// [B, T, heads · d] -> [B, heads, T, d], a view, and back. ShapeError unless they fit.
Tensor split_heads(const Tensor& x, int64_t heads);
Tensor merge_heads(const Tensor& x);

// x itself if it is finite; else x with zeros at the positions that mask hides from every query of
// scores [B, …, Tq, Tk]. NaN in padding would else come back in the gradients of weights, where it
// meets a gradient of 0. x: [B, Tk, C].
Tensor without_hidden(const Tensor& x, const Mask& mask, const Shape& scores);

}  // namespace attune::nn
