#include "sentence_transformer.h"

#include "../../array/fail.h"
#include "../../autograd/ops/arithmetic.h"
#include "../../autograd/ops/broadcast.h"
#include "../../autograd/ops/compare.h"
#include "../../autograd/ops/creation.h"
#include "../../autograd/ops/reduce.h"
#include "../../autograd/ops/shape.h"

namespace attune::nn::models {

Tensor pool(const Tensor& states, const Tensor& attention_mask, Pooling pooling) {
  if (states.dim() != 3)
    fail<ShapeError>("pool", "states are {}; it takes [B, T, D]", to_string(states.shape()));
  const Shape tokens{states.size(0), states.size(1)};
  if (attention_mask.defined() && attention_mask.shape() != tokens)
    fail<ShapeError>("pool", "attention_mask {} does not fit states {}",
                     to_string(attention_mask.shape()), to_string(states.shape()));
  if (pooling != Pooling::mean && states.size(1) == 0)
    fail<ShapeError>("pool", "states {} have no token to choose", to_string(states.shape()));
  const Tensor visible = unsqueeze(
      attention_mask.defined() ? real_tokens("pool", attention_mask) : ones(tokens, boolean), -1);
  if (pooling == Pooling::cls) return select(states, 1, 0);
  if (pooling == Pooling::max) return amax(where(visible, states, -1e9), {1});
  const Tensor count = clamp(sum(to(visible, states.dtype()), {1}), 1e-9);
  return sum(where(visible, states, 0.0), {1}) / count;
}

Tensor normalize(const Tensor& x) { return x / clamp(norm(x, 2, {-1}, true), 1e-12); }

SentenceTransformer::SentenceTransformer(BertModel encoder, Pooling pooling, bool normalized,
                                         int64_t max_seq_length)
    : bert(child("0.auto_model", std::move(encoder))),
      pooling_(pooling),
      normalized_(normalized),
      max_seq_length_(max_seq_length) {
  describe("SentenceTransformer");
  const int64_t positions = bert.config().max_position_embeddings;
  if (max_seq_length < 0 || max_seq_length > positions)
    fail<ValueError>("SentenceTransformer", "max_seq_length {} does not fit {} positions",
                     max_seq_length, positions);
  if (max_seq_length == 0) max_seq_length_ = positions;
}

Tensor SentenceTransformer::operator()(const Tensor& input_ids,
                                       const ForwardOptions& options) const {
  auto scope = enter();
  const Tensor pooled = pool(bert(input_ids, options), options.attention_mask, pooling_);
  return normalized_ ? normalize(pooled) : pooled;
}

}  // namespace attune::nn::models
