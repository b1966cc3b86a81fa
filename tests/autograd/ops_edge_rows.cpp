// Where functions have kinks, ties, NaN and infinities: the same calls as scripts/golden_edges.py.

#include <attune/autograd.h>

#include <limits>

#include "op_rows.h"

namespace attune::test {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

using Unary = Tensor (*)(const Tensor&);
using Binary = Tensor (*)(const Tensor&, const Tensor&);

OpRow edge(const char* name, std::vector<OpCase> cases) {
  return {.name = name, .cases = std::move(cases), .kinks = "its inputs lie on them"};
}
OpRow edge(const char* name, Unary f) {
  return edge(name, {[f](In in) { return f(in[0]); }});
}
OpRow edge(const char* name, Binary f) {
  return edge(name, {[f](In in) { return f(in[0], in[1]); }});
}

// One case for each value.
template <class F>
std::vector<OpCase> each(std::initializer_list<double> values, F f) {
  std::vector<OpCase> cases;
  for (const double value : values) cases.push_back([f, value](In in) { return f(in, value); });
  return cases;
}

std::vector<OpCase> joined(std::vector<std::vector<OpCase>> groups) {
  std::vector<OpCase> all;
  for (const auto& group : groups) all.insert(all.end(), group.begin(), group.end());
  return all;
}

std::vector<OpRow> pointwise() {
  return {
      edge("abs", abs),
      edge("sign", times(2, [](In in) { return sign(in[0]); })),
      edge("sqrt", sqrt),
      edge("rsqrt", rsqrt),
      edge("log", log),
      edge("log1p", log1p),
      edge("reciprocal", reciprocal),
      edge("exp", exp),
      edge("expm1", expm1),
      edge("tanh", tanh),
      edge("sigmoid", sigmoid),
      edge("sin", sin),
      edge("square", square),
      edge("erf", erf),
      edge("log2", log2),
      edge("log10", log10),
      edge("floor", floor),
      edge("ceil", ceil),
      edge("trunc", trunc),
      edge("isnan", isnan),
      edge("isinf", isinf),
      edge("isfinite", isfinite),
      edge("round", round),
      edge("nan_to_num", {[](In in) { return nan_to_num(in[0], 1, 2, -2); }}),
      edge("logsigmoid", logsigmoid),
      edge("mish", times(2, [](In in) { return mish(in[0]); })),
      edge("hardtanh", {[](In in) { return hardtanh(in[0]); },
                        [](In in) { return hardtanh(in[0], -1.5, 2.5); }}),
      edge("relu6", relu6),
      edge("relu", relu),
      edge("leaky_relu", each({0.01, -0.5}, [](In in, double s) { return leaky_relu(in[0], s); })),
      edge("elu", {[](In in) { return elu(in[0]); }}),
      edge("silu", silu),
      edge("gelu", {[](In in) { return gelu(in[0]); }, [](In in) { return gelu(in[0], "tanh"); }}),
      edge("softplus",
           {[](In in) { return softplus(in[0]); }, [](In in) { return softplus(in[0], 2, 3); }}),
      edge("clamp",
           {[](In in) { return clamp(in[0], -1, 1); }, [](In in) { return clamp(in[0], 0); },
            [](In in) { return clamp(in[0], {}, 1); }, [](In in) { return clamp(in[0], 2, 1); }}),
  };
}

std::vector<OpRow> pairs() {
  return {
      edge("add", add),
      edge("sub", sub),
      edge("mul", mul),
      edge("div", div),
      edge("minimum", minimum),
      edge("maximum", maximum),
      edge("pow", joined({{[](In in) { return pow(in[0], in[1]); }},
                          each({0, 0.5, 1, 2, -1}, [](In in, double e) { return pow(in[0], e); }),
                          each({0, 2, -1}, [](In in, double b) { return pow(b, in[0]); })})),
      edge("eq", eq),
      edge("ne", ne),
      edge("lt", lt),
      edge("le", le),
      edge("gt", gt),
      edge("ge", ge),
      edge("logical_and", logical_and),
      edge("lerp",
           each({0, 1, 0.3, 0.7, -1, 2}, [](In in, double w) { return lerp(in[0], in[1], w); })),
      edge("masked_fill", {[](In in) { return masked_fill(in[0], in[1], infinity); }}),
      edge("where", {[](In in) { return where(in[0], in[1], in[2]); }}),
  };
}

// f(x, {1}), then f(x).
template <class F>
std::vector<OpCase> along_and_all(F f) {
  return {[f](In in) { return f(in[0], Shape{1}); }, [f](In in) { return f(in[0], Shape{}); }};
}

template <class F>
std::vector<OpCase> spread(F f) {
  return joined({along_and_all([f](const Tensor& x, const Shape& dims) { return f(x, dims, 1.0); }),
                 each({0, 1, 2, 3}, [f](In in, double c) { return f(in[0], Shape{1}, c); })});
}

#define ATTUNE_CALL(f) [](const auto&... in) { return f(in...); }

// Over all twice, then values and positions along dimension 1 twice.
template <class All, class Along>
std::vector<OpCase> extremum(All all, Along along) {
  std::vector<OpCase> cases = times(2, [all](In in) { return all(in[0]); });
  for (int i = 0; i < 2; ++i) {
    cases.push_back([along](In in) { return along(in[0], 1).values; });
    cases.push_back([along](In in) { return along(in[0], 1).indices; });
  }
  return cases;
}

std::vector<OpRow> reductions() {
  const OpCase product = [](In in) { return prod(in[0], {1}); };
  std::vector<OpCase> sorts;
  for (const bool descending : {false, true})
    for (int i = 0; i < 2; ++i) {
      sorts.push_back([descending](In in) { return sort(in[0], 1, descending).values; });
      sorts.push_back([descending](In in) { return sort(in[0], 1, descending).indices; });
    }
  return {
      edge("sum", along_and_all(ATTUNE_CALL(sum))),
      edge("mean", along_and_all(ATTUNE_CALL(mean))),
      edge("prod", {product}),
      edge("amax",
           joined({along_and_all(ATTUNE_CALL(amax)), {[](In in) { return amax(in[0], {1}); }}})),
      edge("amin",
           joined({along_and_all(ATTUNE_CALL(amin)), {[](In in) { return amin(in[0], {1}); }}})),
      edge("var", spread(ATTUNE_CALL(var))),
      edge("std", spread(ATTUNE_CALL(attune::std))),
      edge("max", extremum(ATTUNE_CALL(max), ATTUNE_CALL(max))),
      edge("min", extremum(ATTUNE_CALL(min), ATTUNE_CALL(min))),
      edge("argmax", times(2, [](In in) { return argmax(in[0]); })),
      edge("argmin", times(2, [](In in) { return argmin(in[0]); })),
      edge("any", {[](In in) { return any(in[0], {1}); }}),
      edge("all", {[](In in) { return all(in[0], {1}); }}),
      edge("logsumexp", {[](In in) { return logsumexp(in[0], {1}); },
                         [](In in) { return logsumexp(in[0], {1}); },
                         [](In in) { return logsumexp(in[0], {1}); },
                         [](In in) { return logsumexp(in[0], {0}); }}),
      edge("norm", each({0, 1, 2, 3, -1, infinity, -infinity, infinity},
                        [](In in, double p) { return norm(in[0], p, {1}); })),
      edge("cumsum", {[](In in) { return cumsum(in[0], 1); }}),
      edge("sort", sorts),
  };
}

#undef ATTUNE_CALL

std::vector<OpRow> rows_and_losses() {
  const auto entropy = [](In in, Tensor weight, Reduction reduction) {
    return cross_entropy(in[0], in[1], {.weight = weight, .reduction = reduction});
  };
  const auto likelihood = [](In in, Tensor weight, Reduction reduction) {
    return nll_loss(in[0], in[1], {.weight = weight, .reduction = reduction});
  };
  const auto classes = [](auto loss) {
    return std::vector<OpCase>{[loss](In in) { return loss(in, {}, Reduction::none); },
                               [loss](In in) { return loss(in, in[2], Reduction::mean); }};
  };
  return {
      edge("softmax", {[](In in) { return softmax(in[0], 1); }}),
      edge("log_softmax", {[](In in) { return log_softmax(in[0], 1); }}),
      edge("layer_norm", {[](In in) { return layer_norm(in[0], {3}); }}),
      edge("rms_norm", {[](In in) { return rms_norm(in[0], {2}, {}, 1e-5); }}),
      edge("cross_entropy", classes(entropy)),
      edge("nll_loss", classes(likelihood)),
      edge("normalize", {[](In in) { return normalize(in[0]); }}),
      edge("mse_loss", {[](In in) { return mse_loss(in[0], in[1], Reduction::none); }}),
      edge("l1_loss", {[](In in) { return l1_loss(in[0], in[1], Reduction::none); }}),
      edge("huber_loss", {[](In in) { return huber_loss(in[0], in[1], Reduction::none); }}),
      edge("binary_cross_entropy_with_logits", {[](In in) {
             return binary_cross_entropy_with_logits(in[0], in[1], {.reduction = Reduction::none});
           }}),
      edge("kl_div", times(2, [](In in) { return kl_div(in[0], in[1], Reduction::sum); })),
  };
}

std::vector<OpRow> shapes() {
  return {
      edge("gather", {[](In in) { return gather(in[0], 0, in[1]); }}),
      edge("index_select", {[](In in) { return index_select(in[0], 0, in[1]); }}),
      edge("cat", {[](In in) {
             return cat({in[0], in[1]});
           }}),
      edge("linear", {[](In in) { return linear(in[0], in[1]); },
                      [](In in) { return linear(in[0], in[1], in[2]); }}),
      edge("pad", {[](In in) {
             std::vector<int64_t> around(2 * max_dims, 0);
             around.front() = around.back() = 1;
             return pad(in[0], around);
           }}),
      edge("addmm", {[](In in) { return addmm(in[0], in[1], in[2], 0); }}),
      edge("diagonal", {[](In in) { return diagonal(in[0], 7); }}),
  };
}

std::vector<OpRow> integers() {
  const OpCase added = [](In in) { return index_add(in[0], 0, in[1], in[2]); };
  return {
      edge("matmul", times(2, [](In in) { return matmul(in[0], in[1]); })),
      edge("bmm", bmm),
      edge("einsum", {[](In in) {
             return einsum("ij,jk->ki", {in[0], in[1]});
           }}),
      edge("scatter_add", {[](In in) { return scatter_add(in[0], 0, in[1], in[2]); }}),
      edge("index_add", joined({times(2, added), each({0},
                                                      [](In in, double alpha) {
                                                        return index_add(in[0], 0, in[1], in[2],
                                                                         alpha);
                                                      })})),
      edge("baddbmm", {[](In in) { return baddbmm(in[0], in[1], in[2], 2.5, -1.5); }}),
      edge("linspace", {[](In) { return linspace(4.3, -3, 9, int64); }}),
      edge("arange", {[](In) { return arange(-0.9, 6, 2.5, int64); }}),
  };
}

}  // namespace

std::vector<OpRow> edge_rows() {
  std::vector<OpRow> rows = pointwise();
  for (const auto& more : {pairs(), reductions(), rows_and_losses(), shapes(), integers()})
    rows.insert(rows.end(), more.begin(), more.end());
  return rows;
}

}  // namespace attune::test
