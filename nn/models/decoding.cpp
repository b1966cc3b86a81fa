#include "decoding.h"

#include <algorithm>

#include "../../array/fail.h"
#include "../../autograd/ops/broadcast.h"

namespace attune::nn::models {
namespace {

using Tokens = std::vector<int64_t>;

// Rows of tokens filled up to one length: int64 [B, T], and how many of each row are real.
struct PaddedTokens {
  Tensor tokens;
  std::vector<int64_t> counts;
};

PaddedTokens pad_tokens(const std::vector<Tokens>& rows) {
  size_t longest = 1;
  for (const Tokens& row : rows) longest = std::max(longest, row.size());
  Array tokens({static_cast<int64_t>(rows.size()), static_cast<int64_t>(longest)}, int64);
  PaddedTokens padded;
  int64_t* to = tokens.output<int64_t>();
  for (const Tokens& row : rows) {
    to = std::fill_n(std::copy(row.begin(), row.end(), to), longest - row.size(), int64_t{0});
    padded.counts.push_back(static_cast<int64_t>(row.size()));
  }
  padded.tokens = Tensor(std::move(tokens));
  return padded;
}

}  // namespace

Tensor logits_after(const LanguageModel& model, const std::vector<Tokens>& rows, KvCache& cache) {
  const PaddedTokens padded = pad_tokens(rows);
  const Tensor logits = model.next_logits(padded.tokens, padded.counts, cache);
  if (logits.dim() != 2 || logits.size(0) != std::ssize(rows) || logits.size(1) == 0)
    fail<ShapeError>("generate",
                     "the model's next_logits gave {} for {} sequences; it must give [{}, V], for "
                     "the last real token of each",
                     to_string(logits.shape()), rows.size(), rows.size());
  return to(logits, float32).contiguous();
}

bool ends_with_stop(const Tokens& sequence, const GenerationOptions& options) {
  const auto& ends = options.eos_token_id;
  if (std::find(ends.begin(), ends.end(), sequence.back()) != ends.end()) return true;
  return std::any_of(options.stop.begin(), options.stop.end(), [&](const Tokens& stop) {
    return !stop.empty() && stop.size() <= sequence.size() &&
           std::equal(stop.rbegin(), stop.rend(), sequence.rbegin());
  });
}

}  // namespace attune::nn::models
