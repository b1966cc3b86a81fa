#include "attention.h"

#include <cmath>

#include "../../array/fail.h"
#include "../record.h"
#include "broadcast.h"
#include "composite.h"

namespace attune {
namespace {

constexpr const char* name = "scaled_dot_product_attention";

void check(const Tensor& q, const Tensor& k, const Tensor& v, double dropout) {
  for (const Tensor& x : {q, k, v})
    if (x.dtype() != q.dtype())
      fail<DTypeError>(name, "q is {}, k {}, v {}; convert them with to()", name_of(q.dtype()),
                       name_of(k.dtype()), name_of(v.dtype()));
  if (q.dim() < 2 || k.dim() < 2 || v.dim() < 2 || q.size(-1) != k.size(-1) ||
      k.size(-2) != v.size(-2))
    fail<ShapeError>(name, "q {}, k {}, v {} do not fit [..., Tq, D], [..., Tk, D], [..., Tk, Dv]",
                     to_string(q.shape()), to_string(k.shape()), to_string(v.shape()));
  if (!(dropout >= 0 && dropout <= 1))
    fail<ValueError>(name, "dropout is {}; a probability lies in [0, 1]", dropout);
}

Shape batch_of(const Tensor& x) {
  return Shape(std::span(x.shape().begin(), static_cast<size_t>(x.dim() - 2)));
}

Tensor with_batch(const Tensor& x, Shape batch) {
  batch.push_back(x.size(-2));
  batch.push_back(x.size(-1));
  return batch == x.shape() ? x : broadcast_to(x, batch);
}

double default_scale(const Tensor& q) {
  return 1 / std::sqrt(static_cast<double>(std::max<int64_t>(1, q.size(-1))));
}

// All operands with one batch shape.
Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v, const Mask& mask,
                 const AttentionOptions& options) {
  Shape scores = q.shape();
  scores[scores.size() - 1] = k.size(-2);
  const kernels::AttentionMask limits = mask.for_scores(scores, q.dtype());
  const kernels::AttentionOptions settings{options.scale.value_or(default_scale(q)),
                                           options.dropout,
                                           options.dropout > 0 ? next_draw() : RandomState{}};
  const std::vector<Tensor> inputs{q, k, v, mask.bias()};
  const auto result = kernels::attention(q.array(), k.array(), v.array(), limits, settings);
  const auto gradients = [=](const Tensor& g, const Needs& needs) -> std::vector<Tensor> {
    // The tiles have no gradient of a bias: the twin makes it.
    if (grad_enabled() || needs[3]) {
      const auto twin = [=](std::span<const Tensor> in) {
        return composite::attention(in[0], in[1], in[2], in[3], limits, settings);
      };
      return composite_gradients(twin, inputs, g);
    }
    const auto d = kernels::attention_backward(g.array(), inputs[0].array(), inputs[1].array(),
                                               inputs[2].array(), result, limits, settings);
    return {Tensor(d.q), Tensor(d.k), Tensor(d.v), Tensor()};
  };
  return record(name, result.y, jointly(inputs, gradients));
}

}  // namespace

Tensor scaled_dot_product_attention(const Tensor& q, const Tensor& k, const Tensor& v,
                                    const Mask& mask, const AttentionOptions& options) {
  check(q, k, v, options.dropout);
  const Shape batch =
      broadcast_shapes(name, batch_of(q), broadcast_shapes(name, batch_of(k), batch_of(v)));
  return attention(with_batch(q, batch), with_batch(k, batch), with_batch(v, batch), mask, options);
}

}  // namespace attune
