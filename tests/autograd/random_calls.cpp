#include "random_calls.h"

namespace attune::test {
namespace {

using X = const Tensor&;
using S = const Shape&;
using I = int64_t;
using D = double;
using B = bool;
using Xs = const std::vector<Tensor>&;
using Is = const std::vector<int64_t>&;
using OptI = std::optional<int64_t>;
using OptD = std::optional<double>;

// A function with an argument for each of its parameters.
template <class R, class... Parameters>
RandomCall call(const char* name, R (*f)(Parameters...)) {
  return {name, [f](Draw& d) { return results(f(d.argument<std::decay_t<Parameters>>()...)); }};
}
// The same of a member that writes to its tensor.
template <class... Parameters>
RandomCall write(const char* name, const Tensor& (Tensor::*f)(Parameters...) const) {
  return {name, [f](Draw& d) {
            const Tensor x = d.once_in(2) ? d.tensor() : d.tensor() * 1;
            (x.*f)(d.argument<std::decay_t<Parameters>>()...);
            return results(x);
          }};
}
// The overload with these parameters.
#define CALL(name, ...) call<Tensor, __VA_ARGS__>(#name, name)
#define BOTH(name, ...) call<ValuesAndIndices, __VA_ARGS__>(#name, name)
#define MANY(name, ...) call<std::vector<Tensor>, __VA_ARGS__>(#name, name)
#define WRITE(name, ...) write<__VA_ARGS__>(#name, &Tensor::name)

std::vector<RandomCall> pointwise() {
  return {
      CALL(exp, X),
      CALL(expm1, X),
      CALL(log, X),
      CALL(log2, X),
      CALL(log10, X),
      CALL(log1p, X),
      CALL(sqrt, X),
      CALL(rsqrt, X),
      CALL(square, X),
      CALL(reciprocal, X),
      CALL(sin, X),
      CALL(cos, X),
      CALL(erf, X),
      CALL(abs, X),
      CALL(sign, X),
      CALL(floor, X),
      CALL(ceil, X),
      CALL(round, X),
      CALL(trunc, X),
      CALL(nan_to_num, X, D, OptD, OptD),
      CALL(tanh, X),
      CALL(sigmoid, X),
      CALL(relu, X),
      CALL(relu6, X),
      CALL(leaky_relu, X, D),
      CALL(elu, X, D),
      CALL(silu, X),
      CALL(logsigmoid, X),
      CALL(mish, X),
      CALL(hardtanh, X, D, D),
      CALL(softplus, X, D, D),
      CALL(neg, X),
      CALL(isnan, X),
      CALL(isinf, X),
      CALL(isfinite, X),
      CALL(logical_not, X),
      CALL(clone, X),
      CALL(contiguous, X),
      CALL(to, X, DType),
      CALL(clamp, X, OptD, OptD),
      CALL(dropout, X, D, B),
      CALL(bernoulli, X),
      custom("gelu",
             [](Draw& d) {
               return gelu(d.tensor(), d.one_of({"none", "tanh", "exact"}));
             }),
  };
}

std::vector<RandomCall> arithmetic() {
  return {
      CALL(add, X, X),
      CALL(add, X, D),
      CALL(sub, X, X),
      CALL(sub, X, D),
      CALL(sub, D, X),
      CALL(mul, X, X),
      CALL(mul, X, D),
      CALL(div, X, X),
      CALL(div, X, D),
      CALL(div, D, X),
      CALL(pow, X, X),
      CALL(pow, X, D),
      CALL(pow, D, X),
      CALL(minimum, X, X),
      CALL(maximum, X, X),
      CALL(lerp, X, X, X),
      CALL(lerp, X, X, D),
      CALL(eq, X, X),
      CALL(eq, X, D),
      CALL(ne, X, X),
      CALL(ne, X, D),
      CALL(lt, X, X),
      CALL(lt, X, D),
      CALL(le, X, X),
      CALL(le, X, D),
      CALL(gt, X, X),
      CALL(gt, X, D),
      CALL(ge, X, X),
      CALL(ge, X, D),
      CALL(logical_and, X, X),
      CALL(logical_or, X, X),
      CALL(logical_xor, X, X),
      custom("where", [](Draw& d) { return where(d.tensor() > 0, d.tensor(), d.tensor()); }),
      custom("where", [](Draw& d) { return where(d.tensor() > 0, d.tensor(), d.number()); }),
      custom("where", [](Draw& d) { return where(d.tensor() > 0, d.number(), d.tensor()); }),
      CALL(where, X, X, X),
      custom("masked_fill",
             [](Draw& d) { return masked_fill(d.tensor(), d.tensor() > 0, d.number()); }),
      WRITE(add_, X),
      WRITE(add_, D),
      WRITE(sub_, X),
      WRITE(sub_, D),
      WRITE(mul_, X),
      WRITE(mul_, D),
      WRITE(div_, X),
      WRITE(div_, D),
      WRITE(copy_, X),
      WRITE(fill_, D),
      write<>("zero_", &Tensor::zero_),
      WRITE(convert_, DType),
      WRITE(requires_grad_, B),
      custom("assign_",
             [](Draw& d) {
               const Tensor x = d.tensor();
               return x.assign_(d.tensor().array());
             }),
  };
}

std::vector<RandomCall> shaping() {
  return {
      CALL(reshape, X, S),
      CALL(view, X, S),
      CALL(flatten, X, I, I),
      CALL(transpose, X, I, I),
      CALL(swapaxes, X, I, I),
      CALL(permute, X, S),
      CALL(movedim, X, S, S),
      CALL(movedim, X, I, I),
      CALL(expand, X, S),
      CALL(broadcast_to, X, S),
      CALL(sum_to, X, S),
      CALL(squeeze, X),
      CALL(squeeze, X, I),
      CALL(unsqueeze, X, I),
      CALL(slice, X, I, OptI, OptI, I),
      CALL(narrow, X, I, I, I),
      CALL(select, X, I, I),
      CALL(flip, X, S),
      CALL(diagonal, X, I, I, I),
      CALL(diag, X, I),
      CALL(cat, Xs, I),
      CALL(stack, Xs, I),
      MANY(split, X, I, I),
      MANY(split, X, Is, I),
      MANY(chunk, X, I, I),
      MANY(unbind, X, I),
      CALL(repeat, X, S),
      CALL(tile, X, S),
      CALL(roll, X, S, S),
      CALL(pad, X, Is, D),
      CALL(tril, X, I),
      CALL(triu, X, I),
      CALL(full, S, D, DType),
      CALL(zeros, S, DType),
      CALL(ones, S, DType),
      CALL(eye, I, OptI, DType),
      CALL(linspace, D, D, I, DType),
      CALL(arange, D, D, D, DType),
      CALL(rand, S, DType),
      CALL(randn, S, DType),
      CALL(randint, I, I, S),
      CALL(randint, I, S),
      CALL(randperm, I),
      CALL(full_like, X, D, std::optional<DType>),
      CALL(zeros_like, X, std::optional<DType>),
      CALL(ones_like, X, std::optional<DType>),
      CALL(rand_like, X, std::optional<DType>),
      CALL(randn_like, X, std::optional<DType>),
  };
}

std::vector<RandomCall> reducing() {
  return {
      CALL(sum, X),
      CALL(sum, X, S, B),
      CALL(prod, X),
      CALL(prod, X, S, B),
      CALL(cumsum, X, I),
      CALL(mean, X),
      CALL(mean, X, S, B),
      CALL(var, X, S, D, B),
      CALL(std, X, S, D, B),
      CALL(logsumexp, X, S, B),
      CALL(norm, X, D, S, B),
      CALL(amax, X, S, B),
      CALL(amin, X, S, B),
      CALL(max, X),
      CALL(min, X),
      BOTH(max, X, I, B),
      BOTH(min, X, I, B),
      CALL(argmax, X),
      CALL(argmin, X),
      CALL(argmax, X, I, B),
      CALL(argmin, X, I, B),
      CALL(any, X, S, B),
      CALL(all, X, S, B),
      BOTH(sort, X, I, B),
      CALL(argsort, X, I, B),
      BOTH(topk, X, I, I, B),
      CALL(softmax, X, I),
      CALL(log_softmax, X, I),
      CALL(softmin, X, I),
      CALL(trace, X),
      CALL(layer_norm, X, S, X, X, D),
      CALL(rms_norm, X, S, X, OptD),
      custom("layer_norm",
             [](Draw& d) {
               const Tensor x = d.tensor();
               return layer_norm(x, {x.size(-1)}, {}, {}, d.number());
             }),
      CALL(normalize, X, D, I, D),
      CALL(cosine_similarity, X, X, I, D),
      CALL(pairwise_distance, X, X, D, D, B),
  };
}

std::vector<RandomCall> products() {
  const auto options = [](Draw& d) -> AttentionOptions {
    return {.dropout = d.once_in(2) ? 0 : d.number(),
            .scale = d.argument<OptD>(),
            .enable_gqa = d.once_in(2)};
  };
  return {
      CALL(matmul, X, X),
      custom("bmm",
             [](Draw& d) {
               const Factors f(d);
               return bmm(f.left(d), f.right(d));
             }),
      custom("matmul",
             [](Draw& d) {
               const Factors f(d);
               return matmul(f.left(d), f.right(d));
             }),
      CALL(addmm, X, X, X, D, D),
      CALL(baddbmm, X, X, X, D, D),
      CALL(outer, X, X),
      CALL(linear, X, X, X),
      custom("linear",
             [](Draw& d) {
               const Factors f(d);
               return linear(f.left(d), f.weight(d), f.bias(d));
             }),
      custom("einsum",
             [](Draw& d) {
               const char* equations[] = {"ij,jk->ik", "ij->ji", "ii->i", "i,j->ij", "bij,bjk",
                                          "ij,kj",     "ij->",   "...i",  "->",      "ij,jk->il"};
               return einsum(equations[d.below(10)], d.argument<std::vector<Tensor>>());
             }),
      custom("scaled_dot_product_attention",
             [=](Draw& d) {
               return scaled_dot_product_attention(d.tensor(), d.tensor(), d.tensor(), d.mask(),
                                                   options(d));
             }),
      custom(
          "attention_weights",
          [=](Draw& d) { return attention_weights(d.tensor(), d.tensor(), d.mask(), options(d)); }),
      custom("rotary_embedding",
             [](Draw& d) {
               const int64_t width = d.once_in(4) ? d.whole() : 2 * d.below(3), length = d.below(3);
               const auto frequencies = rotary_frequencies(width, d.once_in(2) ? 10 : d.number());
               const Tensor x = d.once_in(3) ? d.tensor() : zeros({2, length, 4}).requires_grad_();
               const Tensor at = d.once_in(3) ? d.indices() : arange(length);
               return rotary_embedding(x, rotary_angles(at, frequencies, x.dtype()),
                                       d.one_of({RotaryPairs::halves, RotaryPairs::neighbours}));
             }),
  };
}

std::vector<RandomCall> indexing() {
  return {
      custom("index_select",
             [](Draw& d) { return index_select(d.tensor(), d.whole(), d.indices()); }),
      custom("embedding",
             [](Draw& d) { return embedding(d.indices(), d.tensor(), d.argument<OptI>()); }),
      custom("gather", [](Draw& d) { return gather(d.tensor(), d.whole(), d.indices()); }),
      custom("take_along_dim",
             [](Draw& d) { return take_along_dim(d.tensor(), d.indices(), d.whole()); }),
      custom("scatter_add",
             [](Draw& d) { return scatter_add(d.tensor(), d.whole(), d.indices(), d.tensor()); }),
      custom("index_add",
             [](Draw& d) {
               const Tensor x = d.tensor(), indices = d.indices();
               const int64_t dim = d.whole();
               const Tensor source = d.once_in(3) ? d.tensor() : index_select(x, dim, indices);
               return index_add(x, dim, indices, source, d.number());
             }),
      custom("masked_select", [](Draw& d) { return masked_select(d.tensor(), d.tensor() > 0); }),
      custom("one_hot",
             [](Draw& d) { return one_hot(d.indices(), d.once_in(2) ? -1 : d.whole()); }),
  };
}

std::vector<RandomCall> losses() {
  const auto weight = [](Draw& d) { return d.once_in(2) ? Tensor() : d.tensor(); };
  const auto bce = [=](Draw& d) -> BceOptions {
    return {.weight = weight(d), .pos_weight = weight(d), .reduction = d.argument<Reduction>()};
  };
  return {
      CALL(mse_loss, X, X, Reduction),
      CALL(l1_loss, X, X, Reduction),
      CALL(huber_loss, X, X, Reduction, D),
      CALL(smooth_l1_loss, X, X, Reduction, D),
      CALL(kl_div, X, X, Reduction, B),
      custom("binary_cross_entropy_with_logits",
             [=](Draw& d) {
               return binary_cross_entropy_with_logits(d.tensor(), d.tensor(), bce(d));
             }),
      custom("bce_with_logits",
             [=](Draw& d) { return bce_with_logits(d.tensor(), d.tensor(), bce(d)); }),
      custom("cross_entropy",
             [=](Draw& d) {
               const Factors f(d);
               return cross_entropy(f.made(d, {}, {f.rows, f.columns}), f.classes(d),
                                    {.weight = f.bias(d),
                                     .ignore_index = d.whole(),
                                     .reduction = d.argument<Reduction>(),
                                     .label_smoothing = d.once_in(2) ? 0 : d.number()});
             }),
      custom("nll_loss",
             [=](Draw& d) {
               const Factors f(d);
               return nll_loss(f.made(d, {}, {f.rows, f.columns}), f.classes(d),
                               {.weight = f.bias(d),
                                .ignore_index = d.whole(),
                                .reduction = d.argument<Reduction>()});
             }),
      custom("linear_cross_entropy",
             [=](Draw& d) {
               const Factors f(d);
               return linear_cross_entropy(f.left(d), f.weight(d), f.classes(d), f.bias(d),
                                           {.ignore_index = d.whole(),
                                            .reduction = d.argument<Reduction>(),
                                            .label_smoothing = d.once_in(2) ? 0 : d.number()});
             }),
  };
}

}  // namespace

std::vector<RandomCall> random_calls() {
  std::vector<RandomCall> calls;
  for (const auto& family :
       {pointwise(), arithmetic(), shaping(), reducing(), products(), indexing(), losses()})
    calls.insert(calls.end(), family.begin(), family.end());
  return calls;
}

}  // namespace attune::test
