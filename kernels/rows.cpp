#include "rows.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/rows.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "loops-inl.h"
#include "math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace attune::kernels::rows::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

template <class T>
using Lanes = hn::ScalableTag<T>;

// Elements added up in T before the sum goes on in double.
constexpr int64_t block = 4096;

// The n < Lanes elements at x, the rest filled with the first.
template <class D, class T = hn::TFromD<D>>
HWY_INLINE hn::Vec<D> load_tail(D d, const T* x, int64_t n) {
  HWY_ALIGN T buffer[hn::MaxLanes(D())];
  std::fill_n(std::copy_n(x, n, buffer), static_cast<int64_t>(hn::Lanes(d)) - n, x[0]);
  return hn::Load(d, buffer);
}

// The first n elements of v, or all of them.
template <class D, class T = hn::TFromD<D>>
HWY_INLINE void store(D d, hn::Vec<D> v, T* y, int64_t n) {
  if (n >= static_cast<int64_t>(hn::Lanes(d))) return hn::StoreU(v, d, y);
  kernels::HWY_NAMESPACE::store_head(d, v, y, static_cast<size_t>(n));
}

// y[i] = f(x[i]...), a whole vector at a time by put(v, y + i).
template <class T, class Put, class F, class... X>
HWY_INLINE void map_by(const Put& put, int64_t n, T* y, const F& f, const X*... x) {
  const Lanes<T> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) put(f(hn::LoadU(d, x + i)...), y + i);
  if (i < n) store(d, f(load_tail(d, x + i, n - i)...), y + i, n - i);
}

template <class T, class F, class... X>
HWY_INLINE void map(int64_t n, T* y, const F& f, const X*... x) {
  map_by([](auto v, T* to) HWY_ATTR { hn::StoreU(v, Lanes<T>(), to); }, n, y, f, x...);
}

// As map(), but if told, and where y lies on a boundary of vectors, past the caches.
template <class T, class F, class... X>
HWY_INLINE void map_to(Store to, int64_t n, T* y, const F& f, const X*... x) {
  const bool aligned = reinterpret_cast<uintptr_t>(y) % (hn::Lanes(Lanes<T>()) * sizeof(T)) == 0;
  if (to == Store::in_cache || !aligned) return map(n, y, f, x...);
  map_by([](auto v, T* past) HWY_ATTR { hn::Stream(v, Lanes<T>(), past); }, n, y, f, x...);
}

// The sum of f(i, x[i]...) for one block, in four chains that overlap.
template <class T, class F, class... X>
HWY_INLINE T sum_block(int64_t begin, int64_t end, const F& f, const X*... x) {
  const Lanes<T> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  auto s0 = hn::Zero(d), s1 = s0, s2 = s0, s3 = s0;
  int64_t i = begin;
  for (; i + 4 * lanes <= end; i += 4 * lanes) {
    s0 = hn::Add(s0, f(i, hn::LoadU(d, x + i)...));
    s1 = hn::Add(s1, f(i + lanes, hn::LoadU(d, x + i + lanes)...));
    s2 = hn::Add(s2, f(i + 2 * lanes, hn::LoadU(d, x + i + 2 * lanes)...));
    s3 = hn::Add(s3, f(i + 3 * lanes, hn::LoadU(d, x + i + 3 * lanes)...));
  }
  for (; i + lanes <= end; i += lanes) s0 = hn::Add(s0, f(i, hn::LoadU(d, x + i)...));
  if (i < end) {
    const auto valid = hn::FirstN(d, static_cast<size_t>(end - i));
    s1 = hn::Add(s1, hn::IfThenElseZero(valid, f(i, load_tail(d, x + i, end - i)...)));
  }
  return hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(s0, s1), hn::Add(s2, s3))));
}

template <class T, class F, class... X>
HWY_INLINE T sum_of(int64_t n, const F& f, const X*... x) {
  if (n <= block) return sum_block<T>(0, n, f, x...);
  double total = 0;
  for (int64_t begin = 0; begin < n; begin += block)
    total += static_cast<double>(sum_block<T>(begin, std::min(begin + block, n), f, x...));
  return static_cast<T>(total);
}

