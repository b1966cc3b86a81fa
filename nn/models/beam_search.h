#pragma once

#include "generate.h"

namespace attune::nn::models {

// The prompt with the best continuation that num_beams beams find; the rules are those of
// transformers' beam search without early stopping. Options have been checked.
std::vector<int64_t> beam_search(const LanguageModel& model, const std::vector<int64_t>& prompt,
                                 const GenerationOptions& options);

}  // namespace attune::nn::models
