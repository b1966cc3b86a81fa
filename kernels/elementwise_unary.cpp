#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/elementwise_unary.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "activations-inl.h"
#include "elementwise_loops.h"
#include "loops-inl.h"
#include "math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace attune::kernels::HWY_NAMESPACE {

#define ATTUNE_UNARY(Name, expression)                          \
  struct Name {                                                 \
    template <class D>                                          \
    HWY_INLINE hn::Vec<D> operator()(D d, hn::Vec<D> x) const { \
      (void)d;                                                  \
      return expression;                                        \
    }                                                           \
  }

ATTUNE_UNARY(NegOp, hn::Neg(x));
ATTUNE_UNARY(AbsOp, hn::Abs(x));
ATTUNE_UNARY(SignOp, sign(d, x));
ATTUNE_UNARY(SquareOp, hn::Mul(x, x));
ATTUNE_UNARY(ReluOp, relu(d, x));
ATTUNE_UNARY(FloorOp, hn::Floor(x));
ATTUNE_UNARY(CeilOp, hn::Ceil(x));
ATTUNE_UNARY(RoundOp, hn::Round(x));
ATTUNE_UNARY(TruncOp, hn::Trunc(x));
ATTUNE_UNARY(ReciprocalOp, hn::Div(constant(d, 1), x));
ATTUNE_UNARY(SqrtOp, hn::Sqrt(x));
ATTUNE_UNARY(RsqrtOp, hn::Div(constant(d, 1), hn::Sqrt(x)));
ATTUNE_UNARY(ExpOp, exp(d, x));
ATTUNE_UNARY(Expm1Op, expm1(d, x));
ATTUNE_UNARY(LogOp, log(d, x));
ATTUNE_UNARY(Log2Op, log2(d, x));
ATTUNE_UNARY(Log10Op, log10(d, x));
ATTUNE_UNARY(Log1pOp, log1p(d, x));
ATTUNE_UNARY(SinOp, sin(d, x));
ATTUNE_UNARY(CosOp, cos(d, x));
ATTUNE_UNARY(TanhOp, tanh(d, x));
ATTUNE_UNARY(ErfOp, erf(d, x));
ATTUNE_UNARY(SigmoidOp, sigmoid(d, x));
ATTUNE_UNARY(GeluOp, gelu(d, x));
ATTUNE_UNARY(GeluTanhOp, gelu_tanh(d, x));
ATTUNE_UNARY(SiluOp, silu(d, x));
ATTUNE_UNARY(SoftplusOp, softplus(d, x));
#undef ATTUNE_UNARY

template <class T>
UnaryLoop<T> select_loop(Unary op) {
  switch (op) {
#define ATTUNE_CASE(name, Op) \
  case Unary::name:           \
    return map<Op, T>;
    ATTUNE_CASE(neg, NegOp)
    ATTUNE_CASE(abs, AbsOp)
    ATTUNE_CASE(sign, SignOp)
    ATTUNE_CASE(square, SquareOp)
    ATTUNE_CASE(relu, ReluOp)
    ATTUNE_CASE(floor, FloorOp)
    ATTUNE_CASE(ceil, CeilOp)
    ATTUNE_CASE(round, RoundOp)
    ATTUNE_CASE(trunc, TruncOp)
    ATTUNE_CASE(reciprocal, ReciprocalOp)
    ATTUNE_CASE(sqrt, SqrtOp)
    ATTUNE_CASE(rsqrt, RsqrtOp)
    ATTUNE_CASE(exp, ExpOp)
    ATTUNE_CASE(expm1, Expm1Op)
    ATTUNE_CASE(log, LogOp)
    ATTUNE_CASE(log2, Log2Op)
    ATTUNE_CASE(log10, Log10Op)
    ATTUNE_CASE(log1p, Log1pOp)
    ATTUNE_CASE(sin, SinOp)
    ATTUNE_CASE(cos, CosOp)
    ATTUNE_CASE(tanh, TanhOp)
    ATTUNE_CASE(erf, ErfOp)
    ATTUNE_CASE(sigmoid, SigmoidOp)
    ATTUNE_CASE(gelu, GeluOp)
    ATTUNE_CASE(gelu_tanh, GeluTanhOp)
    ATTUNE_CASE(silu, SiluOp)
    ATTUNE_CASE(softplus, SoftplusOp)
#undef ATTUNE_CASE
  }
  return nullptr;
}

UnaryLoop<float> unary_float(Unary op) { return select_loop<float>(op); }
UnaryLoop<double> unary_double(Unary op) { return select_loop<double>(op); }

}  // namespace attune::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace attune::kernels {

HWY_EXPORT(unary_float);
HWY_EXPORT(unary_double);

template <>
UnaryLoop<float> unary_loop<float>(Unary op) {
  return HWY_DYNAMIC_DISPATCH(unary_float)(op);
}
template <>
UnaryLoop<double> unary_loop<double>(Unary op) {
  return HWY_DYNAMIC_DISPATCH(unary_double)(op);
}

}  // namespace attune::kernels
#endif
