#include "accumulate.h"

#include "../array/fail.h"
#include "../autograd/ops/arithmetic.h"
#include "../autograd/ops/shape.h"

namespace attune::train {

std::vector<TokenBatch> micro_batches(const TokenBatch& batch, int64_t parts) {
  const int64_t sequences = batch.inputs.size(0);
  if (parts < 1 || parts > sequences)
    fail<ValueError>("micro_batches", "{} parts of {} sequences; each takes at least one", parts,
                     sequences);
  if (batch.targets.shape() != batch.inputs.shape())
    fail<ShapeError>("micro_batches", "inputs {} with targets {}; they must be alike",
                     to_string(batch.inputs.shape()), to_string(batch.targets.shape()));
  std::vector<TokenBatch> found;
  for (int64_t i = 0; i < parts; ++i) {
    const int64_t start = sequences * i / parts, length = sequences * (i + 1) / parts - start;
    found.push_back(
        {narrow(batch.inputs, 0, start, length), narrow(batch.targets, 0, start, length)});
  }
  return found;
}

double accumulate_gradients(const std::vector<TokenBatch>& batches,
                            const std::function<Tensor(const TokenBatch&)>& mean_loss) {
  constexpr const char* name = "accumulate_gradients";
  if (!mean_loss) fail<ValueError>(name, "mean_loss is empty");
  int64_t tokens = 0;
  for (const TokenBatch& batch : batches) tokens += count_targets(batch);
  if (tokens == 0) fail<ValueError>(name, "there is no target in {} batches", batches.size());
  double mean = 0;
  for (const TokenBatch& batch : batches) {
    const int64_t counted = count_targets(batch);
    if (counted == 0) continue;  // a mean over nothing may be NaN
    const auto share = static_cast<double>(counted) / static_cast<double>(tokens);
    const Tensor loss = mean_loss(batch) * share;
    loss.backward();
    mean += loss.item<double>();
  }
  return mean;
}

}  // namespace attune::train
