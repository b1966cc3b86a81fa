#pragma once

#include <cstdint>
#include <optional>

namespace attune::train {

// What is known of a run after one step; what was not measured is left out.
struct Metrics {
  int64_t step = 0;
  std::optional<double> train_loss = {};  // mean negative log-likelihood of a token, in nats
  std::optional<double> val_loss = {};    // the same over held-out data
  std::optional<double> lr = {};
  std::optional<double> tokens_per_second = {};
};

// ValueError names the step, the loss and the learning rate if a loss is NaN or infinite: training
// cannot recover from that.
void require_finite(const Metrics& metrics);

}  // namespace attune::train
