#include <attune/autograd.h>

#include "op_rows.h"

namespace attune::test {
namespace {

using Binary = Tensor (*)(const Tensor&, const Tensor&);
using Scalar = Tensor (*)(const Tensor&, double);

// The five pairs of shapes, then more.
OpRow binary(const char* name, Binary f, std::vector<OpCase> more = {}) {
  OpRow row{.name = name,
            .cases = std::vector<OpCase>(5, [f](In in) { return f(in[0], in[1]); }),
            .bad = {bad<ShapeError>([f] { f(some(2, 3), some(2, 4)); })}};
  row.cases.insert(row.cases.end(), more.begin(), more.end());
  return row;
}

OpRow refusing(OpRow row, BadInput more) {
  row.bad.push_back(std::move(more));
  return row;
}

OpRow comparison(const char* name, Binary f, Scalar with_scalar) {
  return binary(name, f, {[with_scalar](In in) { return with_scalar(in[0], 1); }});
}

std::vector<OpCase> lerp_cases() {
  std::vector<OpCase> cases(5, [](In in) { return lerp(in[0], in[1], 0.3); });
  cases.push_back([](In in) { return lerp(in[0], in[1], in[2]); });
  return cases;
}

std::vector<OpCase> where_cases() {
  std::vector<OpCase> cases(6, [](In in) { return where(in[0], in[1], in[2]); });
  cases.push_back([](In in) { return where(in[0], in[1], 0.5); });
  cases.push_back([](In in) { return where(in[0], 0.5, in[1]); });
  return cases;
}

}  // namespace

std::vector<OpRow> arithmetic_rows() {
  return {
      binary("add", add, {[](In in) { return in[0] + 1.5; }}),
      refusing(binary("sub", sub,
                      {[](In in) { return in[0] - 1.5; }, [](In in) { return 1.5 - in[0]; }}),
               bad<DTypeError>([] { sub(some(2) > 0, some(2) > 0); })),
      binary("mul", mul, {[](In in) { return in[0] * 1.5; }}),
      binary("div", div, {[](In in) { return in[0] / 1.5; }, [](In in) { return 1.5 / in[0]; }}),
      refusing(binary("pow", pow,
                      {[](In in) { return pow(in[0], 3); }, [](In in) { return pow(in[0], 2.5); },
                       [](In in) { return pow(2, in[0]); }}),
               bad<ValueError>([] { pow(whole(2), -1); })),
      binary("minimum", minimum),
      binary("maximum", maximum),
      {.name = "clamp",
       .cases = {[](In in) { return clamp(in[0], -1, 1.5); },
                 [](In in) { return clamp(in[0], -0.5); },
                 [](In in) { return clamp(in[0], {}, 0.5); }},
       .bad = {bad<ValueError>([] { clamp(some(2), {}); })}},
      {.name = "lerp",
       .cases = lerp_cases(),
       .bad = {bad<ShapeError>([] { lerp(some(2), some(3), 0.5); }),
               bad<ShapeError>([] { lerp(some(2), some(2), some(3)); })}},
      comparison("eq", eq, eq),
      comparison("ne", ne, ne),
      comparison("lt", lt, lt),
      comparison("le", le, le),
      comparison("gt", gt, gt),
      comparison("ge", ge, ge),
      binary("logical_and", logical_and),
      binary("logical_or", logical_or),
      binary("logical_xor", logical_xor),
      {.name = "logical_not", .cases = {[](In in) { return logical_not(in[0]); }}},
      {.name = "where",
       .cases = where_cases(),
       .bad = {bad<ShapeError>([] { where(some(2, 3) > 0, some(2, 4), some(2, 4)); }),
               bad<ShapeError>([] { where(some(2, 3) > 0, some(2, 3), some(2)); }),
               bad<DTypeError>([] { where(some(2), some(2), some(2)); }),
               bad<DTypeError>([] { where(whole(2), 1.0, some(2)); }),
               bad<ValueError>([] { where(some(2) > 0, Tensor(), 1.0); }),
               bad<ValueError>([] { where(Tensor(), some(2), some(2)); })}},
      {.name = "masked_fill",
       .cases = std::vector<OpCase>(3, [](In in) { return masked_fill(in[0], in[1], -2); }),
       .bad = {bad<ShapeError>([] { masked_fill(some(2, 3), some(4) > 0, 0); }),
               bad<DTypeError>([] { masked_fill(some(2), some(2), 0); })}},
  };
}

}  // namespace attune::test
