#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/elementwise_binary.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "activations-inl.h"
#include "elementwise_loops.h"
#include "loops-inl.h"
#include "math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace attune::kernels::HWY_NAMESPACE {

// The choice, or NaN if either operand is.
template <class D, class M>
HWY_INLINE hn::Vec<D> choose(D d, M first, hn::Vec<D> a, hn::Vec<D> b) {
  return keep_nan(d, a, hn::IfThenElse(first, a, b));
}

#define ATTUNE_BINARY(Name, expression)                                       \
  struct Name {                                                               \
    template <class D>                                                        \
    HWY_INLINE hn::Vec<D> operator()(D d, hn::Vec<D> a, hn::Vec<D> b) const { \
      (void)d;                                                                \
      return expression;                                                      \
    }                                                                         \
  }

ATTUNE_BINARY(AddOp, hn::Add(a, b));
ATTUNE_BINARY(SubOp, hn::Sub(a, b));
ATTUNE_BINARY(MulOp, hn::Mul(a, b));
ATTUNE_BINARY(DivOp, hn::Div(a, b));
ATTUNE_BINARY(MinimumOp, choose(d, hn::Lt(a, b), a, b));
ATTUNE_BINARY(MaximumOp, choose(d, hn::Gt(a, b), a, b));
ATTUNE_BINARY(LeakyReluOp, hn::IfThenElse(hn::Gt(a, hn::Zero(d)), a, hn::Mul(a, b)));
ATTUNE_BINARY(EluOp, hn::IfThenElse(hn::Gt(a, hn::Zero(d)), a, hn::Mul(expm1(d, a), b)));
ATTUNE_BINARY(ReluBackwardOp, hn::IfThenZeroElse(hn::Le(a, hn::Zero(d)), b));
ATTUNE_BINARY(AbsBackwardOp, hn::Mul(sign(d, a), b));
ATTUNE_BINARY(TanhBackwardOp, hn::Mul(b, hn::NegMulAdd(a, a, constant(d, 1))));
ATTUNE_BINARY(SigmoidBackwardOp, hn::Mul(b, hn::Mul(hn::Sub(constant(d, 1), a), a)));
ATTUNE_BINARY(GeluBackwardOp, hn::Mul(gelu_derivative(d, a), b));
ATTUNE_BINARY(GeluTanhBackwardOp, hn::Mul(gelu_tanh_derivative(d, a), b));
ATTUNE_BINARY(SiluBackwardOp, hn::Mul(silu_derivative(d, a), b));
ATTUNE_BINARY(SoftplusBackwardOp, hn::Mul(softplus_derivative(d, a), b));
#undef ATTUNE_BINARY

template <class T>
void pow_loop(const T* a, const T* b, T* y, size_t n) {
  for (size_t i = 0; i < n; ++i) y[i] = std::pow(a[i], b[i]);
}

template <class T>
BinaryLoop<T> select_loop(Binary op) {
  switch (op) {
#define ATTUNE_CASE(name, Op) \
  case Binary::name:          \
    return map<Op, T>;
    ATTUNE_CASE(add, AddOp)
    ATTUNE_CASE(sub, SubOp)
    ATTUNE_CASE(mul, MulOp)
    ATTUNE_CASE(div, DivOp)
    ATTUNE_CASE(minimum, MinimumOp)
    ATTUNE_CASE(maximum, MaximumOp)
    ATTUNE_CASE(leaky_relu, LeakyReluOp)
    ATTUNE_CASE(elu, EluOp)
    ATTUNE_CASE(relu_backward, ReluBackwardOp)
    ATTUNE_CASE(abs_backward, AbsBackwardOp)
    ATTUNE_CASE(tanh_backward, TanhBackwardOp)
    ATTUNE_CASE(sigmoid_backward, SigmoidBackwardOp)
    ATTUNE_CASE(gelu_backward, GeluBackwardOp)
    ATTUNE_CASE(gelu_tanh_backward, GeluTanhBackwardOp)
    ATTUNE_CASE(silu_backward, SiluBackwardOp)
    ATTUNE_CASE(softplus_backward, SoftplusBackwardOp)
#undef ATTUNE_CASE
    case Binary::pow:
      return pow_loop<T>;
  }
  return nullptr;
}

BinaryLoop<float> binary_float(Binary op) { return select_loop<float>(op); }
BinaryLoop<double> binary_double(Binary op) { return select_loop<double>(op); }

}  // namespace attune::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace attune::kernels {

HWY_EXPORT(binary_float);
HWY_EXPORT(binary_double);

template <>
BinaryLoop<float> binary_loop<float>(Binary op) {
  return HWY_DYNAMIC_DISPATCH(binary_float)(op);
}
template <>
BinaryLoop<double> binary_loop<double>(Binary op) {
  return HWY_DYNAMIC_DISPATCH(binary_double)(op);
}

}  // namespace attune::kernels
#endif
