#pragma once

// What generate() and its beam search share.

#include "generate.h"

namespace attune::nn::models {

// What the model says follows the rows, which continue what the cache holds: float32 [rows, V],
// dense. ShapeError if it says something else.
Tensor logits_after(const LanguageModel& model, const std::vector<std::vector<int64_t>>& rows,
                    KvCache& cache);

// True if the sequence ends with an end token or a stop run of the options.
bool ends_with_stop(const std::vector<int64_t>& sequence, const GenerationOptions& options);

}  // namespace attune::nn::models
