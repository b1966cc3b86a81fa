// Vector functions for float and double that follow IEEE 754 at NaN, Inf and zero, which Highway's
// own leave undefined. Included once per target, between HWY_BEFORE_NAMESPACE and
// HWY_AFTER_NAMESPACE of the including file's targets; see elementwise_unary.cpp.

#if defined(ATTUNE_KERNELS_MATH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ATTUNE_KERNELS_MATH_INL_H_
#undef ATTUNE_KERNELS_MATH_INL_H_
#else
#define ATTUNE_KERNELS_MATH_INL_H_
#endif

#include <hwy/highway.h>
// Highway's own -Wconversion warnings are not ours to fix.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#include <hwy/contrib/math/math-inl.h>
#pragma GCC diagnostic pop

#include <cmath>
#include <cstddef>
#include <limits>

HWY_BEFORE_NAMESPACE();
namespace attune::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

template <class D>
using ElementOf = hn::TFromD<D>;

template <class D>
HWY_INLINE hn::Vec<D> constant(D d, double value) {
  return hn::Set(d, static_cast<ElementOf<D>>(value));
}

template <class D>
HWY_INLINE hn::Vec<D> infinity(D d) {
  return hn::Set(d, std::numeric_limits<ElementOf<D>>::infinity());
}

// y where x is a number, x where it is NaN.
template <class D>
HWY_INLINE hn::Vec<D> keep_nan(D, hn::Vec<D> x, hn::Vec<D> y) {
  return hn::IfThenElse(hn::IsNaN(x), x, y);
}

// The scalar function on each lane, for what is too rare to be worth a vector version.
template <class D, class F>
HWY_INLINE hn::Vec<D> by_lane(D d, hn::Vec<D> x, F f) {
  HWY_ALIGN ElementOf<D> lanes[HWY_MAX_BYTES / sizeof(ElementOf<D>)];
  hn::Store(x, d, lanes);
  for (size_t i = 0; i < hn::Lanes(d); ++i) lanes[i] = f(lanes[i]);
  return hn::Load(d, lanes);
}

// Somewhat more than the largest x whose exp(x) is finite.
template <class D>
constexpr double overflow = sizeof(ElementOf<D>) == 4 ? 90 : 712;

// exp(x), within 1 ulp.
template <class D>
HWY_INLINE hn::Vec<D> exp(D d, hn::Vec<D> x) {
  return keep_nan(d, x, hn::Exp(d, hn::Min(x, constant(d, overflow<D>))));
}

// exp(x) - 1, accurate near 0.
template <class D>
HWY_INLINE hn::Vec<D> expm1(D d, hn::Vec<D> x) {
  const auto y = hn::Expm1(d, hn::Min(x, constant(d, overflow<D>)));
  return keep_nan(d, x, hn::IfThenElse(hn::Eq(x, hn::Zero(d)), x, y));
}

// y = log(z) for positive finite z, completed for the rest.
template <class D>
HWY_INLINE hn::Vec<D> complete_log(D d, hn::Vec<D> z, hn::Vec<D> y) {
  const auto zero = hn::Zero(d);
  y = hn::IfThenElse(hn::Eq(z, infinity(d)), z, y);
  y = hn::IfThenElse(hn::Eq(z, zero), hn::Neg(infinity(d)), y);
  y = hn::IfThenElse(hn::Lt(z, zero), constant(d, std::numeric_limits<double>::quiet_NaN()), y);
  return keep_nan(d, z, y);
}

template <class D>
HWY_INLINE hn::Vec<D> log(D d, hn::Vec<D> x) {
  return complete_log(d, x, hn::Log(d, x));
}

template <class D>
HWY_INLINE hn::Vec<D> log2(D d, hn::Vec<D> x) {
  return complete_log(d, x, hn::Log2(d, x));
}
template <class D>
HWY_INLINE hn::Vec<D> log10(D d, hn::Vec<D> x) {
  return complete_log(d, x, hn::Log10(d, x));
}

// log(1 + x), accurate near 0.
template <class D>
HWY_INLINE hn::Vec<D> log1p(D d, hn::Vec<D> x) {
  return complete_log(d, hn::Add(x, constant(d, 1)), hn::Log1p(d, x));
}

template <class D>
HWY_INLINE hn::Vec<D> tanh(D d, hn::Vec<D> x) {
  return keep_nan(d, x, hn::Tanh(d, x));
}

// 1 / (1 + exp(-x))
template <class D>
HWY_INLINE hn::Vec<D> sigmoid(D d, hn::Vec<D> x) {
  const auto one = constant(d, 1);
  return hn::Div(one, hn::Add(one, exp(d, hn::Neg(x))));
}

