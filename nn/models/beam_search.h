#pragma once

#include "generate.h"

namespace attune::nn::models {

// Rows of tokens filled up to one length: int64 [B, T], and how many of each row are real.
struct PaddedTokens {
  Tensor tokens;
  std::vector<int64_t> counts;
};
PaddedTokens pad_tokens(const std::vector<std::vector<int64_t>>& rows);

// True if the sequence ends with an end token or a stop run of the options.
bool ends_with_stop(const std::vector<int64_t>& sequence, const GenerationOptions& options);

// The prompt with the best continuation that num_beams beams find; the rules are those of
// transformers' beam search without early stopping. Options have been checked.
std::vector<int64_t> beam_search(const LanguageModel& model, const std::vector<int64_t>& prompt,
                                 const GenerationOptions& options);

}  // namespace attune::nn::models
