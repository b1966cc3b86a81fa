#include <attune/autograd.h>

#include "op_rows.h"

namespace attune::test {
namespace {

using Unary = Tensor (*)(const Tensor&);

// The five shapes of a pointwise function, and an integer mask it must refuse or an extra case.
OpRow pointwise(const char* name, std::function<Tensor(const Tensor&)> f,
                std::vector<OpCase> more = {}) {
  OpRow row{.name = name, .cases = std::vector<OpCase>(5, [f](In in) { return f(in[0]); })};
  row.cases.insert(row.cases.end(), more.begin(), more.end());
  return row;
}

}  // namespace

std::vector<OpRow> activation_rows() {
  return {
      pointwise("exp", Unary(exp)),
      pointwise("expm1", Unary(expm1)),
      pointwise("sin", Unary(sin)),
      pointwise("cos", Unary(cos)),
      pointwise("erf", Unary(erf)),
      pointwise("square", Unary(square)),
      pointwise("neg", Unary(neg)),
      pointwise("tanh", Unary(tanh)),
      pointwise("sigmoid", Unary(sigmoid)),
      pointwise("log", Unary(log)),
      pointwise("sqrt", Unary(sqrt)),
      pointwise("rsqrt", Unary(rsqrt)),
      pointwise("reciprocal", Unary(reciprocal)),
      pointwise("log1p", Unary(log1p)),
      pointwise("abs", Unary(abs)),
      pointwise("sign", Unary(sign)),
      pointwise("floor", Unary(floor)),
      pointwise("relu", Unary(relu)),
      pointwise("leaky_relu", [](const Tensor& x) { return leaky_relu(x); },
                {[](In in) { return leaky_relu(in[0], 0.2); }}),
      pointwise("elu", [](const Tensor& x) { return elu(x); },
                {[](In in) { return elu(in[0], 1.5); }}),
      pointwise("gelu", [](const Tensor& x) { return gelu(x); },
                {[](In in) { return gelu(in[0], "tanh"); }}),
      pointwise("silu", Unary(silu)),
      pointwise("softplus", [](const Tensor& x) { return softplus(x); },
                {[](In in) { return softplus(in[0], 2, 1); }}),
  };
}

}  // namespace attune::test