// exp(x) of what is no larger than about 0, as differences from the largest are.
template <class D, class V>
HWY_INLINE V exp(D d, V x) {
  if constexpr (sizeof(hn::TFromD<D>) == 4)
    return kernels::HWY_NAMESPACE::exp_below_88(d, x);
  else
    return kernels::HWY_NAMESPACE::exp(d, x);
}

template <class T>
T maximum(const T* x, int64_t n) {
  const Lanes<T> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  auto top0 = hn::Set(d, -std::numeric_limits<T>::infinity()), top1 = top0;
  auto nan = hn::FirstN(d, 0);
  const auto raise = [&](auto& top, auto v) HWY_ATTR {
    nan = hn::Or(nan, hn::IsNaN(v));
    top = hn::Max(v, top);
  };
  int64_t i = 0;
  for (; i + 2 * lanes <= n; i += 2 * lanes) {
    raise(top0, hn::LoadU(d, x + i));
    raise(top1, hn::LoadU(d, x + i + lanes));
  }
  for (; i + lanes <= n; i += lanes) raise(top0, hn::LoadU(d, x + i));
  if (i < n) raise(top1, load_tail(d, x + i, n - i));
  if (!hn::AllFalse(d, nan)) return std::numeric_limits<T>::quiet_NaN();
  return hn::GetLane(hn::MaxOfLanes(d, hn::Max(top0, top1)));
}

template <class T>
T sum(const T* x, int64_t n) {
  return sum_of<T>(
      n, [](int64_t, auto v) HWY_ATTR { return v; }, x);
}

template <class T>
T dot(const T* x, const T* y, int64_t n) {
  return sum_of<T>(
      n, [](int64_t, auto a, auto b) HWY_ATTR { return hn::Mul(a, b); }, x, y);
}

template <class T>
T exp_into(const T* x, T shift, T* y, int64_t n) {
  const Lanes<T> d;
  const auto s = hn::Set(d, shift);
  return sum_of<T>(
      n,
      [&](int64_t i, auto v) HWY_ATTR {
        const auto e = exp(d, hn::Sub(v, s));
        store(d, e, y + i, n - i);
        return e;
      },
      x);
}

template <class T>
void scaled_exp(const T* x, T shift, T a, T b, T* y, int64_t n) {
  const Lanes<T> d;
  const auto s = hn::Set(d, shift), va = hn::Set(d, a), vb = hn::Set(d, b);
  map(
      n, y, [&](auto v) HWY_ATTR { return hn::MulAdd(va, exp(d, hn::Sub(v, s)), vb); }, x);
}

template <class T>
T sum_exp(const T* x, T shift, int64_t n) {
  const Lanes<T> d;
  const auto s = hn::Set(d, shift);
  return sum_of<T>(
      n, [&](int64_t, auto v) HWY_ATTR { return exp(d, hn::Sub(v, s)); }, x);
}

template <class T>
bool all_finite(const T* x, int64_t n, int64_t rows, int64_t stride) {
  const Lanes<T> d;
  const auto zero = hn::Zero(d);
  T sum = 0;
  for (int64_t i = 0; i < rows; ++i)
    sum += sum_of<T>(
        n, [&](int64_t, auto v) HWY_ATTR { return hn::Mul(v, zero); }, x + i * stride);
  return sum == 0;
}

template <class T>
void affine(const T* x, T a, T b, T* y, int64_t n) {
  const Lanes<T> d;
  const auto va = hn::Set(d, a), vb = hn::Set(d, b);
  map(
      n, y, [&](auto v) HWY_ATTR { return hn::MulAdd(va, v, vb); }, x);
}

template <class T>
void add_scaled(T a, const T* x, T* y, int64_t n) {
  const Lanes<T> d;
  const auto va = hn::Set(d, a);
  map(
      n, y, [&](auto v, auto old) HWY_ATTR { return hn::MulAdd(va, v, old); }, x,
      static_cast<const T*>(y));
}

template <class T>
void rotate(const T* a, const T* c, const T* b, const T* s, T sign, T* out, int64_t n) {
  const auto signs = hn::Set(Lanes<T>(), sign);
  map(
      n, out,
      [&](auto a_, auto c_, auto b_, auto s_)
          HWY_ATTR { return hn::Add(hn::Mul(a_, c_), hn::Mul(signs, hn::Mul(b_, s_))); },
      a, c, b, s);
}

