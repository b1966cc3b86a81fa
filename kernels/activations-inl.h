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

template <class D>
HWY_INLINE hn::Vec<D> normal_cdf(D d, hn::Vec<D> x) {
  const auto half = constant(d, 0.5);
  return hn::MulAdd(erf(d, hn::Mul(x, constant(d, 0.70710678118654752440))), half, half);
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

// tanh(sqrt(2/pi) (x + 0.044715 x³))
template <class D>
HWY_INLINE hn::Vec<D> gelu_inner_tanh(D d, hn::Vec<D> x) {
  const auto scale = constant(d, 0.79788456080286535588);
  const auto cubic = constant(d, 0.79788456080286535588 * 0.044715);
  return tanh(d, hn::Mul(x, hn::MulAdd(hn::Mul(x, x), cubic, scale)));
}

template <class D>
HWY_INLINE hn::Vec<D> gelu_tanh(D d, hn::Vec<D> x) {
  const auto half = hn::Mul(x, constant(d, 0.5));
  return hn::MulAdd(half, gelu_inner_tanh(d, x), half);
}

template <class D>
HWY_INLINE hn::Vec<D> gelu_tanh_derivative(D d, hn::Vec<D> x) {
  const auto half = constant(d, 0.5), scale = constant(d, 0.79788456080286535588);
  const auto cubic = constant(d, 3 * 0.79788456080286535588 * 0.044715);
  const auto t = gelu_inner_tanh(d, x);
  const auto slope = hn::MulAdd(hn::Mul(x, x), cubic, scale);
  const auto curved = hn::Mul(hn::Mul(x, slope), hn::NegMulAdd(t, t, constant(d, 1)));
  return hn::Mul(half, hn::Add(hn::Add(constant(d, 1), t), curved));
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
