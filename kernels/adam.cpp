#include <cmath>
#include <cstddef>

#include "../array/trace.h"
#include "optimizer.h"
#include "parallel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/adam.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "loops-inl.h"

#ifndef ATTUNE_KERNELS_ADAM_
#define ATTUNE_KERNELS_ADAM_
namespace attune::kernels {

template <class T>
struct AdamPointers {
  T* param;
  const T* grad;
  T *first, *second, *largest;  // largest is null without amsgrad
};

template <class T>
struct AdamFactors {
  T step_size, root_correction, shrink, decay, beta1, beta2, rest1, rest2, eps, sign;

  explicit AdamFactors(const AdamStep& step)
      : step_size(static_cast<T>(step.lr / correction(step.beta1, step))),
        root_correction(static_cast<T>(std::sqrt(correction(step.beta2, step)))),
        shrink(step.decoupled ? static_cast<T>(1 - step.lr * step.weight_decay) : T{1}),
        decay(step.decoupled ? T{0} : static_cast<T>(step.weight_decay)),
        beta1(static_cast<T>(step.beta1)),
        beta2(static_cast<T>(step.beta2)),
        rest1(static_cast<T>(1 - step.beta1)),
        rest2(static_cast<T>(1 - step.beta2)),
        eps(static_cast<T>(step.eps)),
        sign(step.maximize ? T{-1} : T{1}) {}

 private:
  static double correction(double beta, const AdamStep& step) {
    return 1 - std::pow(beta, static_cast<double>(step.step));
  }
};

}  // namespace attune::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace attune::kernels::HWY_NAMESPACE {

// Updates elements [start, start + count). forgetful: beta1 is at most a half; the mean is then
// counted from the gradient, whose digits a large old mean would swallow.
template <bool forgetful, class T>
void adam_range(const AdamPointers<T>& to, const AdamFactors<T>& factors, int64_t start,
                int64_t count) {
  const hn::ScalableTag<T> d;
  using V = hn::Vec<decltype(d)>;
  const V step_size = hn::Set(d, factors.step_size), eps = hn::Set(d, factors.eps);
  const V root_correction = hn::Set(d, factors.root_correction);
  const V shrink = hn::Set(d, factors.shrink), decay = hn::Set(d, factors.decay);
  const V beta2 = hn::Set(d, factors.beta2), sign = hn::Set(d, factors.sign);
  const V rest1 = hn::Set(d, factors.rest1), rest2 = hn::Set(d, factors.rest2);
  const V beta1 = hn::Set(d, factors.beta1);
  const bool decays = factors.decay != 0;
  const auto update = [&](int64_t i, const auto& load, const auto& store) HWY_ATTR {
    const V weight = hn::Mul(load(to.param + i), shrink);
    V g = hn::Mul(sign, load(to.grad + i));
    if (decays) g = hn::Add(g, hn::Mul(decay, weight));  // 0 times infinity would be NaN
    const V old = load(to.first + i);
    const V first = forgetful ? hn::Sub(g, hn::Mul(beta1, hn::Sub(g, old)))
                              : hn::Add(old, hn::Mul(rest1, hn::Sub(g, old)));
    const V second = hn::Add(hn::Mul(beta2, load(to.second + i)), hn::Mul(hn::Mul(rest2, g), g));
    store(first, to.first + i);
    store(second, to.second + i);
    V scale = second;
    if (to.largest) {
      const V largest = load(to.largest + i);
      scale = hn::IfThenElse(hn::Lt(largest, second), second, largest);
      store(scale, to.largest + i);
    }
    const V root = hn::Add(hn::Div(hn::Sqrt(scale), root_correction), eps);
    store(hn::Sub(weight, hn::Div(hn::Mul(step_size, first), root)), to.param + i);
  };
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d)), end = start + count;
  int64_t i = start;
  for (; i + lanes <= end; i += lanes)
    update(
        i, [d](const T* from) HWY_ATTR { return hn::LoadU(d, from); },
        [d](V value, T* into) HWY_ATTR { hn::StoreU(value, d, into); });
  if (i == end) return;
  const auto rest = static_cast<size_t>(end - i);
  update(
      i, [&](const T* from) HWY_ATTR { return load_head(d, from, rest); },
      [&](V value, T* into) HWY_ATTR { store_head(d, value, into, rest); });
}

template <class T>
void adam_any(const AdamPointers<T>& to, const AdamFactors<T>& factors, int64_t start,
              int64_t count) {
  if (factors.rest1 < T{0.5}) return adam_range<false>(to, factors, start, count);
  adam_range<true>(to, factors, start, count);
}

void adam_float(const AdamPointers<float>& to, const AdamFactors<float>& factors, int64_t start,
                int64_t count) {
  adam_any(to, factors, start, count);
}
void adam_double(const AdamPointers<double>& to, const AdamFactors<double>& factors, int64_t start,
                 int64_t count) {
  adam_any(to, factors, start, count);
}

}  // namespace attune::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace attune::kernels {
namespace {

HWY_EXPORT(adam_float);
HWY_EXPORT(adam_double);

void update_range(const AdamPointers<float>& to, const AdamFactors<float>& factors, int64_t start,
                  int64_t count) {
  HWY_DYNAMIC_DISPATCH(adam_float)(to, factors, start, count);
}
void update_range(const AdamPointers<double>& to, const AdamFactors<double>& factors, int64_t start,
                  int64_t count) {
  HWY_DYNAMIC_DISPATCH(adam_double)(to, factors, start, count);
}

}  // namespace

void adam_update(Array& param, const Array& grad, Array& first, Array& second, Array& max_second,
                 const AdamStep& step) {
  count_traffic(param, param, grad, first, first, second, second, max_second, max_second);
  visit_floating("Adam", param.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const AdamFactors<T> factors(step);
    const AdamPointers<T> to{param.output<T>(), grad.data<T>(), first.output<T>(),
                             second.output<T>(),
                             max_second.defined() ? max_second.output<T>() : nullptr};
    parallel_ranges(param.numel(),
                    [&](int64_t start, int64_t count) { update_range(to, factors, start, count); });
  });
}

}  // namespace attune::kernels
#endif