template <class T>
void scale_shifted(const T* y, const T* g, T shift, T* out, int64_t n) {
  const Lanes<T> d;
  const auto s = hn::Set(d, shift);
  map(
      n, out, [&](auto vy, auto vg) HWY_ATTR { return hn::Mul(vy, hn::Sub(vg, s)); }, y, g);
}

template <class T>
void clear_where_zero(const T* w, T* y, int64_t n) {
  const Lanes<T> d;
  const auto zero = hn::Zero(d);
  map(
      n, y, [&](auto v, auto old) HWY_ATTR { return hn::IfThenZeroElse(hn::Eq(v, zero), old); }, w,
      static_cast<const T*>(y));
}

template <class T>
void subtract_exp(const T* y, const T* g, T s, T* out, int64_t n) {
  const Lanes<T> d;
  const auto vs = hn::Set(d, s);
  map(
      n, out, [&](auto vy, auto vg) HWY_ATTR { return hn::NegMulAdd(exp(d, vy), vs, vg); }, y, g);
}

template <class T>
T sum_squares(const T* x, T mean, T correction, int64_t n) {
  const Lanes<T> d;
  const auto m = hn::Set(d, mean), c = hn::Set(d, correction);
  return sum_of<T>(
      n,
      [&](int64_t, auto v) HWY_ATTR {
        const auto centered = hn::Sub(hn::Sub(v, m), c);
        return hn::Mul(centered, centered);
      },
      x);
}

template <class T>
T mean_difference(const T* x, T mean, int64_t n) {
  const Lanes<T> d;
  const auto m = hn::Set(d, mean);
  return sum_of<T>(
             n, [&](int64_t, auto v) HWY_ATTR { return hn::Sub(v, m); }, x) /
         static_cast<T>(n);
}

template <class T>
Moments<T> layer_moments(const T* x, T eps, int64_t n) {
  const T mean = sum(x, n) / static_cast<T>(n);
  const T correction = mean_difference(x, mean, n);
  const T variance = sum_squares(x, mean, correction, n) / static_cast<T>(n);
  return {mean, correction, T{1} / std::sqrt(variance + eps)};
}

template <class T>
Moments<T> rms_moments(const T* x, T eps, int64_t n) {
  return {0, 0, T{1} / std::sqrt(sum_squares(x, T{0}, T{0}, n) / static_cast<T>(n) + eps)};
}

template <class T>
struct Normalizer {
  Lanes<T> d;
  hn::Vec<Lanes<T>> mean, correction, rstd;

  explicit Normalizer(const Moments<T>& m)
      : mean(hn::Set(d, m.mean)), correction(hn::Set(d, m.correction)), rstd(hn::Set(d, m.rstd)) {}
  template <class V>
  HWY_INLINE V operator()(V x) const {
    return hn::Mul(hn::Sub(hn::Sub(x, mean), correction), rstd);
  }
};

template <class T>
void normalize(const T* x, const Moments<T>& m, const T* w, const T* b, T* y, int64_t n, Store to) {
  const Normalizer<T> xhat(m);
  if (w && b) {
    map_to(
        to, n, y, [&](auto vx, auto vw, auto vb) HWY_ATTR { return hn::MulAdd(xhat(vx), vw, vb); },
        x, w, b);
  } else if (w) {
    map_to(
        to, n, y, [&](auto vx, auto vw) HWY_ATTR { return hn::Mul(xhat(vx), vw); }, x, w);
  } else if (b) {
    map_to(
        to, n, y, [&](auto vx, auto vb) HWY_ATTR { return hn::Add(xhat(vx), vb); }, x, b);
  } else {
    map_to(
        to, n, y, [&](auto vx) HWY_ATTR { return xhat(vx); }, x);
  }
}

template <class T>
NormSums<T> norm_sums(const T* x, const T* g, const T* w, const Moments<T>& m, int64_t n) {
  const Normalizer<T> xhat(m);
  if (!w)
    return {
        sum(g, n),
        sum_of<T>(
            n, [&](int64_t, auto vx, auto vg) HWY_ATTR { return hn::Mul(vg, xhat(vx)); }, x, g)};
  return {dot(g, w, n), sum_of<T>(
                            n,
                            [&](int64_t, auto vx, auto vg, auto vw)
                                HWY_ATTR { return hn::Mul(hn::Mul(vg, vw), xhat(vx)); },
                            x, g, w)};
}

