#include <attune/autograd.h>
#include <attune/nn.h>
#include <attune/train.h>

#include <algorithm>

#include "../catch.h"

using namespace attune;
using namespace attune::train;

TEST_CASE("gradients of micro-batches add up to those of the batch, whatever their sizes") {
  nn::models::Gpt2Config config{.vocab_size = 20, .n_positions = 8, .n_embd = 16, .n_layer = 2};
  config.n_head = 2;
  config.resid_pdrop = config.embd_pdrop = config.attn_pdrop = 0;
  manual_seed(0);
  const nn::models::Gpt2 model(config);
  model.to(float64);
  const TokenBatch batch{randint(20, {5, 8}), randint(20, {5, 8})};
  // Rows with fewer targets, and one with none.
  batch.targets.select(0, 1).fill_(-100);
  batch.targets.select(0, 2).narrow(0, 0, 6).fill_(-100);
  const auto mean_loss = [&](const TokenBatch& part) {
    return model.forward(part.inputs, {.shift_labels = part.targets, .output_logits = false}).loss;
  };
  const Tensor whole = mean_loss(batch);
  whole.backward();
  std::vector<Tensor> wanted;
  for (const Tensor& p : model.parameters()) wanted.push_back(p.grad());
  for (const int64_t parts : {1, 2, 3, 5}) {
    model.zero_grad();
    const double mean = accumulate_gradients(micro_batches(batch, parts), mean_loss);
    CHECK(mean == Approx(whole.item<double>()).epsilon(1e-12));
    const auto parameters = model.parameters();
    for (size_t i = 0; i < wanted.size(); ++i)
      CHECK(amax(abs(parameters[i].grad() - wanted[i])).item<double>() < 1e-12);
  }
  const auto rows = micro_batches(batch, 5);
  REQUIRE(std::ranges::count(rows, 0, count_targets) == 1);
  const double mean = accumulate_gradients(rows, [&](const TokenBatch& part) {
    if (count_targets(part) == 0) return full({}, std::nan("")).requires_grad_();
    return mean_loss(part);
  });
  CHECK(mean == Approx(whole.item<double>()).epsilon(1e-12));
  CHECK_THROWS_AS(micro_batches(batch, 6), ValueError);
  CHECK_THROWS_AS(micro_batches(batch, 0), ValueError);
}
