#pragma once

#include "generate.h"

namespace attune::nn::models {

// What the model says follows the rows, which continue what the cache holds: float32 [rows, V],
// dense. ShapeError if it says something else.
Tensor logits_after(const LanguageModel& model, const std::vector<std::vector<int64_t>>& rows,
                    KvCache& cache);

// True if the sequence ends with an end token or a stop run of the options.
bool ends_with_stop(const std::vector<int64_t>& sequence, const GenerationOptions& options);

// The prompt with the best continuation that num_beams beams find; the rules are those of
// transformers' beam search without early stopping. Options have been checked.
std::vector<int64_t> beam_search(const LanguageModel& model, const std::vector<int64_t>& prompt,
                                 const GenerationOptions& options);

}  // namespace attune::nn::models
