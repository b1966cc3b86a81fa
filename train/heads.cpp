#include "heads.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "../array/fail.h"
#include "../autograd/ops/shape.h"

namespace attune::train {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

struct Pattern {
  const char* name;
  const char* meaning;
  double HeadProfile::*weight;
};
const Pattern patterns[] = {
    {"previous token", "looks at the token before", &HeadProfile::previous_token},
    {"next token", "looks at the token after", &HeadProfile::next_token},
    {"first token", "rests on the first token", &HeadProfile::first_token},
    {"separator", "rests on the separators", &HeadProfile::separator},
    {"induction", "looks at what followed the same token before", &HeadProfile::induction},
};

// The weights of a layer: [H, T, T].
Tensor weights_of(const AttentionRecord& layer, const std::vector<int64_t>& tokens) {
  const Shape shape = layer.shape();
  const auto length = static_cast<int64_t>(tokens.size());
  const int64_t heads = shape.size() >= 3 ? shape[shape.size() - 3] : 0;
  if (heads == 0 || shape[shape.size() - 2] != length || shape.back() != length ||
      shape.numel() != heads * length * length)
    fail<ShapeError>("head_profiles", "weights {} for {} tokens; they must be [heads, {}, {}]",
                     to_string(shape), length, length, length);
  return layer.weights_of().reshape({heads, length, length}).to(float32);
}

// The weights of one head over a sequence.
class HeadWeights {
 public:
  HeadWeights(std::vector<float> weights, size_t tokens)
      : weights_(std::move(weights)), tokens_(tokens) {
    for (size_t query = 0; query < tokens; ++query)
      for (size_t key = query + 1; key < tokens; ++key) causal_ &= at(query, key) == 0;
  }

  // What a pattern gets in the mean of its queries, and would get from even attention.
  struct Share {
    double given = nan, even = 0;
  };
  // follows(query, key) says which keys the pattern names. Its queries are those that see any.
  template <class Follows>
  Share share(const Follows& follows) const {
    Share sum{0, 0};
    int queries = 0;
    for (size_t query = 0; query < tokens_; ++query) {
      const size_t visible = causal_ ? query + 1 : tokens_;
      double weight = 0;
      int matches = 0;
      for (size_t key = 0; key < visible; ++key) {
        if (!follows(query, key)) continue;
        weight += at(query, key);
        ++matches;
      }
      if (matches == 0) continue;
      sum.given += weight;
      sum.even += static_cast<double>(matches) / static_cast<double>(visible);
      ++queries;
    }
    return queries == 0 ? Share() : Share{sum.given / queries, sum.even / queries};
  }

 private:
  float at(size_t query, size_t key) const { return weights_[query * tokens_ + key]; }

  std::vector<float> weights_;
  size_t tokens_;
  bool causal_ = true;  // no query looks ahead
};

HeadProfile profile_of(const HeadWeights& weights, const std::vector<int64_t>& tokens,
                       const std::vector<bool>& separators) {
  HeadProfile profile;
  double most = 0.5;
  // In the order of the table.
  const Pattern* pattern = patterns;
  const auto measure = [&](const auto& follows) {
    const auto share = weights.share(follows);
    profile.*pattern->weight = share.given;
    if (share.given > most && share.given >= 2 * share.even) {
      most = share.given;
      profile.label = pattern->name;
    }
    ++pattern;
  };
  measure([](size_t query, size_t key) { return key + 1 == query; });
  measure([](size_t query, size_t key) { return key == query + 1; });
  measure([](size_t, size_t key) { return key == 0; });
  measure([&](size_t, size_t key) { return key < separators.size() && separators[key]; });
  measure([&](size_t query, size_t key) {
    return key > 0 && key < query && tokens[key - 1] == tokens[query];
  });
  return profile;
}

std::vector<Statistic> statistics(const HeadProfile& profile) {
  std::vector<Statistic> list{{"entropy", profile.entropy, "bits"},
                              {"mean distance", profile.distance, "tokens"}};
  for (const Pattern& pattern : patterns)
    list.push_back({pattern.name, profile.*pattern.weight, "%"});
  std::erase_if(list, [](const Statistic& statistic) { return std::isnan(statistic.value); });
  return list;
}

double share_of_label(const AttentionMap& map) {
  for (const Statistic& statistic : map.statistics)
    if (statistic.name == map.label) return statistic.value;
  return 0;
}

// weights: those of the layer, [H, T, T].
std::vector<HeadProfile> profiles_of(const AttentionRecord& layer, const Tensor& weights,
                                     const std::vector<int64_t>& tokens,
                                     const std::vector<bool>& separators) {
  const AttentionStatistics measured = layer.statistics();
  const auto entropy = Tensor(measured.entropy).to_vector<double>();
  const auto distance = Tensor(measured.distance).to_vector<double>();
  std::vector<HeadProfile> profiles;
  for (size_t head = 0; head < entropy.size(); ++head) {
    const Tensor of_head = weights.select(0, static_cast<int64_t>(head));
    profiles.push_back(profile_of({of_head.to_vector<float>(), tokens.size()}, tokens, separators));
    profiles.back().entropy = entropy[head];
    profiles.back().distance = distance[head];
  }
  return profiles;
}

}  // namespace

std::vector<HeadProfile> head_profiles(const AttentionRecord& layer,
                                       const std::vector<int64_t>& tokens,
                                       const std::vector<bool>& separators) {
  return profiles_of(layer, weights_of(layer, tokens), tokens, separators);
}

std::vector<AttentionMap> attention_maps(const std::vector<AttentionRecord>& layers,
                                         const std::vector<int64_t>& tokens,
                                         const std::vector<bool>& separators) {
  std::vector<AttentionMap> maps;
  int64_t number = 0;
  for (const AttentionRecord& layer : layers) {
    const Tensor weights = weights_of(layer, tokens);
    int64_t head = 0;
    for (const HeadProfile& profile : profiles_of(layer, weights, tokens, separators)) {
      maps.push_back({number, head, weights.select(0, head).to_vector<float>(), statistics(profile),
                      profile.label});
      ++head;
    }
    ++number;
  }
  return maps;
}

std::string describe_heads(const std::vector<AttentionMap>& maps, size_t most) {
  std::string text;
  size_t rest = maps.size();
  for (const Pattern& pattern : patterns) {
    std::vector<const AttentionMap*> heads;
    for (const AttentionMap& map : maps)
      if (map.label == pattern.name) heads.push_back(&map);
    if (heads.empty()) continue;
    rest -= heads.size();
    std::stable_sort(heads.begin(), heads.end(), [](const auto* a, const auto* b) {
      return share_of_label(*a) > share_of_label(*b);
    });
    std::vector<std::string> named;
    for (size_t i = 0; i < std::min(most, heads.size()); ++i)
      named.push_back(fmt::format("layer {} head {} ({:.0f} %)", heads[i]->layer, heads[i]->head,
                                  100 * share_of_label(*heads[i])));
    if (heads.size() > most) named.push_back(fmt::format("{} more", heads.size() - most));
    text += fmt::format("{} ({}): {}\n", pattern.name, pattern.meaning, fmt::join(named, ", "));
  }
  if (rest > 0)
    text +=
        fmt::format("{} of {} heads mix several patterns, or follow others\n", rest, maps.size());
  return text;
}

}  // namespace attune::train
