#include <attune/autograd.h>

#include "op_rows.h"

namespace attune::test {
namespace {

OpCase attend(const std::function<Mask(In)>& mask, const AttentionOptions& options = {}) {
  return
      [=](In in) { return scaled_dot_product_attention(in[0], in[1], in[2], mask(in), options); };
}

Mask nothing(In) { return {}; }

template <class E>
BadInput bad_attention(Tensor q, Tensor k, Tensor v, Mask mask = {},
                       AttentionOptions options = {}) {
  return bad<E>([=] { scaled_dot_product_attention(q, k, v, mask, options); });
}

// Of positions 0 to 4 and frequencies 1 and 1/4.
RotaryAngles angles(DType dtype) { return rotary_angles(arange(5), {1, 0.25}, dtype); }

OpCase rotated(RotaryPairs pairs) {
  return [pairs](In in) { return rotary_embedding(in[0], angles(in[0].dtype()), pairs); };
}

}  // namespace

std::vector<OpRow> attention_rows() {
  const Tensor q = some(2, 5, 4), k = some(2, 6, 4), v = some(2, 6, 3);
  return {
      {.name = "scaled_dot_product_attention",
       .cases = {attend(nothing), attend(nothing), attend(nothing),
                 attend([](In) { return Mask::causal(); }), attend(nothing, {.scale = 0.3}),
                 attend([](In in) { return Mask::keep(in[3]); }),
                 attend([](In in) { return Mask::bias(in[3]); })},
       .bad = {bad_attention<ShapeError>(some(2, 5, 3), k, v),
               bad_attention<ShapeError>(q, k, some(2, 5, 3)),
               bad_attention<ShapeError>(some(3, 5, 4), k, v),
               bad_attention<ShapeError>(some(4), k, v),
               bad_attention<DTypeError>(q, k, to(v, float32)),
               bad_attention<DTypeError>(whole(5, 4), whole(6, 4), whole(6, 3)),
               bad_attention<ValueError>(q, k, v, {}, {.dropout = -0.5}),
               bad_attention<ShapeError>(q, k, v, Mask::padding({1, 2, 3})),
               bad_attention<ShapeError>(q, k, v, Mask::keep(some(5, 5) > 0)),
               bad_attention<ShapeError>(q, k, v, Mask::bias(some(6, 6))),
               bad_attention<DTypeError>(q, k, v, Mask::bias(to(some(5, 6), float32)))}},
      {.name = "attention_weights",
       .cases = {[](In in) { return attention_weights(in[0], in[1]); },
                 [](In in) { return attention_weights(in[0], in[1], Mask::keep(in[2])); },
                 [](In in) { return attention_weights(in[0], in[1], Mask::bias(in[2])); },
                 [](In in) { return attention_weights(in[0], in[1], {}, {.enable_gqa = true}); }},
       .bad = {bad<ShapeError>([=] { attention_weights(q, v); }),
               bad<ShapeError>([=] { attention_weights(q, some(3, 6, 4)); }),
               bad<DTypeError>([=] { attention_weights(q, to(k, float32)); }), bad<ShapeError>([=] {
                 attention_weights(q, k, Mask::alibi({1, 2, 3}));
               })}},
      {.name = "rotary_embedding",
       .cases = {rotated(RotaryPairs::halves), rotated(RotaryPairs::neighbours)},
       .bad = {bad<ShapeError>([] { rotary_embedding(some(5, 2), angles(float64)); }),
               bad<ShapeError>([] { rotary_embedding(some(4, 4), angles(float64)); }),
               bad<ShapeError>([] { rotary_embedding(some(4), angles(float64)); }),
               bad<DTypeError>([] { rotary_embedding(some(5, 4), angles(float32)); })}},
  };
}

}  // namespace attune::test
