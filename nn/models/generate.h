#pragma once

#include "gpt.h"

namespace attune::nn::models {

struct SamplingOptions {
  double temperature = 1;  // 0: always the most likely token
  int64_t top_k = 0;       // only the k most likely; 0: all
  double top_p = 1;        // only the likeliest that together reach this probability
};

// One token drawn from logits [V] with this thread's random stream. ValueError for options outside
// their range.
int64_t sample(const Tensor& logits, const SamplingOptions& options);

// The prompt continued by max_tokens tokens; the model sees at most its context. ValueError if the
// prompt is empty.
std::vector<int64_t> generate(const Gpt& model, std::vector<int64_t> prompt, int64_t max_tokens,
                              const SamplingOptions& options = {});

}  // namespace attune::nn::models
