#include <attune/autograd.h>

#include "op_rows.h"

namespace attune::test {
namespace {

using Unary = Tensor (*)(const Tensor&);

// The five shapes of a pointwise function, then more.
OpRow pointwise(const char* name, std::function<Tensor(const Tensor&)> f,
                std::vector<OpCase> more = {}, std::vector<BadInput> refused = {}) {
  OpRow row{
      .name = name, .cases = times(5, [f](In in) { return f(in[0]); }), .bad = std::move(refused)};
  row.cases.insert(row.cases.end(), more.begin(), more.end());
  return row;
}

// One that is not defined for bool.
OpRow numeric(const char* name, Unary f) {
  return pointwise(name, f, {}, {bad<DTypeError>([f] { f(some(2) > 0); })});
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
      numeric("neg", neg),
      pointwise("tanh", Unary(tanh)),
      pointwise("sigmoid", Unary(sigmoid)),
      pointwise("log", Unary(log)),
      pointwise("log2", Unary(log2)),
      pointwise("log10", Unary(log10)),
      pointwise("sqrt", Unary(sqrt)),
      pointwise("rsqrt", Unary(rsqrt)),
      pointwise("reciprocal", Unary(reciprocal)),
      pointwise("log1p", Unary(log1p)),
      numeric("abs", abs),
      pointwise("sign", Unary(sign)),
      pointwise("floor", Unary(floor)),
      pointwise("ceil", Unary(ceil)),
      pointwise("round", Unary(round)),
      pointwise("trunc", Unary(trunc)),
      pointwise("logsigmoid", Unary(logsigmoid)),
      pointwise("mish", Unary(mish)),
      pointwise("hardtanh", [](const Tensor& x) { return hardtanh(x); },
                {[](In in) { return hardtanh(in[0], -2, 0.5); }},
                {bad<ValueError>([] { hardtanh(some(2), 1, -1); })}),
      pointwise("relu6", Unary(relu6)),
      pointwise("nan_to_num", [](const Tensor& x) { return nan_to_num(x); }),
      pointwise("relu", Unary(relu)),
      pointwise("leaky_relu", [](const Tensor& x) { return leaky_relu(x); },
                {[](In in) { return leaky_relu(in[0], 0.2); }}),
      pointwise("elu", [](const Tensor& x) { return elu(x); },
                {[](In in) { return elu(in[0], 1.5); }}),
      pointwise("gelu", [](const Tensor& x) { return gelu(x); },
                {[](In in) { return gelu(in[0], "tanh"); }},
                {bad<ValueError>([] { gelu(some(2), "exact"); })}),
      pointwise("silu", Unary(silu)),
      pointwise("softplus", [](const Tensor& x) { return softplus(x); },
                {[](In in) { return softplus(in[0], 2, 1); }},
                {bad<ValueError>([] { softplus(some(2), 0); }),
                 bad<ValueError>([] { softplus(some(2), -1); })}),
  };
}

}  // namespace attune::test
