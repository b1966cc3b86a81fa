#include <attune/autograd.h>

#include "op_rows.h"

namespace attune::test {
namespace {

using Reduction = Tensor (*)(const Tensor&, const Shape&, bool);

// The ways that make_golden.py reduces, and then more.
std::vector<OpCase> over(Reduction f, std::vector<OpCase> more = {}) {
  std::vector<OpCase> cases = {[f](In in) { return f(in[0], {0}, false); },
                               [f](In in) { return f(in[0], {-1}, true); },
                               [f](In in) {
                                 return f(in[0], {0, 2}, false);
                               },
                               [f](In in) {
                                 return f(in[0], {1, -1}, true);
                               },
                               [f](In in) { return f(in[0], {0}, false); }};
  cases.insert(cases.end(), more.begin(), more.end());
  return cases;
}

using Spread = Tensor (*)(const Tensor&, const Shape&, double, bool);

std::vector<OpCase> spread(Spread f) {
  return {[f](In in) { return f(in[0], {0}, 1, false); },
          [f](In in) { return f(in[0], {-1}, 1, true); },
          [f](In in) {
            return f(in[0], {0, 2}, 1, false);
          },
          [f](In in) { return f(in[0], {}, 1, false); },
          [f](In in) { return f(in[0], {1}, 0, false); }};
}

// What every reduction over a set of dimensions refuses.
template <class F>
std::vector<BadInput> bad_dims(F f, std::vector<BadInput> more = {}) {
  std::vector<BadInput> all = {bad<IndexError>([f] { f(some(2, 2), Shape{2}); }),
                               bad<IndexError>([f] {
                                 f(some(2, 2), Shape{0, -3});
                               }),
                               bad<ValueError>([f] {
                                 f(some(2, 2), Shape{0, -2});
                               })};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

// What everything along one dimension refuses.
template <class F>
std::vector<BadInput> bad_dim(F f, std::vector<BadInput> more = {}) {
  std::vector<BadInput> all = {bad<IndexError>([f] { f(some(2, 2), 2); }),
                               bad<IndexError>([f] { f(some(2, 2), -3); }),
                               bad<IndexError>([f] { f(some(), 1); })};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

#define ATTUNE_CALL(f) [](const auto&... in) { f(in...); }

std::vector<OpRow> sums() {
  return {
      {.name = "sum",
       .cases =
           over(sum, {[](In in) { return sum(in[0]); }, [](In in) { return sum(in[0], {1}); }}),
       .bad = bad_dims(ATTUNE_CALL(sum))},
      {.name = "mean",
       .cases = over(mean, {[](In in) { return mean(in[0]); }}),
       .bad = bad_dims(ATTUNE_CALL(mean), {bad<DTypeError>([] { mean(whole(2)); })})},
      {.name = "prod",
       .cases =
           over(prod, {[](In in) { return prod(in[0]); }, [](In in) { return prod(in[0], {1}); }}),
       .bad = bad_dims(ATTUNE_CALL(prod))},
      {.name = "var",
       .cases = spread(var),
       .bad = bad_dims(ATTUNE_CALL(var), {bad<DTypeError>([] { var(whole(2)); })})},
      {.name = "std",
       .cases = spread(attune::std),
       .bad = bad_dims(ATTUNE_CALL(attune::std), {bad<DTypeError>([] { attune::std(whole(2)); })})},
      {.name = "logsumexp", .cases = over(logsumexp), .bad = bad_dims(ATTUNE_CALL(logsumexp))},
      {.name = "norm",
       .cases = {[](In in) { return norm(in[0]); }, [](In in) { return norm(in[0], 1, {-1}); },
                 [](In in) { return norm(in[0], 2, {-1}); },
                 [](In in) { return norm(in[0], 3, {-1}); },
                 [](In in) {
                   return norm(in[0], 2, {0, 2}, true);
                 }},
       .bad = bad_dims([](const Tensor& x, const Shape& dims) { norm(x, 2, dims); },
                       {bad<DTypeError>([] { norm(whole(2)); })})},
      {.name = "cumsum",
       .cases = {[](In in) { return cumsum(in[0], 0); }, [](In in) { return cumsum(in[0], -1); },
                 [](In in) { return cumsum(in[0], 1); }, [](In in) { return cumsum(in[0], 0); }},
       .bad = bad_dim(ATTUNE_CALL(cumsum))},
  };
}

std::vector<OpRow> extrema() {
  return {
      {.name = "amax",
       .cases = over(amax),
       .bad = bad_dims(ATTUNE_CALL(amax), {bad<ShapeError>([] { amax(some(2, 0)); })})},
      {.name = "amin",
       .cases = over(amin),
       .bad = bad_dims(ATTUNE_CALL(amin), {bad<ShapeError>([] { amin(some(2, 0), {1}); })})},
      {.name = "max",
       .cases = {[](In in) { return max(in[0]); }, [](In in) { return max(in[0], 0).values; },
                 [](In in) { return max(in[0], 0).indices; },
                 [](In in) { return max(in[0], -1, true).values; },
                 [](In in) { return max(in[0], -1, true).indices; }},
       .bad = bad_dim(ATTUNE_CALL(max), {bad<ShapeError>([] { max(some(2, 0)); }),
                                         bad<ShapeError>([] { max(some(2, 0), 1); })})},
      {.name = "min",
       .cases = {[](In in) { return min(in[0]); }, [](In in) { return min(in[0], 0).values; },
                 [](In in) { return min(in[0], 0).indices; },
                 [](In in) { return min(in[0], -1, true).values; },
                 [](In in) { return min(in[0], -1, true).indices; }},
       .bad = bad_dim(ATTUNE_CALL(min), {bad<ShapeError>([] { min(some(2, 0)); }),
                                         bad<ShapeError>([] { min(some(2, 0), 1); })})},
      {.name = "argmax",
       .cases = {[](In in) { return argmax(in[0]); }, [](In in) { return argmax(in[0], 0); },
                 [](In in) { return argmax(in[0], -1, true); }},
       .bad = bad_dim(ATTUNE_CALL(argmax), {bad<ShapeError>([] { argmax(some(2, 0)); })})},
      {.name = "argmin",
       .cases = {[](In in) { return argmin(in[0]); }, [](In in) { return argmin(in[0], 0); },
                 [](In in) { return argmin(in[0], -1, true); }},
       .bad = bad_dim(ATTUNE_CALL(argmin), {bad<ShapeError>([] { argmin(some(2, 0), 1); })})},
  };
}

std::vector<OpRow> orders_and_tests() {
  return {
      {.name = "any",
       .cases = {[](In in) { return any(in[0]); }, [](In in) { return any(in[0], {1}); },
                 [](In in) { return any(in[0], {-2}, true); }},
       .bad = bad_dims(ATTUNE_CALL(any))},
      {.name = "all",
       .cases = {[](In in) { return all(in[0]); }, [](In in) { return all(in[0], {1}); },
                 [](In in) { return all(in[0], {-2}, true); }},
       .bad = bad_dims(ATTUNE_CALL(all))},
      {.name = "sort",
       .cases = {[](In in) { return sort(in[0], -1).values; },
                 [](In in) { return sort(in[0], -1).indices; },
                 [](In in) { return sort(in[0], 0, true).values; },
                 [](In in) { return sort(in[0], 0, true).indices; }},
       .bad = bad_dim(ATTUNE_CALL(sort))},
      {.name = "argsort",
       .cases = {[](In in) { return argsort(in[0], -1); },
                 [](In in) { return argsort(in[0], 0, true); }},
       .bad = bad_dim(ATTUNE_CALL(argsort))},
      {.name = "topk",
       .cases = {[](In in) { return topk(in[0], 2).values; },
                 [](In in) { return topk(in[0], 2).indices; },
                 [](In in) { return topk(in[0], 1, 0, false).values; },
                 [](In in) { return topk(in[0], 1, 0, false).indices; }},
       .bad = bad_dim([](const Tensor& x, int64_t dim) { topk(x, 1, dim); },
                      {bad<ShapeError>([] { topk(some(2), 3); }),
                       bad<ShapeError>([] { topk(some(2), -1); })})},
  };
}

#undef ATTUNE_CALL

}  // namespace

std::vector<OpRow> reduce_rows() {
  std::vector<OpRow> rows = sums();
  for (auto more : {extrema(), orders_and_tests()})
    rows.insert(rows.end(), more.begin(), more.end());
  return rows;
}

}  // namespace attune::test
