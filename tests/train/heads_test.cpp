#include <attune/autograd.h>
#include <attune/train.h>

#include <cmath>

#include "../catch.h"

using namespace attune;
using namespace attune::train;

namespace {

using Weights = std::vector<double>;
using Tokens = std::vector<int64_t>;

// A recorded attention with these weights, [heads, T, T]: keys are the unit vectors, and queries
// the logarithms.
AttentionRecord recorded(const std::vector<Weights>& heads, int64_t tokens,
                         const Mask& mask = Mask::causal()) {
  Weights all;
  for (const Weights& head : heads)
    for (double weight : head) all.push_back(std::log(weight + 1e-12));
  const auto count = static_cast<int64_t>(heads.size());
  const Tensor q = tensor(all, {1, count, tokens, tokens});
  const Tensor k = expand(eye(tokens).to(float64), {1, count, tokens, tokens});
  const AttentionRecorder recorder;
  scaled_dot_product_attention(q, k, k, mask, {.scale = 1.0});
  return recorder.records().at(0);
}

// Every query from 1 on gives `share` to the key that `pick` names and the rest to itself.
template <class F>
Weights looking_at(size_t tokens, double share, const F& pick) {
  Weights weights(tokens * tokens, 0.0);
  weights[0] = 1;
  for (size_t query = 1; query < tokens; ++query) {
    weights[query * tokens + pick(query)] += share;
    weights[query * tokens + query] += 1 - share;
  }
  return weights;
}

HeadProfile profile_of(const Weights& weights, const Tokens& tokens) {
  return head_profiles(recorded({weights}, static_cast<int64_t>(tokens.size())), tokens).at(0);
}

const Tokens repeated{5, 7, 1, 4, 5, 7, 1, 4, 5, 7, 1, 4};
size_t before(size_t query) { return query - 1; }
size_t first(size_t) { return 0; }
size_t after_match(size_t query) { return query < 4 ? 0 : query - 3; }

}  // namespace

TEST_CASE("profile of a head that looks at the token before") {
  const HeadProfile profile = profile_of(looking_at(4, 1, before), {1, 2, 3, 4});
  CHECK(profile.entropy == Approx(0).margin(1e-9));
  CHECK(profile.distance == Approx(0.75));
  CHECK(profile.previous_token == Approx(1));
  CHECK(std::isnan(profile.induction));
  CHECK(profile.label == "previous token");
}

TEST_CASE("an induction head looks at what followed the same token before") {
  const HeadProfile profile = profile_of(looking_at(12, 0.75, after_match), repeated);
  CHECK(profile.induction == Approx(0.75));
  CHECK(profile.label == "induction");
  // Where a token follows itself, the match is the query and says nothing.
  CHECK(std::isnan(profile_of({1, 0, 0.5, 0.5}, {3, 3}).induction));
}

TEST_CASE("a label needs more than half of the attention, and more than even attention gives") {
  CHECK(profile_of(looking_at(12, 0.51, before), repeated).label == "previous token");
  CHECK(profile_of(looking_at(12, 0.49, before), repeated).label.empty());
  CHECK(profile_of(looking_at(12, 0.6, first), repeated).label == "first token");
  // All tokens alike: everything follows the same token.
  const HeadProfile even = profile_of(Weights(144, 1.0), Tokens(12, 3));
  CHECK(even.induction > 0.5);
  CHECK(even.label.empty());
}

TEST_CASE("attention that looks both ways has a next token, and separators where they are named") {
  const auto after = [](size_t query) { return query == 4 ? 0 : query + 1; };
  const auto last = [](size_t) { return size_t{4}; };
  const auto layer = recorded({looking_at(5, 0.8, after), looking_at(5, 0.8, last)}, 5, {});
  const auto profiles = head_profiles(layer, {1, 2, 3, 4, 5}, {false, false, false, false, true});
  // The first row of looking_at looks at itself.
  CHECK(profiles[0].next_token == Approx(0.6));
  CHECK(profiles[0].previous_token == Approx(0).margin(1e-9));
  CHECK(profiles[0].label == "next token");
  CHECK(profiles[1].separator == Approx((0 + 0.8 + 0.8 + 0.8 + 1) / 5));
  CHECK(profiles[1].label == "separator");
  // Most of what there is to look at are separators: no pattern of the head's own.
  CHECK(head_profiles(layer, {1, 2, 3, 4, 5}, {true, true, false, true, true})[1].label.empty());
  CHECK(std::isnan(head_profiles(layer, {1, 2, 3, 4, 5})[1].separator));
  CHECK(std::isnan(profile_of(looking_at(4, 1, before), {1, 2, 3, 4}).next_token));
}

TEST_CASE("maps of all heads, in words") {
  const Weights even(16, 0.25);
  const Weights matching = looking_at(4, 1, before);
  const auto maps =
      attention_maps({recorded({even, even}, 4), recorded({matching}, 4)}, {1, 2, 3, 4});
  REQUIRE(maps.size() == 3);
  CHECK(maps[1].layer == 0);
  CHECK(maps[1].head == 1);
  CHECK(maps[1].weights[15] == Approx(0.25));
  CHECK(maps[2].layer == 1);
  CHECK(maps[2].head == 0);
  CHECK(maps[2].weights[14] == Approx(1));
  CHECK(maps[2].label == "previous token");
  CHECK(maps[2].statistics.size() == 4);
  CHECK(describe_heads(maps) ==
        "previous token (looks at the token before): layer 1 head 0 (100 %)\n"
        "2 of 3 heads mix several patterns, or follow others\n");
}

TEST_CASE("of many heads alike, the clearest are named") {
  const auto maps = attention_maps(
      {recorded({looking_at(4, 0.8, before), looking_at(4, 1, before), looking_at(4, 0.9, before)},
                4)},
      {1, 2, 3, 4});
  CHECK(describe_heads(maps, 2) ==
        "previous token (looks at the token before): layer 0 head 1 (100 %), layer 0 head 2 (90 "
        "%), 1 more\n");
}

TEST_CASE("attention that does not fit the tokens is refused") {
  const AttentionRecord layer = recorded({Weights(9, 1.0)}, 3);
  CHECK_NOTHROW(head_profiles(layer, {1, 2, 3}));
  CHECK_THROWS_AS(head_profiles(layer, {1, 2}), ShapeError);
  const Tensor batch = ones({2, 1, 3, 3});
  const AttentionRecorder recorder;
  scaled_dot_product_attention(batch, batch, batch);
  CHECK_THROWS_AS(attention_maps(recorder.records(), {1, 2, 3}), ShapeError);
}
