#include "attention.h"

#include <cmath>

#include "../../array/fail.h"
#include "../../array/scope.h"
#include "../../kernels/matmul_precision.h"
#include "../record.h"
#include "attention_recorder.h"
#include "broadcast.h"
#include "composite.h"
#include "shape.h"

namespace attune {
namespace {

void check(const char* name, const Tensor& q, const Tensor& k, const Tensor& v, double dropout) {
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
Heads fit_heads(const char* name, const Tensor& q, const Tensor& k, const Tensor& v, bool grouped) {
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

// What an attention computes with: all operands with one batch shape, and the mask that fits them.
struct Operands {
  Tensor q, k, v, bias;
  kernels::AttentionMask mask;
  double scale;
};

Operands fit(const char* name, const Tensor& q, const Tensor& k, const Tensor& v, const Mask& mask,
             const AttentionOptions& options) {
  check(name, q, k, v, options.dropout);
  const Heads heads = fit_heads(name, q, k, v, options.enable_gqa);
  const Shape lead =
      broadcast_shapes(name, lead_of(q), broadcast_shapes(name, lead_of(k), lead_of(v)));
  Operands all{with_batch(q, lead, heads.of_queries),
               with_batch(k, lead, heads.of_keys),
               with_batch(v, lead, heads.of_keys),
               mask.bias(),
               {},
               options.scale.value_or(default_scale(q))};
  Shape scores = all.q.shape();
  scores[scores.size() - 1] = k.size(-2);
  all.mask = mask.for_scores(scores, q.dtype());
  return all;
}

// Without any head to start with, none comes out.
Tensor without_added_heads(const Tensor& y, bool added) { return added ? select(y, 0, 0) : y; }

}  // namespace

Tensor scaled_dot_product_attention(const Tensor& q, const Tensor& k, const Tensor& v,
                                    const Mask& mask, const AttentionOptions& options) {
  constexpr const char* name = "scaled_dot_product_attention";
  const OperationScope scope(name);
  const Operands in = fit(name, q, k, v, mask, options);
  const bool drops = options.dropout > 0;
  const kernels::AttentionOptions settings{
      in.scale, options.dropout, drops ? random_state() : RandomState{},
      !grad_enabled() && float32_matmul_precision() == MatmulPrecision::medium};
  if (AttentionRecorder* recorder = AttentionRecorder::current())
    recorder->add({current_path(), in.q.array(), in.k.array(), in.mask, in.scale});
  const auto result =
      kernels::attention(in.q.array(), in.k.array(), in.v.array(), in.mask, settings);
  if (drops) next_draw();
  const auto gradients = [=](const Tensor& g, const Needs& needs) -> std::vector<Tensor> {
    if (grad_enabled()) {
      const auto twin = [=](std::span<const Tensor> x) {
        return composite::attention(x[0], x[1], x[2], x[3], in.mask, settings);
      };
      return composite_gradients(twin, {in.q, in.k, in.v, in.bias}, g);
    }
    const auto d = kernels::attention_backward(g.array(), in.q.array(), in.k.array(), in.v.array(),
                                               result, in.mask, settings, needs[3]);
    return {Tensor(d.q), Tensor(d.k), Tensor(d.v), needs[3] ? Tensor(d.scores) : Tensor()};
  };
  const Tensor y = record(name, result.y, jointly({in.q, in.k, in.v, in.bias}, gradients));
  return without_added_heads(y, std::max({q.dim(), k.dim(), v.dim()}) == 2);
}

Tensor attention_weights(const Tensor& q, const Tensor& k, const Mask& mask,
                         const AttentionOptions& options) {
  constexpr const char* name = "attention_weights";
  const OperationScope scope(name);
  const Operands in = fit(name, q, k, k, mask, options);
  const auto gradients = [=](const Tensor& g, const Needs&) {
    const auto twin = [=](std::span<const Tensor> x) {
      return composite::attention_weights(x[0], x[1], x[2], in.mask, in.scale);
    };
    return composite_gradients(twin, {in.q, in.k, in.bias}, g);
  };
  const Tensor weights = record(
      name, kernels::attention_weights(in.q.array(), in.k.array(), in.mask, in.scale, {}, {}),
      jointly({in.q, in.k, in.bias}, gradients));
  return without_added_heads(weights, std::max(q.dim(), k.dim()) == 2);
}

}  // namespace attune
