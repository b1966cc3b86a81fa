#pragma once

#include <span>

#include "../../autograd/tensor.h"

namespace attune::nn::models {

// How the next token is picked from the logits. Steps are taken in this order, as transformers
// does.
struct SamplingOptions {
  double repetition_penalty = 1;  // tokens seen before: logit / penalty, or times it if negative
  double temperature = 1;         // divides the logits; 0: always the most likely token
  int64_t top_k = 0;              // only the k most likely; 0: all
  double top_p = 1;               // only the likeliest that together reach this probability
  double min_p = 0;               // only those with this share of the highest probability
};

// ValueError, in `operation`'s name, for options outside their range.
void check_sampling(const char* operation, const SamplingOptions& options);

// Lowers the logits of every token in `seen`, each once, as the penalty says. Keskar et al. 2019.
void penalize_repetition(std::span<float> logits, std::span<const int64_t> seen, double penalty);

// The index of the token that a number u in [0, 1) picks: with tokens in order of probability, the
// one whose share of the line u falls on. ValueError if a logit is NaN or none is finite.
int64_t pick(std::span<const float> logits, const SamplingOptions& options, double u);

// One token drawn from logits [V] with this thread's random stream. seen: the tokens so far, for
// the repetition penalty. ShapeError, ValueError.
int64_t sample(const Tensor& logits, const SamplingOptions& options,
               std::span<const int64_t> seen = {});

}  // namespace attune::nn::models
