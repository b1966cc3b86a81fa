#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "../autograd/ops/attention_recorder.h"
#include "report.h"

namespace attune::train {

// What one head does over one sequence, in numbers: each a mean over the queries, NaN where it is
// defined for none.
struct HeadProfile {
  double entropy = 0;         // of the weights, in bits
  double distance = 0;        // to the attended token, in tokens
  double previous_token = 0;  // weight on the token before
  double first_token = 0;     // weight on the first token
  // Weight on the tokens that came after earlier occurrences of the one being read: the prefix
  // matching of Olsson et al. 2022. Over the queries that have such.
  double induction = 0;
  // "previous token", "first token" or "induction": which of the three gets most, if that is more
  // than half of the attention, and twice what even attention would give. Else empty.
  std::string label = {};
};

// Every head of a layer's causal self-attention over `tokens`: [H, T, T] or [1, H, T, T], else
// ShapeError.
std::vector<HeadProfile> head_profiles(const AttentionRecord& layer,
                                       const std::vector<int64_t>& tokens);

// Every head of every layer for Report::attention, with its profile as statistics and label.
std::vector<AttentionMap> attention_maps(const std::vector<AttentionRecord>& layers,
                                         const std::vector<int64_t>& tokens);

// What was found, in words: a line for each head with a label, and one for the rest.
std::string describe_heads(const std::vector<AttentionMap>& maps);

}  // namespace attune::train
