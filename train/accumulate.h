#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "batches.h"

namespace attune::train {

// The sequences of a batch in `parts` batches of as equal size as possible. ValueError unless parts
// is positive and at most the number of sequences; ShapeError if inputs and targets differ.
std::vector<TokenBatch> micro_batches(const TokenBatch& batch, int64_t parts);

// Gradient accumulation: runs mean_loss of each micro-batch backward before the next one begins, so
// that only one is in memory, weighted so that the gradients are those of the mean over all targets
// that count. Returns that mean. Gradients add to what is there; clear them first. ValueError if
// there is no target.
double accumulate_gradients(const std::vector<TokenBatch>& batches,
                            const std::function<Tensor(const TokenBatch&)>& mean_loss);

}  // namespace attune::train
