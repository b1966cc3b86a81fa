#include "linear_cross_entropy.h"

#include <algorithm>

#include "../../array/fail.h"
#include "../../array/scope.h"
#include "../../kernels/copy.h"
#include "../../kernels/linear_cross_entropy.h"
#include "../record.h"
#include "arithmetic.h"
#include "linalg.h"
#include "reduce.h"
#include "shape.h"

namespace attune {
namespace {

constexpr const char* name = "linear_cross_entropy";

void check(const Tensor& hidden, const Tensor& weight, const Tensor& target, const Tensor& bias,
           const LinearCrossEntropyOptions& options) {
  if (hidden.dim() == 0 || weight.dim() != 2 || hidden.size(-1) != weight.size(1))
    fail<ShapeError>(name, "hidden {} does not fit weight {}; they are [..., D] and [V, D]",
                     to_string(hidden.shape()), to_string(weight.shape()));
  if (bias.defined() && bias.shape() != Shape{weight.size(0)})
    fail<ShapeError>(name, "bias {} for weight {}; it takes [{}]", to_string(bias.shape()),
                     to_string(weight.shape()), weight.size(0));
  Shape rows = hidden.shape();
  rows.erase(rows.size() - 1);
  if (target.shape() != rows)
    fail<ShapeError>(name, "targets {} do not fit hidden {}; [..., D] takes [...]",
                     to_string(target.shape()), to_string(hidden.shape()));
  if (target.dtype() != int64)
    fail<DTypeError>(name, "targets are {}; they must be class indices, int64",
                     name_of(target.dtype()));
  visit_floating(name, hidden.dtype(), [](auto) {});
  for (const Tensor& x : {weight, bias})
    if (x.defined() && x.dtype() != hidden.dtype())
      fail<DTypeError>(name, "hidden is {}, the weight or bias {}; convert one with to()",
                       name_of(hidden.dtype()), name_of(x.dtype()));
  if (!(options.label_smoothing >= 0 && options.label_smoothing <= 1))
    fail<ValueError>(name, "label_smoothing is {}; it lies in [0, 1]", options.label_smoothing);
  if (options.reduction == Reduction::batchmean)
    fail<ValueError>(name, "reduction batchmean is for kl_div; use none, mean or sum");
}

// What each row's loss counts in the result: 1, or of a mean 1 / the number of rows that count.
double share_of_row(const Array& targets, const LinearCrossEntropyOptions& options) {
  if (options.reduction != Reduction::mean) return 1;
  const int64_t* target = targets.data<int64_t>();
  const auto counted =
      targets.numel() - std::count(target, target + targets.numel(), options.ignore_index);
  return counted > 0 ? 1 / static_cast<double>(counted) : 0;
}

Tensor scaled(const Array& gradient, double factor) {
  if (!gradient.defined()) return {};
  return factor == 1 ? Tensor(gradient) : Tensor(gradient) * factor;
}

}  // namespace

Tensor linear_cross_entropy(const Tensor& hidden, const Tensor& weight, const Tensor& target,
                            const Tensor& bias, const LinearCrossEntropyOptions& options) {
  const OperationScope scope(name);
  check(hidden, weight, target, bias, options);
  const Tensor rows = reshape(hidden, {target.numel(), hidden.size(-1)});
  const Array labels = kernels::contiguous(kernels::reshape(target.array(), {target.numel()}));
  const kernels::CrossEntropyOptions settings{options.ignore_index, options.label_smoothing, {}};
  const std::vector<Tensor> inputs = {rows, weight, bias};
  const auto compute = [=](const Array& g, const Needs& needs) {
    return kernels::linear_cross_entropy(rows.array(), weight.array(),
                                         bias.defined() ? bias.array() : Array(), labels, settings,
                                         {g, needs[0], needs[1], needs[2]});
  };
  const auto twin = [=](std::span<const Tensor> x) {
    return cross_entropy(linear(x[0], x[1], x[2]), Tensor(labels),
                         {.ignore_index = options.ignore_index,
                          .reduction = options.reduction,
                          .label_smoothing = options.label_smoothing});
  };
  if (options.reduction == Reduction::none) {
    const auto gradients = [=](const Tensor& g, const Needs& needs) -> std::vector<Tensor> {
      if (grad_enabled()) return composite_gradients(twin, inputs, g);
      const auto d = compute(g.array(), needs);
      return {scaled(d.hidden, 1), scaled(d.weight, 1), scaled(d.bias, 1)};
    };
    const Tensor losses =
        record(name, compute({}, {false, false, false}).losses, jointly(inputs, gradients));
    return reshape(losses, target.shape());
  }
  Needs needs;
  for (const Tensor& x : inputs)
    needs.push_back(grad_enabled() && x.defined() && x.requires_grad());
  const bool any = std::any_of(needs.begin(), needs.end(), [](bool need) { return need; });
  const double share = share_of_row(labels, options);
  auto result =
      compute(any ? kernels::full({labels.numel()}, rows.dtype(), share) : Array(), needs);
  const Tensor loss = sum(Tensor(result.losses)) * share;
  result.losses = {};
  const auto gradients = [=](const Tensor& g, const Needs&) -> std::vector<Tensor> {
    if (grad_enabled()) return composite_gradients(twin, inputs, g);
    const double factor = g.item<double>();
    return {scaled(result.hidden, factor), scaled(result.weight, factor),
            scaled(result.bias, factor)};
  };
  return record(name, loss.array(), jointly(inputs, gradients));
}

}  // namespace attune
