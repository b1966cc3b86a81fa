#include <optional>

#include "arguments.h"

namespace attune::test {
namespace {

using Dims = Shape;
using Sizes = std::vector<int64_t>;
using List = std::vector<Tensor>;
using Number = std::optional<double>;
using Integer = std::optional<int64_t>;
using Row = std::pair<const std::string, std::vector<Overload>>;
using Rows = std::map<std::string, std::vector<Overload>>;

// An overloaded function as one object, and its name.
#define ATTUNE_CALL(f) [](const auto&... in) { return f(in...); }
#define ATTUNE_NAMED(f) #f, ATTUNE_CALL(attune::f)

template <class... Parameters, class F>
Row row(const char* name, F f) {
  return {name, {takes<Parameters...>(f)}};
}

template <class F>
Row unary(const char* name, F f) {
  return row<Tensor>(name, f);
}

template <class F>
Row pair(const char* name, F f) {
  return row<Tensor, Tensor>(name, f);
}

// The right operand may be a number.
template <class F>
Row scalar_right(const char* name, F f) {
  return {name, {takes<Tensor, Tensor>(f), takes<Tensor, double>(f)}};
}

// Either operand may be; reversed takes a number first.
template <class F, class Reversed>
Row scalar_either(const char* name, F f, Reversed reversed) {
  return {name,
          {takes<Tensor, Tensor>(f), takes<Tensor, double>(f), takes<double, Tensor>(reversed)}};
}

template <class F>
Row over_dims(const char* name, F f) {
  return row<Tensor, Dims, bool>(name, f);
}

// Along one dimension, or over everything.
template <class F>
Row along_or_over_all(const char* name, F f) {
  return {name, {takes<Tensor>(f), takes<Tensor, int64_t, bool>(f)}};
}

template <class F>
Row along(const char* name, F f) {
  return row<Tensor, int64_t>(name, f);
}

template <class F>
Row shaped(const char* name, F f) {
  return row<Tensor, Shape>(name, f);
}

template <class F>
Row distance(const char* name, F f) {
  return row<Tensor, Tensor, Reduction>(name, f);
}

Rows pointwise() {
  return {
      unary(ATTUNE_NAMED(exp)),
      unary(ATTUNE_NAMED(expm1)),
      unary(ATTUNE_NAMED(log)),
      unary(ATTUNE_NAMED(log1p)),
      unary(ATTUNE_NAMED(log2)),
      unary(ATTUNE_NAMED(log10)),
      unary(ATTUNE_NAMED(sqrt)),
      unary(ATTUNE_NAMED(rsqrt)),
      unary(ATTUNE_NAMED(square)),
      unary(ATTUNE_NAMED(reciprocal)),
      unary(ATTUNE_NAMED(sin)),
      unary(ATTUNE_NAMED(cos)),
      unary(ATTUNE_NAMED(erf)),
      unary(ATTUNE_NAMED(abs)),
      unary(ATTUNE_NAMED(sign)),
      unary(ATTUNE_NAMED(floor)),
      unary(ATTUNE_NAMED(ceil)),
      unary(ATTUNE_NAMED(round)),
      unary(ATTUNE_NAMED(trunc)),
      unary(ATTUNE_NAMED(neg)),
      unary(ATTUNE_NAMED(tanh)),
      unary(ATTUNE_NAMED(sigmoid)),
      unary(ATTUNE_NAMED(relu)),
      unary(ATTUNE_NAMED(silu)),
      unary(ATTUNE_NAMED(logsigmoid)),
      unary(ATTUNE_NAMED(mish)),
      unary(ATTUNE_NAMED(relu6)),
      unary(ATTUNE_NAMED(logical_not)),
      unary(ATTUNE_NAMED(isnan)),
      unary(ATTUNE_NAMED(isinf)),
      unary(ATTUNE_NAMED(isfinite)),
      unary(ATTUNE_NAMED(clone)),
      unary(ATTUNE_NAMED(contiguous)),
      unary(ATTUNE_NAMED(trace)),
      unary(ATTUNE_NAMED(zeros_like)),
      unary(ATTUNE_NAMED(ones_like)),
      row<Tensor, double>(ATTUNE_NAMED(leaky_relu)),
      row<Tensor, double>(ATTUNE_NAMED(elu)),
      row<Tensor, std::string>(ATTUNE_NAMED(gelu)),
      row<Tensor, double, double>(ATTUNE_NAMED(softplus)),
      row<Tensor, double, double>(ATTUNE_NAMED(hardtanh)),
      row<Tensor, Number, Number>(ATTUNE_NAMED(clamp)),
      row<Tensor, double, Number, Number>(ATTUNE_NAMED(nan_to_num)),
      row<Tensor, DType>(ATTUNE_NAMED(to)),
      row<Tensor, double, bool>(ATTUNE_NAMED(dropout)),
  };
}

Rows pairs() {
  return {
      scalar_either(ATTUNE_NAMED(add), ATTUNE_CALL(operator+)),
      scalar_either(ATTUNE_NAMED(sub), ATTUNE_CALL(sub)),
      scalar_either(ATTUNE_NAMED(mul), ATTUNE_CALL(operator*)),
      scalar_either(ATTUNE_NAMED(div), ATTUNE_CALL(div)),
      scalar_either(ATTUNE_NAMED(pow), ATTUNE_CALL(pow)),
      scalar_right(ATTUNE_NAMED(eq)),
      scalar_right(ATTUNE_NAMED(ne)),
      scalar_right(ATTUNE_NAMED(lt)),
      scalar_right(ATTUNE_NAMED(le)),
      scalar_right(ATTUNE_NAMED(gt)),
      scalar_right(ATTUNE_NAMED(ge)),
      pair(ATTUNE_NAMED(minimum)),
      pair(ATTUNE_NAMED(maximum)),
      pair(ATTUNE_NAMED(logical_and)),
      pair(ATTUNE_NAMED(logical_or)),
      pair(ATTUNE_NAMED(logical_xor)),
      pair(ATTUNE_NAMED(outer)),
      pair(ATTUNE_NAMED(matmul)),
      pair(ATTUNE_NAMED(bmm)),
      pair(ATTUNE_NAMED(masked_select)),
      {"lerp",
       {takes<Tensor, Tensor, Tensor>(ATTUNE_CALL(lerp)),
        takes<Tensor, Tensor, double>(ATTUNE_CALL(lerp))}},
      {"where",
       {takes<Tensor, Tensor, Tensor>(ATTUNE_CALL(where)),
        takes<Tensor, Tensor, double>(ATTUNE_CALL(where)),
        takes<Tensor, double, Tensor>(ATTUNE_CALL(where))}},
      row<Tensor, Tensor, double>(ATTUNE_NAMED(masked_fill)),
      row<Tensor, Tensor, Tensor>(ATTUNE_NAMED(linear)),
      row<Tensor, Tensor, Tensor, double, double>(ATTUNE_NAMED(addmm)),
      row<Tensor, Tensor, Tensor, double, double>(ATTUNE_NAMED(baddbmm)),
      row<std::string, List>(ATTUNE_NAMED(einsum)),
      row<Tensor, Tensor, int64_t, double>(ATTUNE_NAMED(cosine_similarity)),
      row<Tensor, Tensor, double, double, bool>(ATTUNE_NAMED(pairwise_distance)),
  };
}

Rows reductions() {
  return {
      over_dims(ATTUNE_NAMED(sum)),
      over_dims(ATTUNE_NAMED(mean)),
      over_dims(ATTUNE_NAMED(prod)),
      over_dims(ATTUNE_NAMED(amax)),
      over_dims(ATTUNE_NAMED(amin)),
      over_dims(ATTUNE_NAMED(any)),
      over_dims(ATTUNE_NAMED(all)),
      over_dims(ATTUNE_NAMED(logsumexp)),
      along_or_over_all(ATTUNE_NAMED(max)),
      along_or_over_all(ATTUNE_NAMED(min)),
      along_or_over_all(ATTUNE_NAMED(argmax)),
      along_or_over_all(ATTUNE_NAMED(argmin)),
      along(ATTUNE_NAMED(cumsum)),
      along(ATTUNE_NAMED(softmax)),
      along(ATTUNE_NAMED(log_softmax)),
      along(ATTUNE_NAMED(softmin)),
      row<Tensor, Dims, double, bool>(ATTUNE_NAMED(var)),
      row<Tensor, Dims, double, bool>(ATTUNE_NAMED(std)),
      row<Tensor, double, Dims, bool>(ATTUNE_NAMED(norm)),
      row<Tensor, double, int64_t, double>(ATTUNE_NAMED(normalize)),
      row<Tensor, Shape, Tensor, Tensor, double>(ATTUNE_NAMED(layer_norm)),
      row<Tensor, Shape, Tensor, Number>(ATTUNE_NAMED(rms_norm)),
      row<Tensor, int64_t, bool>(ATTUNE_NAMED(sort)),
      row<Tensor, int64_t, bool>(ATTUNE_NAMED(argsort)),
      row<Tensor, int64_t, int64_t, bool>(ATTUNE_NAMED(topk)),
  };
}

Tensor narrow_from(const Tensor& x, int64_t dim, const Tensor& start, int64_t length) {
  return narrow(x, dim, start.item<int64_t>(), length);
}

Rows shapes() {
  return {
      shaped(ATTUNE_NAMED(reshape)),
      shaped(ATTUNE_NAMED(view)),
      shaped(ATTUNE_NAMED(permute)),
      shaped(ATTUNE_NAMED(expand)),
      shaped(ATTUNE_NAMED(broadcast_to)),
      shaped(ATTUNE_NAMED(repeat)),
      shaped(ATTUNE_NAMED(tile)),
      shaped(ATTUNE_NAMED(sum_to)),
      shaped(ATTUNE_NAMED(flip)),
      row<Tensor, int64_t, int64_t>(ATTUNE_NAMED(flatten)),
      row<Tensor, int64_t, int64_t>(ATTUNE_NAMED(transpose)),
      row<Tensor, int64_t, int64_t>(ATTUNE_NAMED(swapaxes)),
      row<Tensor, Dims, Dims>(ATTUNE_NAMED(movedim)),
      row<Tensor, int64_t>(ATTUNE_NAMED(unsqueeze)),
      row<Tensor, int64_t, Integer, Integer, int64_t>(ATTUNE_NAMED(slice)),
      row<Tensor, int64_t, int64_t>(ATTUNE_NAMED(select)),
      row<Tensor, int64_t, int64_t, int64_t>(ATTUNE_NAMED(diagonal)),
      row<Tensor, int64_t>(ATTUNE_NAMED(diag)),
      row<Tensor, int64_t, int64_t>(ATTUNE_NAMED(chunk)),
      row<Tensor, int64_t>(ATTUNE_NAMED(unbind)),
      row<List, int64_t>(ATTUNE_NAMED(cat)),
      row<List, int64_t>(ATTUNE_NAMED(stack)),
      row<Tensor, Shape, Dims>(ATTUNE_NAMED(roll)),
      row<Tensor, Sizes, double>(ATTUNE_NAMED(pad)),
      {"squeeze",
       {takes<Tensor>(ATTUNE_CALL(squeeze)), takes<Tensor, int64_t>(ATTUNE_CALL(squeeze))}},
      {"narrow",
       {takes<Tensor, int64_t, int64_t, int64_t>(ATTUNE_CALL(narrow)),
        takes<Tensor, int64_t, Tensor, int64_t>(narrow_from)}},
      {"split",
       {takes<Tensor, int64_t, int64_t>(ATTUNE_CALL(split)),
        takes<Tensor, Sizes, int64_t>(ATTUNE_CALL(split))}},
  };
}

// Without a dimension, through the elements in row-major order.
Tensor take_along_dim_or_all(const Tensor& x, const Tensor& index, Integer dim) {
  return dim ? take_along_dim(x, index, *dim) : take_along_dim(flatten(x), flatten(index), 0);
}

Rows indexing() {
  return {
      row<Tensor, int64_t>(ATTUNE_NAMED(tril)),
      row<Tensor, int64_t>(ATTUNE_NAMED(triu)),
      row<Tensor, int64_t, Tensor>(ATTUNE_NAMED(index_select)),
      row<Tensor, Tensor, Integer>(ATTUNE_NAMED(embedding)),
      row<Tensor, int64_t, Tensor>(ATTUNE_NAMED(gather)),
      row<Tensor, Tensor, Integer>("take_along_dim", take_along_dim_or_all),
      row<Tensor, int64_t, Tensor, Tensor>(ATTUNE_NAMED(scatter_add)),
      row<Tensor, int64_t, Tensor, Tensor, double>(ATTUNE_NAMED(index_add)),
      row<Tensor, int64_t>(ATTUNE_NAMED(one_hot)),
      row<Shape, double, DType>(ATTUNE_NAMED(full)),
      row<Shape, DType>(ATTUNE_NAMED(zeros)),
      row<Shape, DType>(ATTUNE_NAMED(ones)),
      row<int64_t, Integer, DType>(ATTUNE_NAMED(eye)),
      row<double, double, double, DType>(ATTUNE_NAMED(arange)),
      row<double, double, int64_t, DType>(ATTUNE_NAMED(linspace)),
      row<Tensor, double>(ATTUNE_NAMED(full_like)),
  };
}

Tensor smoothed_cross_entropy(const Tensor& x, const Tensor& target, const Tensor& weight,
                              int64_t ignored, Reduction reduction, double smoothing) {
  return cross_entropy(x, target, {weight, ignored, reduction, smoothing});
}

Tensor weighted_nll_loss(const Tensor& x, const Tensor& target, const Tensor& weight,
                         int64_t ignored, Reduction reduction) {
  return nll_loss(x, target, {weight, ignored, reduction});
}

Tensor classifier_loss(const Tensor& x, const Tensor& weight, const Tensor& target,
                       const Tensor& bias, int64_t ignored, Reduction reduction, double smoothing) {
  return linear_cross_entropy(x, weight, target, bias, {ignored, reduction, smoothing});
}

Tensor weighted_bce(const Tensor& x, const Tensor& target, const Tensor& weight,
                    const Tensor& positive_weight, Reduction reduction) {
  return binary_cross_entropy_with_logits(x, target, {weight, positive_weight, reduction});
}

Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& given,
                 bool causal, std::optional<double> scale, bool shared) {
  Mask mask = causal ? Mask::causal() : Mask();
  if (given.defined())
    mask = mask & (given.dtype() == boolean ? Mask::keep(given) : Mask::bias(given));
  return scaled_dot_product_attention(q, k, v, mask, {.scale = scale, .enable_gqa = shared});
}

Rows losses() {
  return {
      distance(ATTUNE_NAMED(mse_loss)),
      distance(ATTUNE_NAMED(l1_loss)),
      row<Tensor, Tensor, Reduction, double>(ATTUNE_NAMED(huber_loss)),
      row<Tensor, Tensor, Reduction, double>(ATTUNE_NAMED(smooth_l1_loss)),
      row<Tensor, Tensor, Reduction, bool>(ATTUNE_NAMED(kl_div)),
      row<Tensor, Tensor, Tensor, int64_t, Reduction, double>("cross_entropy",
                                                              smoothed_cross_entropy),
      row<Tensor, Tensor, Tensor, int64_t, Reduction>("nll_loss", weighted_nll_loss),
      row<Tensor, Tensor, Tensor, Tensor, int64_t, Reduction, double>("linear_cross_entropy",
                                                                      classifier_loss),
      row<Tensor, Tensor, Tensor, Tensor, Reduction>("binary_cross_entropy_with_logits",
                                                     weighted_bce),
      row<Tensor, Tensor, Tensor, Tensor, bool, Number, bool>("scaled_dot_product_attention",
                                                              attention),
  };
}

#undef ATTUNE_NAMED
#undef ATTUNE_CALL

}  // namespace

const std::map<std::string, std::vector<Overload>>& operations() {
  static const Rows all = [] {
    Rows rows;
    for (Rows more : {pointwise(), pairs(), reductions(), shapes(), indexing(), losses(), modules(),
                      optimizers()})
      rows.merge(more);
    return rows;
  }();
  return all;
}

}  // namespace attune::test