// Highway reduces by pi up to 39,000; beyond, lanes go to the C library.
template <class D, class F>
HWY_INLINE hn::Vec<D> within_reduction(D d, hn::Vec<D> x, hn::Vec<D> y, F f) {
  const auto good = hn::Le(hn::Abs(x), constant(d, 39000));
  if (hn::AllTrue(d, good)) return y;
  return hn::IfThenElse(good, y, by_lane(d, x, f));
}
template <class D>
HWY_INLINE hn::Vec<D> sin(D d, hn::Vec<D> x) {
  using T = ElementOf<D>;
  struct Exact {
    T operator()(T v) const { return std::sin(v); }
  };
  return within_reduction(d, x, hn::Sin(d, x), Exact{});
}
template <class D>
HWY_INLINE hn::Vec<D> cos(D d, hn::Vec<D> x) {
  using T = ElementOf<D>;
  struct Exact {
    T operator()(T v) const { return std::cos(v); }
  };
  return within_reduction(d, x, hn::Cos(d, x), Exact{});
}

template <class D>
HWY_INLINE hn::Vec<D> polynomial(D, hn::Vec<D>, hn::Vec<D> value) {
  return value;
}
// Horner's rule, highest coefficient first.
template <class D, class... Rest>
HWY_INLINE hn::Vec<D> polynomial(D d, hn::Vec<D> x, hn::Vec<D> value, double next, Rest... rest) {
  return polynomial(d, x, hn::MulAdd(value, x, constant(d, next)), rest...);
}

// Adds n to the exponent of float y, which stays within range.
template <class D>
HWY_INLINE hn::Vec<D> scale_by_power(D d, hn::Vec<D> y, hn::Vec<D> n) {
  const hn::RebindToSigned<D> bits;
  return hn::BitCast(d, hn::Add(hn::BitCast(bits, y), hn::ShiftLeft<23>(hn::ConvertTo(bits, n))));
}

// exp(x) for float x up to 88, within 1 ulp; 0 below -87, NaN for NaN: as accurate as exp(), in two
// thirds of its time. A minimax polynomial (relative error 1e-9) of what is left of x after
// multiples of log 2, which come in two parts, so that none of its digits are lost.
template <class D>
HWY_INLINE hn::Vec<D> exp_below_88(D d, hn::Vec<D> x) {
  const auto n = hn::Round(hn::Mul(x, constant(d, 1.44269504088896341)));
  const auto r = hn::NegMulAdd(n, constant(d, 1.428606765330187e-6),
                               hn::NegMulAdd(n, constant(d, 0.693145751953125), x));
  const auto curve = polynomial(d, r, constant(d, 0.0001979024373), 0.001394475854, 0.008333497674,
                                0.04166629364, 0.1666666586, 0.5);
  const auto y = hn::Add(constant(d, 1), hn::MulAdd(hn::Mul(r, r), curve, r));
  const auto in_range = hn::IfThenElseZero(hn::Ge(x, constant(d, -87)), scale_by_power(d, y, n));
  return keep_nan(d, x, in_range);
}

// 2^x for float x < 0, within 2 ulp; 0 below -125 and for NaN. A minimax polynomial of the fraction
// (relative error 2e-9), and the rest added to the exponent.
template <class D>
HWY_INLINE hn::Vec<D> exp2_of_negative(D d, hn::Vec<D> x) {
  const auto whole = hn::Round(x);
  const auto power = polynomial(d, hn::Sub(x, whole), constant(d, 0.0001534581199), 0.001339993122,
                                0.009618488957, 0.05550328777, 0.2402264689, 0.6931472057, 1.0);
  return hn::IfThenElseZero(hn::Ge(x, constant(d, -125)), scale_by_power(d, power, whole));
}

// The error function. float: minimax polynomials of erf(x)/x in x² below 1 (error 2e-9) and of
// -log(erfc x) on [1, 4] (2e-8), made with a Remez-like Chebyshev fit at 40 digits. double: libm.
template <class D>
HWY_INLINE hn::Vec<D> erf(D d, hn::Vec<D> x) {
  using T = ElementOf<D>;
  if constexpr (sizeof(T) == 8) {
    struct Exact {
      T operator()(T v) const { return std::erf(v); }
    };
    return by_lane(d, x, Exact{});
  } else {
    const auto magnitude = hn::Abs(x);
    const auto square = hn::Mul(x, x);
    const auto small = hn::Mul(
        x, polynomial(d, square, constant(d, 7.875875063e-5), -0.0008016864287, 0.005189087423,
                      -0.02685421201, 0.1128359472, -0.3761262667, 1.128379166));
    const auto t = hn::Min(magnitude, constant(d, 4));
    const auto exponent = polynomial(d, t, constant(d, -1.637151415e-6), 4.605804269e-5,
                                     -0.0005968056257, 0.004759596293, -0.02642113601, 0.1100800829,
                                     0.6318260516, 1.130233435, -0.0003201380497);
    const auto large = hn::CopySign(hn::Sub(constant(d, 1), hn::Exp(d, hn::Neg(exponent))), x);
    return keep_nan(d, x, hn::IfThenElse(hn::Lt(magnitude, constant(d, 1)), small, large));
  }
}

}  // namespace attune::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
