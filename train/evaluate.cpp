#include "evaluate.h"

#include "../array/fail.h"
#include "../autograd/grad_mode.h"
#include "../autograd/ops/loss.h"
#include "../autograd/ops/shape.h"

namespace attune::train {

double mean_loss(const std::function<Tensor(const Tensor& tokens)>& model,
                 const std::vector<TokenBatch>& batches) {
  if (!model) fail<ValueError>("mean_loss", "the model is empty");
  NoGrad no_grad;
  double total = 0;
  int64_t targets = 0;
  for (const TokenBatch& batch : batches) {
    const Tensor logits = flatten(model(batch.inputs), 0, 1);
    total +=
        cross_entropy(logits, flatten(batch.targets), {.reduction = Reduction::sum}).item<double>();
    targets += count_targets(batch);
  }
  if (targets == 0)
    fail<ValueError>("mean_loss", "there is no target in {} batches", batches.size());
  return total / static_cast<double>(targets);
}

}  // namespace attune::train
