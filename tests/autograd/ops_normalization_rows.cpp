#include <cmath>

#include <attune/autograd.h>

#include "op_rows.h"

namespace attune::test {
namespace {

std::vector<OpCase> along(Tensor (*f)(const Tensor&, int64_t)) {
  std::vector<OpCase> cases;
  for (const int64_t dim : {-1, 0, 1, -1, -1, 1})
    cases.push_back([f, dim](In in) { return f(in[0], dim); });
  return cases;
}

std::vector<BadInput> bad_along(Tensor (*f)(const Tensor&, int64_t)) {
  return {bad<IndexError>([f] { f(some(2, 3), 2); }), bad<IndexError>([f] { f(some(), -2); }),
          bad<DTypeError>([f] { f(whole(2, 3), 1); })};
}

}  // namespace

std::vector<OpRow> normalization_rows() {
  return {
      {.name = "softmax", .cases = along(softmax), .bad = bad_along(softmax)},
      {.name = "log_softmax", .cases = along(log_softmax), .bad = bad_along(log_softmax)},
      {.name = "softmin",
       .cases = {[](In in) { return softmin(in[0], 0); }},
       .bad = bad_along(softmin)},
      {.name = "normalize",
       .cases = {[](In in) { return normalize(in[0]); },
                 [](In in) { return normalize(in[0], 1, 0); }},
       .bad = {bad<IndexError>([] { normalize(some(2)); }),
               bad<DTypeError>([] { normalize(whole(2, 3)); })}},
      {.name = "cosine_similarity",
       .cases = {[](In in) { return cosine_similarity(in[0], in[1]); },
                 [](In in) { return cosine_similarity(in[0], in[1], -1); }},
       .bad = {bad<ShapeError>([] { cosine_similarity(some(2, 3), some(2)); }),
               bad<IndexError>([] { cosine_similarity(some(2), some(2)); }),
               bad<ValueError>([] { cosine_similarity(some(2, 3), some(2, 3), 1, -1); }),
               bad<ValueError>([] { cosine_similarity(some(2, 3), some(2, 3), 1, NAN); }),
               bad<DTypeError>([] { cosine_similarity(whole(2, 3), whole(2, 3)); })}},
      {.name = "pairwise_distance",
       .cases = {[](In in) { return pairwise_distance(in[0], in[1]); },
                 [](In in) { return pairwise_distance(in[0], in[1], 3, 1e-6, true); }},
       .bad = {bad<ShapeError>([] { pairwise_distance(some(2, 3), some(2)); })}},
      {.name = "layer_norm",
       .cases = {[](In in) { return layer_norm(in[0], {4}, in[1], in[2]); },
                 [](In in) {
                   return layer_norm(in[0], {3, 4}, in[1], in[2]);
                 },
                 [](In in) { return layer_norm(in[0], {5}); },
                 [](In in) { return layer_norm(in[0], {4}, in[1], {}, 1e-3); }},
       .bad = {bad<ShapeError>([] { layer_norm(some(2, 3), {2}); }),
               bad<ShapeError>([] { layer_norm(some(2, 3), {}); }),
               bad<ShapeError>([] { layer_norm(some(2, 3), {3}, some(2)); }),
               bad<ShapeError>([] { layer_norm(some(2, 3), {3}, some(3), some(1, 3)); }),
               bad<DTypeError>([] { layer_norm(some(2, 3), {3}, to(some(3), float32)); }),
               bad<DTypeError>([] { layer_norm(whole(2, 3), {3}); })}},
      {.name = "rms_norm",
       .cases = {[](In in) { return rms_norm(in[0], {4}, in[1], 1e-5); },
                 [](In in) { return rms_norm(in[0], {5}, {}, 1e-5); }},
       .bad = {bad<ShapeError>([] { rms_norm(some(2, 3), {2}); }),
               bad<ShapeError>([] { rms_norm(some(2, 3), {3}, some(2)); }),
               bad<DTypeError>([] { rms_norm(some(2, 3), {3}, to(some(3), float32)); }),
               bad<DTypeError>([] { rms_norm(whole(2, 3), {3}); })}},
      {.name = "dropout",
       .cases = {[](In in) { return dropout(in[0], 0); }, [](In in) { return dropout(in[0], 1); },
                 [](In in) { return dropout(in[0], 0.5, false); }},
       .bad = {bad<ValueError>([] { dropout(some(2), -0.1); }),
               bad<ValueError>([] { dropout(some(2), 1.5); }),
               bad<DTypeError>([] { dropout(whole(2), 0.5); })}},
  };
}

}  // namespace attune::test