template <class T>
void norm_gradient(const T* x, const T* g, const T* w, const Moments<T>& m, NormSums<T> s, T* out,
                   int64_t n, Store to) {
  const Normalizer<T> xhat(m);
  const auto gradient = hn::Set(xhat.d, s.gradient), projected = hn::Set(xhat.d, s.projected);
  const auto combine = [&](auto vx, auto gw) HWY_ATTR {
    return hn::Mul(xhat.rstd, hn::NegMulAdd(xhat(vx), projected, hn::Sub(gw, gradient)));
  };
  if (w)
    map_to(
        to, n, out,
        [&](auto vx, auto vg, auto vw) HWY_ATTR { return combine(vx, hn::Mul(vg, vw)); }, x, g, w);
  else
    map_to(to, n, out, combine, x, g);
}

template <class T>
void norm_weight(const T* x, const T* g, const Moments<T>& m, T* dw, int64_t n) {
  const Normalizer<T> xhat(m);
  map(
      n, dw, [&](auto vx, auto vg, auto old) HWY_ATTR { return hn::MulAdd(vg, xhat(vx), old); }, x,
      g, static_cast<const T*>(dw));
}

#define ATTUNE_INSTANTIATE(suffix, T)                                                              \
  T maximum_##suffix(const T* x, int64_t n) { return maximum(x, n); }                              \
  T sum_##suffix(const T* x, int64_t n) { return sum(x, n); }                                      \
  T dot_##suffix(const T* x, const T* y, int64_t n) { return dot(x, y, n); }                       \
  T exp_into_##suffix(const T* x, T shift, T* y, int64_t n) { return exp_into(x, shift, y, n); }   \
  void scaled_exp_##suffix(const T* x, T shift, T a, T b, T* y, int64_t n) {                       \
    scaled_exp(x, shift, a, b, y, n);                                                              \
  }                                                                                                \
  T sum_exp_##suffix(const T* x, T shift, int64_t n) { return sum_exp(x, shift, n); }              \
  bool all_finite_##suffix(const T* x, int64_t n, int64_t rows, int64_t stride) {                  \
    return all_finite(x, n, rows, stride);                                                         \
  }                                                                                                \
  void affine_##suffix(const T* x, T a, T b, T* y, int64_t n) { affine(x, a, b, y, n); }           \
  void add_scaled_##suffix(T a, const T* x, T* y, int64_t n) { add_scaled(a, x, y, n); }           \
  void rotate_##suffix(const T* a, const T* c, const T* b, const T* s, T sign, T* out,             \
                       int64_t n) {                                                                \
    rotate(a, c, b, s, sign, out, n);                                                              \
  }                                                                                                \
  void scale_shifted_##suffix(const T* y, const T* g, T shift, T* out, int64_t n) {                \
    scale_shifted(y, g, shift, out, n);                                                            \
  }                                                                                                \
  void clear_where_zero_##suffix(const T* w, T* y, int64_t n) { clear_where_zero(w, y, n); }       \
  void subtract_exp_##suffix(const T* y, const T* g, T s, T* out, int64_t n) {                     \
    subtract_exp(y, g, s, out, n);                                                                 \
  }                                                                                                \
  Moments<T> layer_moments_##suffix(const T* x, T eps, int64_t n) {                                \
    return layer_moments(x, eps, n);                                                               \
  }                                                                                                \
  Moments<T> rms_moments_##suffix(const T* x, T eps, int64_t n) { return rms_moments(x, eps, n); } \
  void normalize_##suffix(const T* x, const Moments<T>& m, const T* w, const T* b, T* y,           \
                          int64_t n, Store to) {                                                   \
    normalize<T>(x, m, w, b, y, n, to);                                                            \
  }                                                                                                \
  NormSums<T> norm_sums_##suffix(const T* x, const T* g, const T* w, const Moments<T>& m,          \
                                 int64_t n) {                                                      \
    return norm_sums<T>(x, g, w, m, n);                                                            \
  }                                                                                                \
  void norm_gradient_##suffix(const T* x, const T* g, const T* w, const Moments<T>& m,             \
                              NormSums<T> s, T* out, int64_t n, Store to) {                        \
    norm_gradient<T>(x, g, w, m, s, out, n, to);                                                   \
  }                                                                                                \
  void norm_weight_##suffix(const T* x, const T* g, const Moments<T>& m, T* dw, int64_t n) {       \
    norm_weight<T>(x, g, m, dw, n);                                                                \
  }

