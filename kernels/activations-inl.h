// Vector activations and their derivatives. Included once per target.

#if defined(ATTUNE_KERNELS_ACTIVATIONS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ATTUNE_KERNELS_ACTIVATIONS_INL_H_
#undef ATTUNE_KERNELS_ACTIVATIONS_INL_H_
#else
#define ATTUNE_KERNELS_ACTIVATIONS_INL_H_
#endif

#include "math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace attune::kernels::HWY_NAMESPACE {

// -1, 0 or 1; NaN gives 0, as torch.sign does.
template <class D>
HWY_INLINE hn::Vec<D> sign(D d, hn::Vec<D> x) {
  const auto zero = hn::Zero(d), one = constant(d, 1);
  return hn::Sub(hn::IfThenElseZero(hn::Gt(x, zero), one),
                 hn::IfThenElseZero(hn::Lt(x, zero), one));
}

// Written with <= so that NaN passes through.
template <class D>
HWY_INLINE hn::Vec<D> relu(D d, hn::Vec<D> x) {
  return hn::IfThenZeroElse(hn::Le(x, hn::Zero(d)), x);
}

// Φ(x), the distribution function of normal values. double: by libm's erf. float: the tail beyond
// |x| is a power of 2 of a minimax polynomial, of log2 Φ(-t) on [0, 6] (error of Φ 2e-9), which
// goes on to fall beyond. So small values of Φ keep their digits, which 1 + erf(x) would cancel.
template <class D>
HWY_INLINE hn::Vec<D> normal_cdf(D d, hn::Vec<D> x) {
  if constexpr (sizeof(ElementOf<D>) == 8) {
    const auto half = constant(d, 0.5);
    return hn::MulAdd(erf(d, hn::Mul(x, constant(d, 0.70710678118654752440))), half, half);
  } else {
    const auto log_tail =
        polynomial(d, hn::Abs(x), constant(d, -3.34983578e-8), 9.640126297e-7, -1.191650982e-5,
                   8.083619223e-5, -0.0002905831889, 1.415004884e-5, 0.006939169529, -0.05244166689,
                   -0.4592191714, -1.151104533, -1.0);
    const auto tail = exp2_of_negative(d, log_tail);
    return hn::IfThenElse(hn::Lt(x, hn::Zero(d)), tail, hn::Sub(constant(d, 1), tail));
  }
}

template <class D>
HWY_INLINE hn::Vec<D> gelu(D d, hn::Vec<D> x) {
  return hn::Mul(x, normal_cdf(d, x));
}

// Φ(x) + x φ(x)
template <class D>
HWY_INLINE hn::Vec<D> gelu_derivative(D d, hn::Vec<D> x) {
  const auto density = hn::Mul(constant(d, 0.39894228040143267794),
                               exp(d, hn::Mul(hn::Mul(x, x), constant(d, -0.5))));
  return hn::MulAdd(x, density, normal_cdf(d, x));
}

// (1 + tanh u) / 2 with u = sqrt(2/pi) (x + 0.044715 x³), which is the logistic function of 2 u.
template <class D>
HWY_INLINE hn::Vec<D> gelu_tanh_cdf(D d, hn::Vec<D> x) {
  const auto scale = constant(d, 2 * 0.79788456080286535588);
  const auto cubic = constant(d, 2 * 0.79788456080286535588 * 0.044715);
  const auto u = hn::Mul(x, hn::MulAdd(hn::Mul(x, x), cubic, scale));
  if constexpr (sizeof(ElementOf<D>) == 8) {
    return sigmoid(d, u);
  } else {
    const auto one = constant(d, 1), e = exp_below_88(d, hn::Neg(hn::Abs(u)));
    return hn::Div(hn::IfThenElse(hn::Lt(u, hn::Zero(d)), e, one), hn::Add(one, e));
  }
}

template <class D>
HWY_INLINE hn::Vec<D> gelu_tanh(D d, hn::Vec<D> x) {
  return hn::Mul(x, gelu_tanh_cdf(d, x));
}

template <class D>
HWY_INLINE hn::Vec<D> gelu_tanh_derivative(D d, hn::Vec<D> x) {
  const auto scale = constant(d, 2 * 0.79788456080286535588);
  const auto cubic = constant(d, 3 * 2 * 0.79788456080286535588 * 0.044715);
  const auto cdf = gelu_tanh_cdf(d, x);
  // Where the curve is flat, the slope of its argument must not be Inf.
  const auto near = hn::Min(hn::Abs(x), constant(d, 100));
  const auto slope = hn::MulAdd(hn::Mul(near, near), cubic, scale);
  const auto curved = hn::Mul(hn::Mul(x, hn::NegMulAdd(cdf, cdf, cdf)), slope);
  return hn::Add(cdf, curved);
}

template <class D>
HWY_INLINE hn::Vec<D> silu(D d, hn::Vec<D> x) {
  return hn::Div(x, hn::Add(constant(d, 1), exp(d, hn::Neg(x))));
}

template <class D>
HWY_INLINE hn::Vec<D> silu_derivative(D d, hn::Vec<D> x) {
  const auto one = constant(d, 1);
  const auto s = sigmoid(d, x);
  return hn::Mul(s, hn::MulAdd(x, hn::Sub(one, s), one));
}

template <class D>
HWY_INLINE hn::Vec<D> softplus(D d, hn::Vec<D> x) {
  const auto threshold = constant(d, 20);
  const auto y = log1p(d, exp(d, hn::Min(x, threshold)));
  return keep_nan(d, x, hn::IfThenElse(hn::Gt(x, threshold), x, y));
}

template <class D>
HWY_INLINE hn::Vec<D> softplus_derivative(D d, hn::Vec<D> x) {
  return hn::IfThenElse(hn::Gt(x, constant(d, 20)), constant(d, 1), sigmoid(d, x));
}

}  // namespace attune::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
