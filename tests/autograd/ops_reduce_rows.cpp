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

Tensor matrix() { return tensor({{1.0, 2.0}, {3.0, 4.0}}); }
Tensor nothing() { return Tensor(Array({2, 0}, float64)); }

std::vector<OpRow> sums() {
  return {
      {.name = "sum",
       .cases =
           over(sum, {[](In in) { return sum(in[0]); }, [](In in) { return sum(in[0], {1}); }}),
       .bad = {bad<IndexError>([] { sum(matrix(), {2}); }), bad<ValueError>([] {
                 sum(matrix(), {0, -2});
               })}},
      {.name = "mean",
       .cases = over(mean, {[](In in) { return mean(in[0]); }}),
       .bad = {bad<DTypeError>([] {
         mean(tensor({1, 2}));
       })}},
      {.name = "prod",
       .cases =
           over(prod, {[](In in) { return prod(in[0]); }, [](In in) { return prod(in[0], {1}); }}),
       .bad = {bad<IndexError>([] { prod(matrix(), {-3}); })}},
      {.name = "var", .cases = spread(var), .bad = {bad<DTypeError>([] {
                                              var(tensor({1, 2}));
                                            })}},
      {.name = "std", .cases = spread(attune::std), .bad = {bad<IndexError>([] {
                                                      attune::std(matrix(), {2});
                                                    })}},
      {.name = "logsumexp", .cases = over(logsumexp), .bad = {bad<DTypeError>([] {
                                                        logsumexp(tensor({1, 2}), {0});
                                                      })}},
      {.name = "norm",
       .cases = {[](In in) { return norm(in[0]); }, [](In in) { return norm(in[0], 1, {-1}); },
                 [](In in) { return norm(in[0], 2, {-1}); },
                 [](In in) { return norm(in[0], 3, {-1}); },
                 [](In in) {
                   return norm(in[0], 2, {0, 2}, true);
                 }},
       .bad = {bad<DTypeError>([] {
         norm(tensor({1, 2}));
       })}},
      {.name = "cumsum",
       .cases = {[](In in) { return cumsum(in[0], 0); }, [](In in) { return cumsum(in[0], -1); },
                 [](In in) { return cumsum(in[0], 1); }, [](In in) { return cumsum(in[0], 0); }},
       .bad = {bad<IndexError>([] { cumsum(matrix(), 2); })}},
  };
}

std::vector<OpRow> extrema() {
  return {
      {.name = "amax", .cases = over(amax), .bad = {bad<ShapeError>([] { amax(nothing()); })}},
      {.name = "amin", .cases = over(amin), .bad = {bad<ShapeError>([] { amin(nothing(), {1}); })}},
      {.name = "max",
       .cases = {[](In in) { return max(in[0]); }, [](In in) { return max(in[0], 0).values; },
                 [](In in) { return max(in[0], -1, true).values; }},
       .bad = {bad<ShapeError>([] { max(nothing()); })}},
      {.name = "min",
       .cases = {[](In in) { return min(in[0]); }, [](In in) { return min(in[0], 0).values; },
                 [](In in) { return min(in[0], -1, true).values; }},
       .bad = {bad<IndexError>([] { min(matrix(), 2); })}},
      {.name = "argmax",
       .cases = {[](In in) { return argmax(in[0]); }, [](In in) { return argmax(in[0], 0); },
                 [](In in) { return argmax(in[0], -1, true); }},
       .bad = {bad<ShapeError>([] { argmax(nothing()); })},
       .no_grad = "positions are integers"},
      {.name = "argmin",
       .cases = {[](In in) { return argmin(in[0]); }, [](In in) { return argmin(in[0], 0); },
                 [](In in) { return argmin(in[0], -1, true); }},
       .bad = {bad<IndexError>([] { argmin(matrix(), -3); })},
       .no_grad = "positions are integers"},
  };
}

std::vector<OpRow> orders_and_tests() {
  return {
      {.name = "any",
       .cases = {[](In in) { return any(in[0]); }, [](In in) { return any(in[0], {1}); },
                 [](In in) { return any(in[0], {-2}, true); }},
       .bad = {bad<IndexError>([] { any(matrix(), {2}); })},
       .no_grad = "the result is bool"},
      {.name = "all",
       .cases = {[](In in) { return all(in[0]); }, [](In in) { return all(in[0], {1}); },
                 [](In in) { return all(in[0], {-2}, true); }},
       .bad = {bad<IndexError>([] { all(matrix(), {2}); })},
       .no_grad = "the result is bool"},
      {.name = "sort",
       .cases = {[](In in) { return sort(in[0], -1).values; },
                 [](In in) { return sort(in[0], 0, true).values; }},
       .bad = {bad<IndexError>([] { sort(matrix(), 2); })}},
      {.name = "argsort",
       .cases = {[](In in) { return argsort(in[0], -1); },
                 [](In in) { return argsort(in[0], 0, true); }},
       .no_grad = "positions are integers"},
      {.name = "topk",
       .cases = {[](In in) { return topk(in[0], 2).values; },
                 [](In in) { return topk(in[0], 1, 0, false).values; }},
       .bad = {bad<ShapeError>([] { topk(matrix(), 3); })}},
  };
}

}  // namespace

std::vector<OpRow> reduce_rows() {
  std::vector<OpRow> rows = sums();
  for (auto more : {extrema(), orders_and_tests()})
    rows.insert(rows.end(), more.begin(), more.end());
  return rows;
}

}  // namespace attune::test
