#include "heads.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "../array/fail.h"
#include "../autograd/ops/shape.h"

namespace attune::train {
namespace {

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

// What a pattern gets in the mean of its queries, and would get from even attention.
struct Share {
  double given = 0, even = 0;
};

// Over the queries whose token occurred before, and was followed by something other than the query.
Share induction(const std::vector<float>& weights, const std::vector<int64_t>& tokens) {
  Share sum;
  int queries = 0;
  for (size_t query = 2; query < tokens.size(); ++query) {
    double weight = 0;
    int matches = 0;
    for (size_t key = 1; key < query; ++key) {
      if (tokens[key - 1] != tokens[query]) continue;
      weight += weights[query * tokens.size() + key];
      ++matches;
    }
    if (matches == 0) continue;
    sum.given += weight;
    sum.even += static_cast<double>(matches) / static_cast<double>(query + 1);
    ++queries;
  }
  if (queries == 0) return {std::numeric_limits<double>::quiet_NaN(), 0};
  return {sum.given / queries, sum.even / queries};
}

// The mean of 1 / (query + 1) over the queries from `first` on: the even share of one key.
double even_share(size_t first, size_t tokens) {
  double sum = 0;
  for (size_t query = first; query < tokens; ++query) sum += 1 / static_cast<double>(query + 1);
  return tokens > first ? sum / static_cast<double>(tokens - first) : 1;
}

std::string label_of(Share previous, Share first, Share induction) {
  double most = 0.5;
  std::string label;
  const auto propose = [&](const char* name, Share share) {
    if (!(share.given > most && share.given >= 2 * share.even)) return;
    most = share.given;
    label = name;
  };
  propose("previous token", previous);
  propose("first token", first);
  propose("induction", induction);
  return label;
}

std::vector<Statistic> statistics(const HeadProfile& profile) {
  std::vector<Statistic> list{{"entropy", profile.entropy, "bits"},
                              {"mean distance", profile.distance, "tokens"},
                              {"previous token", profile.previous_token, "%"},
                              {"first token", profile.first_token, "%"},
                              {"induction", profile.induction, "%"}};
  std::erase_if(list, [](const Statistic& statistic) { return std::isnan(statistic.value); });
  return list;
}

const char* meaning(const std::string& label) {
  if (label == "previous token") return "looks at the token before";
  if (label == "first token") return "rests on the first token";
  return "looks at what followed the same token before";
}

}  // namespace

std::vector<HeadProfile> head_profiles(const AttentionRecord& layer,
                                       const std::vector<int64_t>& tokens) {
  const Tensor weights = weights_of(layer, tokens);
  const AttentionStatistics measured = layer.statistics();
  const auto column = [](const Array& values) { return Tensor(values).to_vector<double>(); };
  const auto entropy = column(measured.entropy), distance = column(measured.distance),
             previous = column(measured.on_previous), first = column(measured.on_first);
  std::vector<HeadProfile> profiles;
  for (size_t head = 0; head < entropy.size(); ++head) {
    const Share matches =
        induction(weights.select(0, static_cast<int64_t>(head)).to_vector<float>(), tokens);
    HeadProfile profile{entropy[head], distance[head], previous[head], first[head], matches.given};
    profile.label = label_of({previous[head], even_share(1, tokens.size())},
                             {first[head], even_share(0, tokens.size())}, matches);
    profiles.push_back(std::move(profile));
  }
  return profiles;
}

std::vector<AttentionMap> attention_maps(const std::vector<AttentionRecord>& layers,
                                         const std::vector<int64_t>& tokens) {
  std::vector<AttentionMap> maps;
  int64_t number = 0;
  for (const AttentionRecord& layer : layers) {
    const Tensor weights = weights_of(layer, tokens);
    int64_t head = 0;
    for (const HeadProfile& profile : head_profiles(layer, tokens)) {
      maps.push_back({number, head, weights.select(0, head).to_vector<float>(), statistics(profile),
                      profile.label});
      ++head;
    }
    ++number;
  }
  return maps;
}

std::string describe_heads(const std::vector<AttentionMap>& maps) {
  std::string text;
  size_t rest = 0;
  for (const AttentionMap& map : maps) {
    const auto share =
        std::find_if(map.statistics.begin(), map.statistics.end(),
                     [&](const Statistic& statistic) { return statistic.name == map.label; });
    if (share == map.statistics.end()) {
      ++rest;
      continue;
    }
    text += fmt::format("layer {}, head {}: {} ({}, {:.0f} % of its attention)\n", map.layer,
                        map.head, map.label, meaning(map.label), 100 * share->value);
  }
  if (rest > 0)
    text +=
        fmt::format("{} of {} heads mix several patterns, or follow others\n", rest, maps.size());
  return text;
}

}  // namespace attune::train
