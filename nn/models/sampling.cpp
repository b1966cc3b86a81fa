#include "sampling.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <unordered_set>

#include "../../array/fail.h"
#include "../../autograd/ops/broadcast.h"
#include "../../kernels/random.h"
#include "../../kernels/rows.h"

namespace attune::nn::models {
namespace {

// Tokens from the most likely down, sorted only as far as they are asked for.
class Ranking {
 public:
  explicit Ranking(std::span<const float> logits) : logits_(logits), order_(logits.size()) {
    std::iota(order_.begin(), order_.end(), int64_t{0});
  }

  int64_t operator[](size_t rank) {
    if (rank >= sorted_) sort(std::min(order_.size(), std::max(rank + 1, 4 * sorted_ + 64)));
    return order_[rank];
  }

 private:
  void sort(size_t count) {
    const auto begin = order_.begin();
    std::partial_sort(begin + static_cast<int64_t>(sorted_), begin + static_cast<int64_t>(count),
                      order_.end(), [&](int64_t a, int64_t b) {
                        const float x = logits_[static_cast<size_t>(a)];
                        const float y = logits_[static_cast<size_t>(b)];
                        return x > y || (x == y && a < b);
                      });
    sorted_ = count;
  }

  std::span<const float> logits_;
  std::vector<int64_t> order_;
  size_t sorted_ = 0;
};

size_t most_likely(std::span<const float> logits) {
  const float top = kernels::rows::maximum(logits.data(), static_cast<int64_t>(logits.size()));
  const auto first = [&](const auto& is_it) {
    return static_cast<size_t>(std::find_if(logits.begin(), logits.end(), is_it) - logits.begin());
  };
  if (std::isnan(top))
    fail<ValueError>("sample", "logit {} is NaN; the model has gone wrong",
                     first([](float x) { return std::isnan(x); }));
  if (!std::isfinite(top)) fail<ValueError>("sample", "none of {} logits is finite", logits.size());
  return first([top](float x) { return x == top; });
}

}  // namespace

void check_sampling(const char* operation, const SamplingOptions& o) {
  const bool fits = o.temperature >= 0 && std::isfinite(o.temperature) && o.top_k >= 0 &&
                    o.top_p >= 0 && o.top_p <= 1 && o.min_p >= 0 && o.min_p <= 1 &&
                    o.repetition_penalty > 0 && std::isfinite(o.repetition_penalty);
  if (!fits)
    fail<ValueError>(operation,
                     "temperature {}, top_k {}, top_p {}, min_p {}, repetition_penalty {}; they "
                     "must be >= 0, >= 0, in [0, 1], in [0, 1] and > 0",
                     o.temperature, o.top_k, o.top_p, o.min_p, o.repetition_penalty);
}

void penalize_repetition(std::span<float> logits, std::span<const int64_t> seen, double penalty) {
  if (penalty == 1) return;
  for (const int64_t token : std::unordered_set<int64_t>(seen.begin(), seen.end())) {
    if (token < 0 || token >= static_cast<int64_t>(logits.size()))
      fail<IndexError>("sample", "token {} is not among {} logits", token, logits.size());
    float& logit = logits[static_cast<size_t>(token)];
    logit = static_cast<float>(logit < 0 ? logit * penalty : logit / penalty);
  }
}

int64_t pick(std::span<const float> logits, const SamplingOptions& options, double u) {
  const size_t best = most_likely(logits);
  if (options.temperature == 0) return static_cast<int64_t>(best);
  const auto weight = [&](int64_t token) {
    const double above =
        static_cast<double>(logits[static_cast<size_t>(token)]) - static_cast<double>(logits[best]);
    return std::exp(above / options.temperature);
  };
  // Each rule keeps a head of the ranking; the likeliest token always stays.
  Ranking ranking(logits);
  size_t count = logits.size();
  if (options.top_k > 0) count = std::min(count, static_cast<size_t>(options.top_k));
  double total = 0;
  const bool all = count == logits.size();  // then the order does not matter
  for (size_t i = 0; i < count; ++i) total += weight(all ? static_cast<int64_t>(i) : ranking[i]);
  if (options.top_p < 1 || options.min_p > 0) {
    double head = 0;
    size_t kept = 0;
    while (kept < count && (kept == 0 || head < options.top_p * total)) {
      const double next = weight(ranking[kept]);
      if (kept > 0 && next < options.min_p) break;
      head += next;
      ++kept;
    }
    count = kept;
    total = head;
  }
  double at = u * total;
  for (size_t rank = 0; rank < count; ++rank) {
    at -= weight(ranking[rank]);
    if (at < 0) return ranking[rank];
  }
  return ranking[count - 1];
}

int64_t sample(const Tensor& logits, const SamplingOptions& options,
               std::span<const int64_t> seen) {
  check_sampling("sample", options);
  if (logits.dim() != 1)
    fail<ShapeError>("sample", "logits are {}; they must be [V]", to_string(logits.shape()));
  std::vector<float> scores = to(logits.detach(), float32).to_vector<float>();
  penalize_repetition(scores, seen, options.repetition_penalty);
  return with_next_draw([&](RandomState draw) {
    return pick(scores, options, *random_uniform({}, float64, 0, 1, draw).data<double>());
  });
}

}  // namespace attune::nn::models
