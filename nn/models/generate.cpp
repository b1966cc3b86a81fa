#include "generate.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "../../array/fail.h"
#include "../../array/random.h"
#include "../../autograd/grad_mode.h"
#include "../../autograd/ops/broadcast.h"
#include "../../autograd/ops/shape.h"

namespace attune::nn::models {

int64_t sample(const Tensor& logits, const SamplingOptions& options) {
  if (!(options.temperature >= 0) || options.top_k < 0 ||
      !(options.top_p > 0 && options.top_p <= 1))
    fail<ValueError>("sample",
                     "temperature {}, top_k {}, top_p {}; they must be >= 0, >= 0 and in (0, 1]",
                     options.temperature, options.top_k, options.top_p);
  const std::vector<double> scores = to(logits, float64).to_vector<double>();
  std::vector<size_t> order(scores.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return scores[a] > scores[b]; });
  if (options.temperature == 0) return static_cast<int64_t>(order[0]);
  if (options.top_k > 0) order.resize(std::min(order.size(), static_cast<size_t>(options.top_k)));

  std::vector<double> weights;
  for (size_t token : order)
    weights.push_back(std::exp((scores[token] - scores[order[0]]) / options.temperature));
  const double all = std::accumulate(weights.begin(), weights.end(), 0.0);
  double kept = 0;
  size_t count = 0;
  while (count < weights.size() && kept < options.top_p * all) kept += weights[count++];
  double at = *random_uniform({}, float64, 0, kept).data<double>();
  for (size_t i = 0; i < count; ++i) {
    at -= weights[i];
    if (at < 0) return static_cast<int64_t>(order[i]);
  }
  return static_cast<int64_t>(order[count - 1]);
}

std::vector<int64_t> generate(const Gpt& model, std::vector<int64_t> tokens, int64_t max_tokens,
                              const SamplingOptions& options) {
  if (tokens.empty()) fail<ValueError>("generate", "the prompt is empty; give it a token");
  NoGrad no_grad;
  for (int64_t i = 0; i < max_tokens; ++i) {
    const auto seen =
        std::min<int64_t>(static_cast<int64_t>(tokens.size()), model.config().context);
    const std::vector<int64_t> window(tokens.end() - seen, tokens.end());
    const Tensor logits = model(tensor(window, {1, seen}));
    tokens.push_back(sample(select(select(logits, 0, 0), 0, -1), options));
  }
  return tokens;
}

}  // namespace attune::nn::models
