#include "generate.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "../../array/fail.h"
#include "../../array/random.h"
#include "../../autograd/grad_mode.h"
#include "beam_search.h"
#include "decoding.h"

namespace attune::nn::models {
namespace {

using Tokens = std::vector<int64_t>;

void check(const LanguageModel& model, const std::vector<Tokens>& prompts,
           const GenerationOptions& o) {
  if (!model.next_logits) fail<ValueError>("generate", "the model's next_logits is empty");
  check_sampling("generate", o.sampling);
  if (o.max_new_tokens < 0 || o.num_beams < 1 || !std::isfinite(o.length_penalty))
    fail<ValueError>("generate",
                     "max_new_tokens {}, num_beams {}, length_penalty {}; they must be >= 0, >= 1 "
                     "and finite",
                     o.max_new_tokens, o.num_beams, o.length_penalty);
  if (o.num_beams > 1 && (o.sampling.temperature != 0 || o.on_token))
    fail<ValueError>("generate",
                     "beams are searched greedily and known only at the end: "
                     "temperature must be 0, on_token absent");
  for (const Tokens& prompt : prompts) {
    if (prompt.empty()) fail<ValueError>("generate", "a prompt is empty; give it a token");
    if (static_cast<int64_t>(prompt.size()) > model.context)
      fail<ValueError>("generate", "a prompt has {} tokens, the model takes {}", prompt.size(),
                       model.context);
  }
}

// The sequences that go on, and the cache of what the model has seen of them.
class Generation {
 public:
  Generation(const LanguageModel& model, const std::vector<Tokens>& prompts,
             const GenerationOptions& options)
      : model_(model),
        options_(options),
        draw_(options.seed ? RandomState{*options.seed, 0} : next_draw()),
        sequences_(prompts),
        cache_(model.context) {
    active_.resize(prompts.size());
    std::iota(active_.begin(), active_.end(), size_t{0});
  }

  std::vector<Tokens> run() {
    std::vector<Tokens> news = sequences_;
    for (int64_t step = 0; step < options_.max_new_tokens && !active_.empty(); ++step) {
      const Tensor logits = next_logits(news);
      const size_t vocabulary = static_cast<size_t>(logits.numel()) / active_.size();
      news.clear();
      std::vector<int64_t> going_on;
      for (size_t row = 0; row < active_.size(); ++row) {
        const std::span<const float> of_row(logits.array().data<float>() + row * vocabulary,
                                            vocabulary);
        const int64_t token = choose(of_row, active_[row], step);
        sequences_[active_[row]].push_back(token);
        if (ends(active_[row], token)) continue;
        going_on.push_back(static_cast<int64_t>(row));
        news.push_back({token});
      }
      keep(going_on);
    }
    return std::move(sequences_);
  }

 private:
  // float32 [active, vocabulary], dense.
  Tensor next_logits(std::vector<Tokens> news) {
    std::vector<int64_t> outgrown;
    for (size_t row = 0; row < news.size(); ++row) {
      if (fits(row, news[row])) continue;
      outgrown.push_back(static_cast<int64_t>(row));
      const Tokens& all = sequences_[active_[row]];
      news[row].assign(all.end() - std::max<int64_t>(1, model_.context / 2), all.end());
    }
    cache_.forget(outgrown);
    return logits_after(model_, news, cache_);
  }

  bool fits(size_t row, const Tokens& news) const {
    const auto& seen = cache_.lengths();
    return seen.empty() || seen[row] + std::ssize(news) <= model_.context;
  }

  int64_t choose(std::span<const float> logits, size_t sequence, int64_t step) const {
    std::vector<float> penalized;
    if (options_.sampling.repetition_penalty != 1) {
      penalized.assign(logits.begin(), logits.end());
      penalize_repetition(penalized, sequences_[sequence], options_.sampling.repetition_penalty);
      logits = penalized;
    }
    // A place of its own in the draw for every token of every sequence.
    const auto words =
        philox(draw_.seed, draw_.draw,
               (static_cast<uint64_t>(sequence) << 32) | static_cast<uint64_t>(step));
    const uint64_t bits = (static_cast<uint64_t>(words[0]) << 32 | words[1]) >> 11;
    return pick(logits, options_.sampling, static_cast<double>(bits) * 0x1p-53);
  }

  bool ends(size_t sequence, int64_t token) const {
    const bool wanted = !options_.on_token || options_.on_token(sequence, token);
    return !wanted || ends_with_stop(sequences_[sequence], options_);
  }

  void keep(const std::vector<int64_t>& rows) {
    if (rows.size() == active_.size()) return;
    std::vector<size_t> left;
    for (const int64_t row : rows) left.push_back(active_[static_cast<size_t>(row)]);
    active_ = std::move(left);
    cache_.reorder(rows);
  }

  const LanguageModel& model_;
  const GenerationOptions& options_;
  RandomState draw_;
  std::vector<Tokens> sequences_;
  std::vector<size_t> active_;  // rows of the cache, by index of their sequence
  KvCache cache_;
};

}  // namespace

std::vector<Tokens> generate(const LanguageModel& model, const std::vector<Tokens>& prompts,
                             const GenerationOptions& options) {
  check(model, prompts, options);
  NoGrad no_grad;
  if (prompts.empty() || options.max_new_tokens == 0) return prompts;
  const RandomState before = random_state();
  try {
    if (options.num_beams == 1) return Generation(model, prompts, options).run();
  } catch (...) {
    set_random_state(before);
    throw;
  }
  std::vector<Tokens> results;
  for (const Tokens& prompt : prompts) results.push_back(beam_search(model, prompt, options));
  return results;
}

}  // namespace attune::nn::models
