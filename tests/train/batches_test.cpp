#include <attune/train.h>

#include <algorithm>
#include <numeric>

#include "../catch.h"

using namespace attune;

TEST_CASE("the windows of an epoch lie end to end, in batches that two epochs share too") {
  std::vector<int64_t> tokens(103);
  std::iota(tokens.begin(), tokens.end(), int64_t{0});
  constexpr int64_t context = 7, windows = (103 - context) / context;
  for (const int64_t batch : {1, 4, 20}) {
    train::TokenStream stream(tokens, batch, context, 5);
    std::vector<int64_t> starts;
    while (std::ssize(starts) < 6 * windows) {
      const auto [inputs, targets] = stream.next();
      for (int64_t row = 0; row < batch; ++row) {
        starts.push_back(inputs[row][0].item<int64_t>());
        CHECK(targets[row][context - 1].item<int64_t>() == starts.back() + context);
      }
    }
    INFO(batch);
    for (int64_t epoch = 0; epoch < 6; ++epoch) {
      const auto first = starts.begin() + epoch * windows, last = first + windows;
      std::sort(first, last);
      for (auto at = first + 1; at != last; ++at) CHECK(*at - *(at - 1) == context);
    }
  }
}
