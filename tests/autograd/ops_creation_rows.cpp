#include <attune/autograd.h>

#include "op_rows.h"

namespace attune::test {
namespace {

OpRow random(const char* name, std::vector<BadInput> refused) {
  return {.name = name, .bad = std::move(refused)};
}

OpCase spaced(double start, double end, int64_t steps) {
  return [=](In) { return linspace(start, end, steps, float64); };
}
OpCase stepped(double start, double end, double step) {
  return [=](In) { return arange(start, end, step, float64); };
}

}  // namespace

std::vector<OpRow> creation_rows() {
  const auto identity = [](int64_t n, std::optional<int64_t> m) {
    return OpCase([=](In) { return eye(n, m, float64); });
  };
  return {
      {.name = "full",
       .cases = {[](In) {
         return full({2, 3}, 1.5, float64);
       }},
       .bad = {bad<ShapeError>([] { full({-1}, 0); })}},
      {.name = "zeros",
       .cases = {[](In) {
         return zeros({0, 2}, float64);
       }},
       .bad = {bad<ShapeError>([] { zeros({-1}); })}},
      {.name = "ones",
       .cases = {[](In) { return ones({2}, float64); }},
       .bad = {bad<ShapeError>([] { ones({-1}); })}},
      {.name = "eye",
       .cases = {identity(3, {}), identity(2, 4), identity(0, 2)},
       .bad = {bad<ShapeError>([] { eye(-1); })}},
      {.name = "linspace",
       .cases = {spaced(0, 1, 5), spaced(-2, 3, 12), spaced(3, 9, 1), spaced(3, 9, 0)},
       .bad = {bad<ShapeError>([] { linspace(0, 1, -1); })}},
      {.name = "arange",
       .cases = {stepped(0, 5, 1), stepped(5, 0, -2), stepped(0, 1, 0.25), stepped(0.5, 2.6, 0.3),
                 stepped(2, 2, 1)},
       .bad = {bad<ValueError>([] { arange(1, 0); }), bad<ValueError>([] { arange(0, 1, 0); }),
               bad<ValueError>([] { arange(0., 1e300, 1e-300, float64); })}},
      {.name = "zeros_like", .cases = {[](In in) { return zeros_like(in[0]); }}},
      {.name = "ones_like", .cases = {[](In in) { return ones_like(in[0]); }}},
      {.name = "full_like", .cases = {[](In in) { return full_like(in[0], 1.5); }}},
      {.name = "bernoulli",
       .cases = {[](In in) { return bernoulli(in[0]); }},
       .bad = {bad<ValueError>([] { bernoulli(some(2) + 1); }),
               bad<DTypeError>([] { bernoulli(whole(2)); })}},
      // What they draw is in creation_test.cpp.
      random("rand",
             {bad<ShapeError>([] { rand({-1}); }), bad<DTypeError>([] { rand({2}, int64); })}),
      random("randn",
             {bad<ShapeError>([] { randn({-1}); }), bad<DTypeError>([] { randn({2}, boolean); })}),
      random("rand_like", {bad<DTypeError>([] { rand_like(whole(2)); })}),
      random("randn_like", {bad<DTypeError>([] { randn_like(whole(2)); })}),
      random("randint", {bad<ValueError>([] { randint(3, 3, {2}); }),
                         bad<ShapeError>([] { randint(3, {-1}); })}),
      random("randperm", {bad<ShapeError>([] { randperm(-1); })}),
  };
}

}  // namespace attune::test
