#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "../kv_cache.h"
#include "sampling.h"

namespace attune::nn::models {

// What generation needs of a model.
struct LanguageModel {
  // The logits [B, V] that follow each row's last real token. tokens: int64 [B, T], of which the
  // first counts[b] are real; they continue what the cache holds.
  std::function<Tensor(const Tensor& tokens, const std::vector<int64_t>& counts, KvCache& cache)>
      next_logits;
  int64_t context = 0;  // the longest sequence it takes
};

// A causal model of this library, such as Gpt2, in evaluation mode.
template <class Model>
LanguageModel language_model(const Model& model) {
  return {[model](const Tensor& tokens, const std::vector<int64_t>& counts, KvCache& cache) {
            return model.next_logits(tokens, counts, cache);
          },
          model.context()};
}

struct GenerationOptions {
  int64_t max_new_tokens = 20;
  SamplingOptions sampling = {.temperature = 0};  // greedy unless told otherwise; not for beams
  std::vector<int64_t> eos_token_id = {};         // a sequence ends with any of these
  std::vector<std::vector<int64_t>> stop = {};    // or with one of these runs of tokens
  // Of the random draws; absent: one draw of this thread's random stream. A sequence's tokens
  // depend on its index and prompt, not on the others in the batch.
  std::optional<uint64_t> seed = {};
  // Beams per prompt. With more than one, the result is the finished sequence with the largest sum
  // of log probabilities over (number of new tokens)^length_penalty. Beams end where the model's
  // context does.
  int64_t num_beams = 1;
  double length_penalty = 1;
  // Called with each token as it is decided; false ends that sequence. Not for beams.
  std::function<bool(size_t sequence, int64_t token)> on_token = {};
};

// Each prompt with its continuation; the tokens that ended it are part of it. Every token is
// computed once, through a cache; where a sequence outgrows the model's context, the older half of
// it is forgotten. ValueError for an empty prompt, one longer than the context, or options outside
// their range; ShapeError if the model gives other logits than [B, V].
std::vector<std::vector<int64_t>> generate(const LanguageModel& model,
                                           const std::vector<std::vector<int64_t>>& prompts,
                                           const GenerationOptions& options = {});

template <class Model>
std::vector<std::vector<int64_t>> generate(const Model& model,
                                           const std::vector<std::vector<int64_t>>& prompts,
                                           const GenerationOptions& options = {}) {
  return generate(language_model(model), prompts, options);
}

}  // namespace attune::nn::models
