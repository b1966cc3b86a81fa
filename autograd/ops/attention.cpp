#include "attention.h"

#include <cmath>

#include "../../array/fail.h"
#include "../../array/scope.h"
#include "../record.h"
#include "attention_recorder.h"
#include "broadcast.h"
#include "composite.h"
#include "shape.h"

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

// The dimensions before the matrices, without the heads if any stand there.
Shape lead_of(const Tensor& x) {
  return Shape(
      std::span(x.shape().begin(), static_cast<size_t>(std::max<int64_t>(0, x.dim() - 3))));
}

int64_t heads_of(const Tensor& x) { return x.dim() < 3 ? 1 : x.size(-3); }

Tensor with_batch(const Tensor& x, Shape lead, int64_t heads) {
  lead.push_back(heads);
  lead.push_back(x.size(-2));
  lead.push_back(x.size(-1));
  return lead == x.shape() ? x : broadcast_to(x, lead);
}

struct Heads {
  int64_t of_queries, of_keys;
};

// How many heads each side has after broadcasting.
Heads fit_heads(const Tensor& q, const Tensor& k, const Tensor& v, bool grouped) {
  const int64_t queries = heads_of(q), keys = heads_of(k), values = heads_of(v);
  const int64_t shared = keys == 1 ? values : keys;
  const bool fits = shared == queries || shared == 1 || queries == 1 ||
                    (grouped && shared > 0 && queries % shared == 0);
  if (!fits || (values != shared && values != 1))
    fail<ShapeError>(name, "q {}, k {}, v {}: {} heads of q do not share {} of k and {} of v{}",
                     to_string(q.shape()), to_string(k.shape()), to_string(v.shape()), queries,
                     keys, values, grouped ? "" : "; grouped heads need enable_gqa");
  return {queries == 1 ? shared : queries, shared};
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
  if (AttentionRecorder* recorder = AttentionRecorder::current())
    recorder->add({current_path(), q.array(), k.array(), limits, settings.scale});
  const std::vector<Tensor> inputs{q, k, v, mask.bias()};
  const auto result = kernels::attention(q.array(), k.array(), v.array(), limits, settings);
  const auto gradients = [=](const Tensor& g, const Needs& needs) -> std::vector<Tensor> {
    if (grad_enabled()) {
      const auto twin = [=](std::span<const Tensor> in) {
        return composite::attention(in[0], in[1], in[2], in[3], limits, settings);
      };
      return composite_gradients(twin, inputs, g);
    }
    const auto d =
        kernels::attention_backward(g.array(), inputs[0].array(), inputs[1].array(),
                                    inputs[2].array(), result, limits, settings, needs[3]);
    return {Tensor(d.q), Tensor(d.k), Tensor(d.v), needs[3] ? Tensor(d.scores) : Tensor()};
  };
  return record(name, result.y, jointly(inputs, gradients));
}

}  // namespace

Tensor scaled_dot_product_attention(const Tensor& q, const Tensor& k, const Tensor& v,
                                    const Mask& mask, const AttentionOptions& options) {
  const OperationScope scope(name);
  check(q, k, v, options.dropout);
  const Heads heads = fit_heads(q, k, v, options.enable_gqa);
  const Shape lead =
      broadcast_shapes(name, lead_of(q), broadcast_shapes(name, lead_of(k), lead_of(v)));
  const Tensor y =
      attention(with_batch(q, lead, heads.of_queries), with_batch(k, lead, heads.of_keys),
                with_batch(v, lead, heads.of_keys), mask, options);
  // Without any head to start with, none comes out.
  return q.dim() > 2 || k.dim() > 2 || v.dim() > 2 ? y : select(y, 0, 0);
}

}  // namespace attune
