#include "composite.h"

#include <limits>

#include "../../kernels/copy.h"
#include "../../kernels/dropout.h"
#include "../../kernels/elementwise.h"
#include "../../kernels/gemm.h"
#include "../../kernels/reduce.h"
#include "../record.h"
#include "arithmetic.h"
#include "broadcast.h"
#include "compare.h"
#include "index.h"
#include "linalg.h"
#include "pointwise.h"
#include "reduce.h"
#include "shape.h"

namespace attune::composite {
namespace {

Shape last_dims(int64_t n) {
  Shape dims;
  for (int64_t i = -n; i < 0; ++i) dims.push_back(i);
  return dims;
}

Tensor scaled(const Tensor& x, const Tensor& weight) { return weight.defined() ? x * weight : x; }

// Softmax over the keys that keep allows; zeros for a row without any.
Tensor masked_softmax(const Tensor& scores, const Tensor& keep) {
  if (!keep.defined() || scores.numel() == 0) return softmax(scores);
  const Tensor finite = where(keep, scores, -largest_finite(scores.dtype()));
  const Tensor weights = where(keep, exp(finite - amax(finite.detach(), {-1}, true)), 0.0);
  const Tensor total = sum(weights, {-1}, true);
  return weights / where(total == 0.0, 1.0, total);
}

// Products in which row i of one operand meets row j of the other only where keep [..., I, J]
// allows it, or everywhere if keep is undefined. What is hidden adds nothing, be it NaN. The
// gradients of the one are products of the other kind, so that holds for every order of them.

Tensor sum_of_seen(const Tensor& weights, const Tensor& values, const Tensor& keep);

// a bᵀ, 0 where hidden. a: [..., I, D], b: [..., J, D] -> [..., I, J].
Tensor products_of_seen(const Tensor& a, const Tensor& b, const Tensor& keep) {
  if (!keep.defined()) return matmul(a, transpose(b, -2, -1));
  const Array product = kernels::matmul(a.array(), b.array().transpose(-2, -1));
  return record("matmul",
                kernels::where(keep.array(), product, kernels::zeros({}, product.dtype())),
                wrt(a, [b, keep](const Tensor& g) { return sum_of_seen(g, b, keep); }),
                wrt(b, [a, keep](const Tensor& g) {
                  return sum_of_seen(transpose(g, -2, -1), a, transpose(keep, -2, -1));
                }));
}

// weights · values. weights: [..., I, J], values: [..., J, D] -> [..., I, D].
Tensor sum_of_seen(const Tensor& weights, const Tensor& values, const Tensor& keep) {
  if (!keep.defined()) return matmul(weights, values);
  return record(
      "matmul", kernels::masked_matmul(keep.array(), weights.array(), values.array()),
      wrt(weights, [values, keep](const Tensor& g) { return products_of_seen(g, values, keep); }),
      wrt(values, [weights, keep](const Tensor& g) {
        return sum_of_seen(transpose(weights, -2, -1), g, transpose(keep, -2, -1));
      }));
}

// x: [..., G, T, D], each head repeated until there are as many as q has.
Tensor for_every_head(const Tensor& x, const Tensor& q) {
  if (x.dim() < 3 || x.size(-3) == q.size(-3)) return x;
  Shape repeated = x.shape(), all = x.shape();
  repeated.insert(x.dim() - 2, q.size(-3) / std::max<int64_t>(1, x.size(-3)));
  all[x.dim() - 3] = q.size(-3);
  return reshape(expand(unsqueeze(x, -3), repeated), all);
}

}  // namespace

Tensor softmax(const Tensor& x) {
  if (x.numel() == 0) return x * 1.0;
  const Tensor e = exp(x - amax(x.detach(), {-1}, true));
  return e / sum(e, {-1}, true);
}

Tensor log_softmax(const Tensor& x) {
  if (x.numel() == 0) return x * 1.0;
  const Tensor shifted = x - amax(x.detach(), {-1}, true);
  return shifted - log(sum(exp(shifted), {-1}, true));
}

Tensor layer_norm(const Tensor& x, int64_t dims, const Tensor& weight, const Tensor& bias,
                  double eps) {
  const Tensor centered = x - mean(x, last_dims(dims), true);
  const Tensor xhat = centered * rsqrt(mean(square(centered), last_dims(dims), true) + eps);
  const Tensor y = scaled(xhat, weight);
  return bias.defined() ? y + bias : y;
}

Tensor rms_norm(const Tensor& x, int64_t dims, const Tensor& weight, double eps) {
  return scaled(x * rsqrt(mean(square(x), last_dims(dims), true) + eps), weight);
}

Tensor cross_entropy(const Tensor& logits, const Array& targets,
                     const kernels::CrossEntropyOptions& options) {
  const Tensor ignored = Tensor(targets) == static_cast<double>(options.ignore_index);
  const Tensor labels = where(ignored, Tensor(kernels::zeros({1}, int64)), Tensor(targets));
  const Tensor log_p = log_softmax(where(unsqueeze(ignored, -1), 0.0, logits));
  const Tensor weight = options.weight.defined() ? Tensor(options.weight) : Tensor();
  Tensor hit = squeeze(gather(log_p, 1, unsqueeze(labels, -1)), 1);
  if (weight.defined()) hit = hit * index_select(weight, 0, labels);
  Tensor loss = hit * (options.label_smoothing - 1);
  if (options.label_smoothing > 0) {
    const double share = options.label_smoothing / static_cast<double>(logits.size(1));
    loss = loss - sum(scaled(log_p, weight), {1}) * share;
  }
  return masked_fill(loss, ignored, 0.0);
}

namespace {

Shape scores_of(const Tensor& q, const Tensor& k) {
  Shape shape = q.shape();
  shape[shape.size() - 1] = k.size(-2);
  return shape;
}

// bool [..., Tq, Tk]; undefined where nothing is hidden.
Tensor kept(const kernels::AttentionMask& mask, const Shape& scores) {
  return mask.hides_nothing() ? Tensor() : Tensor(kernels::allowed(mask, scores));
}

}  // namespace

Tensor attention_weights(const Tensor& q, const Tensor& k, const Tensor& bias,
                         const kernels::AttentionMask& mask, double scale) {
  const Shape shape = scores_of(q, k);
  const Tensor keep = kept(mask, shape);
  Tensor scores = products_of_seen(q * scale, for_every_head(k, q), keep);
  if (bias.defined()) {
    const Tensor hidden = bias == -std::numeric_limits<double>::infinity();
    scores = scores + masked_fill(bias, hidden, 0.0);
  }
  if (!mask.slopes.empty())
    scores = scores + to(Tensor(kernels::distance_bias(mask, shape)), q.dtype());
  return masked_softmax(scores, keep);
}

Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& bias,
                 const kernels::AttentionMask& mask, const kernels::AttentionOptions& options) {
  const Shape shape = scores_of(q, k);
  Tensor weights = attention_weights(q, k, bias, mask, options.scale);
  if (options.dropout > 0)
    weights = weights * Tensor(kernels::dropout(kernels::full(shape, q.dtype(), 1), options.dropout,
                                                options.draw));
  return sum_of_seen(weights, for_every_head(v, q), kept(mask, shape));
}

}  // namespace attune::composite
