#include <attune/autograd.h>
#include <attune/train.h>

#include <algorithm>

#include "../catch.h"

using namespace attune;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("15 % of the tokens are to be predicted: 80 % masked, 10 % random, 10 % as they were") {
  // Rows of 200 tokens between [CLS] = 1 and [SEP] = 2; the mask is 3.
  Tensor ids = full({500, 202}, 7, int64);
  const Tensor ends = ones({500, 1}, int64);
  ids = cat({ends, ids.narrow(1, 1, 200), ends * 2}, 1);
  const train::MaskingOptions options{
      .mask_token = 3, .vocab_size = 1000, .special_tokens = {1, 2}};
  const auto [input_ids, labels] = train::mask_tokens(ids, options, {5, 1});
  const auto given = ids.to_vector<int64_t>();
  const auto seen = input_ids.to_vector<int64_t>(), wanted = labels.to_vector<int64_t>();
  int64_t masked = 0, same = 0, random = 0;
  for (size_t row = 0; row < 500; ++row) {
    int64_t chosen = 0;
    for (size_t i = row * 202; i < (row + 1) * 202; ++i) {
      if (wanted[i] == -100) {
        REQUIRE(seen[i] == given[i]);
        continue;
      }
      REQUIRE(wanted[i] == 7);  // no special token
      ++chosen;
      ++(seen[i] == 3 ? masked : seen[i] == 7 ? same : random);
      REQUIRE((seen[i] >= 0 && seen[i] < 1000));
    }
    REQUIRE(chosen == 30);
  }
  // Of 15,000; a deviation is 49 and 37.
  CHECK(std::abs(masked - 12000) < 200);
  CHECK(std::abs(random - 1500) < 150);
  CHECK(std::abs(same - 1500) < 150);
}

TEST_CASE("a draw decides what is masked; short rows have one token to predict") {
  const Tensor ids = arange(24).reshape({2, 12});
  const train::MaskingOptions options{.mask_token = 3, .vocab_size = 24};
  const auto labels = [&](uint64_t draw) {
    return train::mask_tokens(ids, options, {0, draw}).labels.to_vector<int64_t>();
  };
  CHECK(labels(1) == labels(1));
  CHECK(labels(1) != labels(2));
  const Tensor short_row = tensor({{1, 5, 2}}).to(int64);
  const auto one = train::mask_tokens(
      short_row, {.mask_token = 3, .vocab_size = 9, .special_tokens = {1, 2}}, {0, 1});
  CHECK(one.labels.to_vector<int64_t>() == std::vector<int64_t>{-100, 5, -100});
  const auto none = train::mask_tokens(
      short_row, {.mask_token = 3, .vocab_size = 9, .special_tokens = {1, 2, 5}}, {0, 1});
  CHECK(none.labels.to_vector<int64_t>() == std::vector<int64_t>(3, -100));
}

TEST_CASE("masking says what it cannot take") {
  const Tensor ids = zeros({2, 3}, int64);
  const train::MaskingOptions good{.mask_token = 3, .vocab_size = 9};
  CHECK_THROWS_AS(train::mask_tokens(zeros({3}, int64), good), ShapeError);
  CHECK_THROWS_AS(train::mask_tokens(zeros({2, 3}), good), DTypeError);
  CHECK_THROWS_WITH(train::mask_tokens(ids, {.mask_token = 9, .vocab_size = 9}),
                    ContainsSubstring("mask_token 9 is outside a vocabulary of 9"));
  for (const double share : {0.0, -1.0, 1.5})
    CHECK_THROWS_WITH(train::mask_tokens(ids, {.mask_token = 3, .vocab_size = 9, .share = share}),
                      ContainsSubstring("share is"));
}
