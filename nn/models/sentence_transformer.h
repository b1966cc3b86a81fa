#pragma once

#include "bert.h"

namespace attune::nn::models {

// How the states of a sequence become one vector: their mean, the first, or the largest in each
// dimension. Padding counts for nothing.
enum class Pooling { mean, cls, max };

// One vector for each sequence. states: [B, T, D]; attention_mask: bool or int64 [B, T], all
// visible if undefined -> [B, D]. ShapeError unless they fit.
Tensor pool(const Tensor& states, const Tensor& attention_mask, Pooling pooling);

// x divided by its Euclidean norm over the last dimension, which counts as 1e-12 at least.
Tensor normalize(const Tensor& x);

// Embeddings of sentences, whose dot products tell how near they are in meaning: BERT, pooled, and
// of length 1 if normalized. Reimers and Gurevych 2019.
class SentenceTransformer : public Module {
 public:
  // max_seq_length: the most tokens of a text that it should be given, special ones included; 0:
  // as many as it has positions for. ValueError if it is more than that.
  SentenceTransformer(BertModel bert, Pooling pooling = Pooling::mean, bool normalized = true,
                      int64_t max_seq_length = 0);
  // input_ids: int64 [B, T] -> [B, hidden_size].
  Tensor operator()(const Tensor& input_ids, const ForwardOptions& options = {}) const;

  Pooling pooling() const { return pooling_; }
  bool normalized() const { return normalized_; }
  int64_t max_seq_length() const { return max_seq_length_; }

  BertModel bert;

 private:
  Pooling pooling_;
  bool normalized_;
  int64_t max_seq_length_;
};

}  // namespace attune::nn::models
