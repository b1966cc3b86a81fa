#include "loss.h"

#include "../../array/fail.h"
#include "../../array/scope.h"
#include "../record.h"
#include "activation.h"
#include "arithmetic.h"
#include "compare.h"
#include "pointwise.h"
#include "reduce.h"

namespace attune {
namespace {

Tensor reduce(const char* name, const Tensor& losses, Reduction reduction) {
  switch (reduction) {
    case Reduction::none:
      return losses;
    case Reduction::mean:
      return mean(losses);
    case Reduction::sum:
      return sum(losses);
    case Reduction::batchmean:
      break;
  }
  fail<ValueError>(name, "reduction batchmean is for kl_div; use none, mean or sum");
}

// Its gradient is the clamped difference, finite even where the loss is not.
Tensor huber(const Tensor& difference, double delta) {
  const Tensor data = difference.detach(), distance = abs(data);
  const Tensor loss = where(distance < delta, square(data) * 0.5, (distance - 0.5 * delta) * delta);
  return record("huber_loss", loss.array(), wrt(difference, [=](const Tensor& g) {
                  return g * clamp(difference, -delta, delta);
                }));
}

}  // namespace

Tensor mse_loss(const Tensor& input, const Tensor& target, Reduction reduction) {
  const OperationScope scope("mse_loss");
  return reduce("mse_loss", square(input - target), reduction);
}

Tensor l1_loss(const Tensor& input, const Tensor& target, Reduction reduction) {
  const OperationScope scope("l1_loss");
  return reduce("l1_loss", abs(input - target), reduction);
}

Tensor huber_loss(const Tensor& input, const Tensor& target, Reduction reduction, double delta) {
  const OperationScope scope("huber_loss");
  if (!(delta > 0)) fail<ValueError>("huber_loss", "delta is {}; it must be positive", delta);
  return reduce("huber_loss", huber(input - target, delta), reduction);
}

Tensor smooth_l1_loss(const Tensor& input, const Tensor& target, Reduction reduction, double beta) {
  const OperationScope scope("smooth_l1_loss");
  if (!(beta >= 0)) fail<ValueError>("smooth_l1_loss", "beta is {}; use a number >= 0", beta);
  if (beta == 0) return l1_loss(input, target, reduction);
  return reduce("smooth_l1_loss", huber(input - target, beta) / beta, reduction);
}

Tensor binary_cross_entropy_with_logits(const Tensor& input, const Tensor& target,
                                        const BceOptions& options) {
  constexpr const char* name = "binary_cross_entropy_with_logits";
  const OperationScope scope(name);
  if (input.shape() != target.shape())
    fail<ShapeError>(name, "target {} must have the shape of the input {}",
                     to_string(target.shape()), to_string(input.shape()));
  const Tensor miss = -logsigmoid(input);
  Tensor losses = (1.0 - target) * input;
  losses =
      losses +
      (options.pos_weight.defined() ? miss * ((options.pos_weight - 1.0) * target + 1.0) : miss);
  if (options.weight.defined()) losses = losses * options.weight;
  return reduce(name, losses, options.reduction);
}

Tensor bce_with_logits(const Tensor& input, const Tensor& target, const BceOptions& options) {
  const OperationScope scope("bce_with_logits");
  return binary_cross_entropy_with_logits(input, target, options);
}

Tensor kl_div(const Tensor& input, const Tensor& target, Reduction reduction, bool log_target) {
  const OperationScope scope("kl_div");
  Tensor losses;
  if (log_target) {
    losses = exp(target) * (target - input);
  } else {
    losses = where(target == 0.0, 0.0, target * log(target)) - target * input;
  }
  if (reduction != Reduction::batchmean) return reduce("kl_div", losses, reduction);
  const int64_t batch = input.dim() == 0 ? 1 : input.size(0);
  return sum(losses) / static_cast<double>(batch);
}

}  // namespace attune
