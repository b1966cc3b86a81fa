#include <algorithm>
#include <limits>

#include "../../array/fail.h"
#include "../../array/scope.h"
#include "../../kernels/copy.h"
#include "../../kernels/loss.h"
#include "../record.h"
#include "arithmetic.h"
#include "compare.h"
#include "composite.h"
#include "index.h"
#include "loss.h"
#include "reduce.h"
#include "shape.h"

namespace attune {
namespace {

void check(const char* name, const Tensor& scores, const Tensor& target, const Tensor& weight) {
  if (target.dtype() != int64)
    fail<DTypeError>(name, "targets are {}; they must be class indices, int64",
                     name_of(target.dtype()));
  Shape expected = scores.shape();
  if (!expected.empty()) expected.erase(expected.size() > 1 ? 1 : 0);
  if (scores.dim() == 0 || target.shape() != expected)
    fail<ShapeError>(name, "targets {} do not fit input {}; [N, C, ...] takes [N, ...]",
                     to_string(target.shape()), to_string(scores.shape()));
  const int64_t classes = scores.size(scores.dim() > 1 ? 1 : 0);
  if (weight.defined() && weight.shape() != Shape{classes})
    fail<ShapeError>(name, "weight {} must have one element for each of {} classes",
                     to_string(weight.shape()), classes);
  if (weight.defined() && weight.dtype() != scores.dtype())
    fail<DTypeError>(name, "weight is {}, the input {}; convert one with to()",
                     name_of(weight.dtype()), name_of(scores.dtype()));
}

// [C] -> [1, C]; [N, C, …] -> [N …, C].
Tensor class_rows(const Tensor& scores) {
  const int64_t classes = scores.size(scores.dim() > 1 ? 1 : 0);
  if (scores.dim() < 3)
    return reshape(scores, {scores.numel() / std::max<int64_t>(1, classes), classes});
  Shape order;
  for (int64_t i = 0; i < scores.dim(); ++i)
    if (i != 1) order.push_back(i);
  order.push_back(1);
  const int64_t rows = scores.numel() / std::max<int64_t>(1, classes);
  return reshape(permute(scores, order), {rows, classes});
}

Array dense_labels(const Tensor& target) {
  return kernels::contiguous(kernels::reshape(target.array(), {target.numel()}));
}

// The mean over no target is 0; targets that all weigh nothing have none.
double mean_factor(double target_weight, const Array& labels, int64_t ignore_index) {
  if (target_weight != 0) return 1 / target_weight;
  const int64_t* label = labels.data<int64_t>();
  const bool counted = std::any_of(label, label + labels.numel(),
                                   [=](int64_t target) { return target != ignore_index; });
  return counted ? std::numeric_limits<double>::quiet_NaN() : 0;
}

Tensor reduce_rows(const char* name, const Tensor& losses, double mean_factor, const Shape& shape,
                   Reduction reduction) {
  switch (reduction) {
    case Reduction::none:
      return reshape(losses, shape);
    case Reduction::sum:
      return sum(losses);
    case Reduction::mean:
      return sum(losses) * mean_factor;
    case Reduction::batchmean:
      break;
  }
  fail<ValueError>(name, "reduction batchmean is for kl_div; use none, mean or sum");
}

}  // namespace

Tensor cross_entropy(const Tensor& logits, const Tensor& target,
                     const CrossEntropyOptions& options) {
  const OperationScope scope("cross_entropy");
  check("cross_entropy", logits, target, options.weight);
  if (!(options.label_smoothing >= 0 && options.label_smoothing <= 1))
    fail<ValueError>("cross_entropy", "label_smoothing is {}; it lies in [0, 1]",
                     options.label_smoothing);
  const Tensor rows = class_rows(logits);
  const Array labels = dense_labels(target);
  const kernels::CrossEntropyOptions settings{
      options.ignore_index, options.label_smoothing,
      options.weight.defined() ? options.weight.array() : Array()};
  const auto result = kernels::cross_entropy(rows.array(), labels, settings);
  const auto gradient = [=, stats = result.stats](const Tensor& g) {
    if (!grad_enabled())
      return Tensor(
          kernels::cross_entropy_backward(g.array(), rows.array(), labels, stats, settings));
    const auto twin = [=](std::span<const Tensor> in) {
      return composite::cross_entropy(in[0], labels, settings);
    };
    return composite_gradients(twin, {rows}, g)[0];
  };
  const Tensor losses = record("cross_entropy", result.losses, wrt(rows, gradient));
  const double factor = mean_factor(result.target_weight, labels, options.ignore_index);
  return reduce_rows("cross_entropy", losses, factor, target.shape(), options.reduction);
}

Tensor nll_loss(const Tensor& log_probabilities, const Tensor& target,
                const NllLossOptions& options) {
  const OperationScope scope("nll_loss");
  check("nll_loss", log_probabilities, target, options.weight);
  visit_floating("nll_loss", log_probabilities.dtype(), [](auto) {});
  const Tensor rows = class_rows(log_probabilities);
  const Tensor labels(dense_labels(target));
  kernels::check_targets("nll_loss", labels.array(), rows.size(1), options.ignore_index);
  const Tensor ignored = labels == tensor(options.ignore_index);
  const Tensor classes = where(ignored, Tensor(kernels::zeros({1}, int64)), labels);
  const Tensor picked = squeeze(gather(rows, 1, unsqueeze(classes, -1)), 1);
  Tensor weights(kernels::full({target.numel()}, rows.dtype(), 1));
  if (options.weight.defined()) weights = index_select(options.weight.detach(), 0, classes);
  weights = masked_fill(weights, ignored, 0.0);
  const Tensor losses = masked_fill(-picked * weights, ignored, 0.0);
  const double total = target.numel() == 0 ? 0 : sum(weights).item<double>();
  return reduce_rows("nll_loss", losses, mean_factor(total, labels.array(), options.ignore_index),
                     target.shape(), options.reduction);
}

}  // namespace attune
