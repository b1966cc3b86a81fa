#include <attune/autograd.h>
#include <attune/train.h>

#include <cmath>

#include "../catch.h"

using namespace attune;
using namespace attune::train;

TEST_CASE("the mean loss weighs every target alike, whatever the batches") {
  // Logits that favour the token after the one that is read.
  const auto model = [](const Tensor& tokens) { return 2.0 * one_hot(tokens, 3).to(float32); };
  const std::vector<int64_t> tokens{0, 0, 1, 2, 2, 0, 2};
  const double all = 2 + std::exp(2.0);
  const double hit = std::log(all) - 2, miss = std::log(all);
  const double expected = (2 * hit + 4 * miss) / 6;
  for (const int64_t context : {1, 2, 4, 6})
    CHECK(mean_loss(model, sequential_batches(tokens, 2, context)) == Approx(expected));
  auto batches = sequential_batches(tokens, 2, 2);
  batches[0].targets.fill_(-100);
  CHECK(count_targets(batches[0]) == 0);
  CHECK(mean_loss(model, batches) == Approx(miss));
  CHECK_THROWS_AS(mean_loss(model, {batches[0]}), ValueError);
  CHECK_THROWS_AS(mean_loss(model, {}), ValueError);
}