ATTUNE_INSTANTIATE(float, float)
ATTUNE_INSTANTIATE(double, double)
#undef ATTUNE_INSTANTIATE

}  // namespace attune::kernels::rows::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace attune::kernels::rows {

#define ATTUNE_DISPATCH(T, result, name, parameters, ...) \
  HWY_EXPORT(name##_##T);                                 \
  result name parameters { return HWY_DYNAMIC_DISPATCH(name##_##T)(__VA_ARGS__); }

#define ATTUNE_ROWS(T)                                                                             \
  ATTUNE_DISPATCH(T, T, maximum, (const T* x, int64_t n), x, n)                                    \
  ATTUNE_DISPATCH(T, T, sum, (const T* x, int64_t n), x, n)                                        \
  ATTUNE_DISPATCH(T, T, dot, (const T* x, const T* y, int64_t n), x, y, n)                         \
  ATTUNE_DISPATCH(T, T, exp_into, (const T* x, T shift, T* y, int64_t n), x, shift, y, n)          \
  ATTUNE_DISPATCH(T, void, scaled_exp, (const T* x, T shift, T a, T b, T* y, int64_t n), x, shift, \
                  a, b, y, n)                                                                      \
  ATTUNE_DISPATCH(T, T, sum_exp, (const T* x, T shift, int64_t n), x, shift, n)                    \
  ATTUNE_DISPATCH(T, bool, all_finite, (const T* x, int64_t n, int64_t rows, int64_t stride), x,   \
                  n, rows, stride)                                                                 \
  ATTUNE_DISPATCH(T, void, affine, (const T* x, T a, T b, T* y, int64_t n), x, a, b, y, n)         \
  ATTUNE_DISPATCH(T, void, add_scaled, (T a, const T* x, T* y, int64_t n), a, x, y, n)             \
  ATTUNE_DISPATCH(T, void, rotate,                                                                 \
                  (const T* a, const T* c, const T* b, const T* s, T sign, T* out, int64_t n), a,  \
                  c, b, s, sign, out, n)                                                           \
  ATTUNE_DISPATCH(T, void, scale_shifted, (const T* y, const T* g, T shift, T* out, int64_t n), y, \
                  g, shift, out, n)                                                                \
  ATTUNE_DISPATCH(T, void, clear_where_zero, (const T* w, T* y, int64_t n), w, y, n)               \
  ATTUNE_DISPATCH(T, void, subtract_exp, (const T* y, const T* g, T s, T* out, int64_t n), y, g,   \
                  s, out, n)                                                                       \
  ATTUNE_DISPATCH(T, Moments<T>, layer_moments, (const T* x, T eps, int64_t n), x, eps, n)         \
  ATTUNE_DISPATCH(T, Moments<T>, rms_moments, (const T* x, T eps, int64_t n), x, eps, n)           \
  ATTUNE_DISPATCH(                                                                                 \
      T, void, normalize,                                                                          \
      (const T* x, const Moments<T>& m, const T* w, const T* b, T* y, int64_t n, Store to), x, m,  \
      w, b, y, n, to)                                                                              \
  ATTUNE_DISPATCH(T, NormSums<T>, norm_sums,                                                       \
                  (const T* x, const T* g, const T* w, const Moments<T>& m, int64_t n), x, g, w,   \
                  m, n)                                                                            \
  ATTUNE_DISPATCH(T, void, norm_gradient,                                                          \
                  (const T* x, const T* g, const T* w, const Moments<T>& m, NormSums<T> s, T* out, \
                   int64_t n, Store to),                                                           \
                  x, g, w, m, s, out, n, to)                                                       \
  ATTUNE_DISPATCH(T, void, norm_weight,                                                            \
                  (const T* x, const T* g, const Moments<T>& m, T* dw, int64_t n), x, g, m, dw, n)

ATTUNE_ROWS(float)
ATTUNE_ROWS(double)
#undef ATTUNE_ROWS
#undef ATTUNE_DISPATCH

}  // namespace attune::kernels::rows
#endif
