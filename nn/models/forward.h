#pragma once

#include <functional>
#include <vector>

#include "../../autograd/ops/attention_recorder.h"
#include "../../autograd/ops/mask.h"
#include "../../autograd/tensor.h"
#include "../kv_cache.h"
#include "../module.h"

namespace attune::nn::models {

// What forward() of every model takes beside the tokens, under the names of transformers.
struct ForwardOptions {
  Tensor attention_mask = {};  // [B, T]: false or 0 where a token is padding, else true or 1
  Tensor token_type_ids = {};  // int64 [B, T]: the segment of each token
  Tensor position_ids = {};    // int64 [T], [1, T] or [B, T]; 0, 1, … if undefined
  Tensor labels = {};          // gives a loss; int64 [B, T] of a language model, see losses.h
  // The labels of a causal language model, shifted already: what each token is to predict.
  Tensor shift_labels = {};
  bool output_logits = true;  // without them, the loss of a language model takes less memory
  bool output_hidden_states = false;
  bool output_attentions = false;  // takes memory of T² a head
};

// What forward() of every model returns, under the names of transformers. What a model does not
// have, or what was not asked for, is undefined or empty.
struct ModelOutput {
  Tensor loss;                        // of the labels
  Tensor logits;                      // [B, T, vocab_size]; [B, num_labels] of a classifier
  Tensor last_hidden_state;           // [B, T, hidden size], after the last norm
  Tensor pooler_output;               // [B, hidden size]
  std::vector<Tensor> hidden_states;  // of the embeddings, each layer but the last, and the model
  std::vector<Tensor> attentions;     // of each layer: [B, heads, T, T]
};

// Where attention_mask, [B, T], says that a token is no padding, as bool. ValueError, in the
// operation's name, for a floating one with other numbers than 0 and 1.
Tensor real_tokens(const char* operation, const Tensor& attention_mask);

// The mask that hides the padding named by attention_mask from every query; none if undefined.
// ShapeError unless it is [B, T] as the tokens are.
Mask padding_mask(const Tensor& attention_mask, const Tensor& input_ids);

// Checks that tokens are [B, T] with T <= longest (ShapeError in the model's name) and returns the
// position of each: what the options say, else 0 … T-1.
Tensor positions_of(const char* model, const Tensor& input_ids, const ForwardOptions& options,
                    int64_t longest);

// What the attention of one layer works with beside its input.
struct LayerContext {
  Mask mask = {};
  KvCache* cache = nullptr;  // holds the tokens before these, where there are any
  int64_t layer = 0;         // of the cache
  bool last_only = false;    // only the last token of each sequence leaves the layer
};

// What the queries of a layer attend to: k and v and the context's mask, or, of a cache, these
// after all that it holds, under the masks of both.
KvCache::Entry keys_and_values(const LayerContext& context, const Tensor& k, const Tensor& v);

// block(x), computed again in backward where the model is told to.
Tensor run_block(const Module& model, std::function<Tensor(const Tensor&)> block, const Tensor& x);

// The tokens of x that leave a layer: all, or, where the context says so, the last real one of each
// sequence. x: [B, ..., T, D] -> [B, ..., T or 1, D].
Tensor leaving(const Tensor& x, const LayerContext& context);

// The weights of every recorded attention, whole, in the order of its calls.
std::vector<Tensor> all_weights(const AttentionRecorder& recorder);

}  // namespace attune::nn::models
