#include "losses.h"

#include <algorithm>

#include "../../array/fail.h"
#include "../../autograd/ops/broadcast.h"
#include "../../autograd/ops/linear_cross_entropy.h"
#include "../../autograd/ops/loss.h"
#include "../../autograd/ops/shape.h"

namespace attune::nn::models {
namespace {

// x: the logits of each token, or what they are computed from.
void check_token_labels(const char* name, const Tensor& x, const Tensor& labels) {
  if (x.dim() != 3 || labels.shape() != Shape{x.size(0), x.size(1)})
    fail<ShapeError>(name, "labels {} do not fit {}; those of [B, T, …] are [B, T]",
                     to_string(labels.shape()), to_string(x.shape()));
}

// The loss of labels, one for each row of hidden [B, T, D], as linear_cross_entropy computes it.
Tensor fused_loss(const Linear& head, const Tensor& hidden, const Tensor& labels) {
  const Scope scope(intern_path(head.path()));
  return linear_cross_entropy(hidden, head.weight, labels, head.bias);
}

// An adapter adds to logits that have to be there.
bool is_fused(const Linear& head, const Tensor& labels, const ForwardOptions& options) {
  return labels.defined() && !options.output_logits && !head.has_adapter();
}

}  // namespace

void causal_lm_head(const Linear& head, const Tensor& hidden, const ForwardOptions& options,
                    ModelOutput& output) {
  const bool shifted = options.shift_labels.defined();
  const Tensor& labels = shifted ? options.shift_labels : options.labels;
  if (labels.defined()) check_token_labels("causal_lm_loss", hidden, labels);
  if (is_fused(head, labels, options)) {
    const int64_t predictions = std::max<int64_t>(hidden.size(1) - 1, 0);
    output.loss =
        shifted ? fused_loss(head, hidden, labels)
                : fused_loss(head, narrow(hidden, 1, 0, predictions), slice(labels, 1, 1, {}));
    return;
  }
  if (!labels.defined() && !options.output_logits) return;
  output.logits = head(hidden);
  if (labels.defined())
    output.loss =
        shifted ? masked_lm_loss(output.logits, labels) : causal_lm_loss(output.logits, labels);
}

void masked_lm_head(const Linear& head, const Tensor& hidden, const ForwardOptions& options,
                    ModelOutput& output) {
  if (is_fused(head, options.labels, options)) {
    check_token_labels("masked_lm_loss", hidden, options.labels);
    output.loss = fused_loss(head, hidden, options.labels);
    return;
  }
  if (!options.labels.defined() && !options.output_logits) return;
  output.logits = head(hidden);
  if (options.labels.defined()) output.loss = masked_lm_loss(output.logits, options.labels);
}

Tensor causal_lm_loss(const Tensor& logits, const Tensor& labels) {
  check_token_labels("causal_lm_loss", logits, labels);
  const int64_t predictions = std::max<int64_t>(logits.size(1) - 1, 0);
  return cross_entropy(flatten(narrow(logits, 1, 0, predictions), 0, 1),
                       flatten(slice(labels, 1, 1, {})));
}

Tensor masked_lm_loss(const Tensor& logits, const Tensor& labels) {
  check_token_labels("masked_lm_loss", logits, labels);
  return cross_entropy(flatten(logits, 0, 1), flatten(labels));
}

Tensor sequence_classification_loss(const Tensor& logits, const Tensor& labels,
                                    const std::string& problem_type) {
  const char* name = "sequence_classification_loss";
  if (logits.dim() != 2)
    fail<ShapeError>(name, "logits are {}; it takes [B, num_labels]", to_string(logits.shape()));
  const bool whole = labels.dtype() == int64;
  const std::string problem = !problem_type.empty() ? problem_type
                              : logits.size(1) == 1 ? "regression"
                              : whole               ? "single_label_classification"
                                                    : "multi_label_classification";
  if (problem == "single_label_classification") return cross_entropy(logits, flatten(labels));
  if (problem != "regression" && problem != "multi_label_classification")
    fail<ValueError>(name, "unknown problem_type \"{}\"", problem);
  if (labels.dim() == 0 || labels.numel() != logits.numel() || labels.size(0) != logits.size(0))
    fail<ShapeError>(name, "labels {} do not fit logits {}; {} takes {}", to_string(labels.shape()),
                     to_string(logits.shape()), problem,
                     logits.size(1) == 1 ? "[B] or [B, 1]" : "labels of the same shape");
  const Tensor targets = reshape(to(labels, logits.dtype()), logits.shape());
  return problem == "regression" ? mse_loss(logits, targets)
                                 : binary_cross_entropy_with_logits(logits, targets);
}

}  // namespace attune::nn::models
