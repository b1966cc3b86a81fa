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
  double next_token = 0;      // weight on the token after; NaN if the attention is causal
  double first_token = 0;     // weight on the first token
  double separator = 0;       // weight on all separators together
  // Weight on the tokens that came after earlier occurrences of the one being read: the prefix
  // matching of Olsson et al. 2022. Over the queries that have such.
  double induction = 0;
  // "previous token", "next token", "first token", "separator" or "induction": which of them gets
  // most, if that is more than half of the attention, and twice what even attention would give.
  // Else empty.
  std::string label = {};
};

// Every head of a layer's self-attention, causal or not, over `tokens`: [H, T, T] or [1, H, T, T],
// else ShapeError. separators: true for a token that parts texts, such as [SEP]; empty if there are
// none.
std::vector<HeadProfile> head_profiles(const AttentionRecord& layer,
                                       const std::vector<int64_t>& tokens,
                                       const std::vector<bool>& separators = {});

// Every head of every layer for Report::attention, with its profile as statistics and label.
std::vector<AttentionMap> attention_maps(const std::vector<AttentionRecord>& layers,
                                         const std::vector<int64_t>& tokens,
                                         const std::vector<bool>& separators = {});

// What was found, in words: for each label the `most` heads that follow it most closely, and how
// many heads have no label.
std::string describe_heads(const std::vector<AttentionMap>& maps, size_t most = 6);

}  // namespace attune::train
