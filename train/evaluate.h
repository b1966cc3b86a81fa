#pragma once

#include <functional>
#include <vector>

#include "batches.h"

namespace attune::train {

// The mean cross-entropy, in nats, of every target in the batches that counts; nothing is recorded.
// model: tokens int64 [B, T] -> logits [B, T, V], in evaluation mode if it knows one. ValueError if
// there is no target.
double mean_loss(const std::function<Tensor(const Tensor& tokens)>& model,
                 const std::vector<TokenBatch>& batches);

}  // namespace attune::train
