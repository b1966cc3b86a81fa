#pragma once

#include <string>

#include "../linear.h"
#include "forward.h"

namespace attune::nn::models {

// Fills in the logits and the loss that the options ask a language model for, from its
// last_hidden_state or whatever stands before its head. Of labels alone, without logits, these
// never exist whole; see linear_cross_entropy. ShapeError unless labels are [B, T].
void causal_lm_head(const Linear& head, const Tensor& hidden, const ForwardOptions& options,
                    ModelOutput& output);
void masked_lm_head(const Linear& head, const Tensor& hidden, const ForwardOptions& options,
                    ModelOutput& output);

// The losses that transformers computes from labels. Labels of -100 count for nothing; the mean is
// over the others.

// Of predicting each next token. logits: [B, T, V]; labels: int64 [B, T], the tokens themselves,
// which are shifted here.
Tensor causal_lm_loss(const Tensor& logits, const Tensor& labels);

// Of predicting the tokens under the mask. logits: [B, T, V]; labels: int64 [B, T].
Tensor masked_lm_loss(const Tensor& logits, const Tensor& labels);

// Of a sequence classifier. logits: [B, num_labels]. problem_type as in config.json: "regression"
// (labels floating, [B] or [B, num_labels]; squared error), "single_label_classification" (int64
// [B]; cross-entropy), "multi_label_classification" (floating [B, num_labels]; binary
// cross-entropy), or empty: the first for one label, else by the dtype of the labels. ValueError
// for another word.
Tensor sequence_classification_loss(const Tensor& logits, const Tensor& labels,
                                    const std::string& problem_type = "");

}  // namespace attune::nn::models
