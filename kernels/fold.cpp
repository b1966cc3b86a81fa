// The rarer reductions over sets of dimensions: product, variance, extrema, tests.

#include <cmath>

#include "../array/fail.h"
#include "reduce.h"
#include "reduction.h"

namespace attune::kernels {
namespace {

// Folds that take one element at a time: Derived has identity(), take(Acc&, T), combine and finish.
template <class Derived, class T>
struct ElementFold {
  template <class Acc>
  void accumulate(const T* x, int64_t n, int64_t stride, int64_t width, Acc* into) const {
    for (int64_t row = 0; row < n; ++row, x += stride)
      for (int64_t i = 0; i < width; ++i) static_cast<const Derived*>(this)->take(into[i], x[i]);
  }
};

template <class T, class A, class Out>
struct Product : ElementFold<Product<T, A, Out>, T> {
  using Acc = A;
  Acc identity() const { return 1; }
  void take(Acc& into, T x) const { combine(into, static_cast<Acc>(x)); }
  void combine(Acc& into, Acc from) const {
    if constexpr (std::is_integral_v<Acc>) {
      into = static_cast<Acc>(static_cast<uint64_t>(into) * static_cast<uint64_t>(from));
    } else {
      into *= from;
    }
  }
  Out finish(Acc product) const { return static_cast<Out>(product); }
};

template <class T, bool largest>
struct Extremum : ElementFold<Extremum<T, largest>, T> {
  using Acc = T;
  Acc identity() const {
    using Limits = std::numeric_limits<T>;
    if constexpr (Limits::has_infinity) return largest ? -Limits::infinity() : Limits::infinity();
    return largest ? Limits::lowest() : Limits::max();
  }
  void take(Acc& into, T x) const { combine(into, x); }
  void combine(Acc& into, T x) const {
    const bool better = largest ? x > into : x < into;
    if constexpr (std::is_floating_point_v<T>) {
      if (better || x != x) into = x;
    } else if (better) {
      into = x;
    }
  }
  T finish(Acc best) const { return best; }
};

template <class T, bool every>
struct Test : ElementFold<Test<T, every>, T> {
  using Acc = bool;
  Acc identity() const { return every; }
  void take(Acc& into, T x) const { combine(into, x != T{}); }
  void combine(Acc& into, bool x) const { into = every ? into && x : into || x; }
  bool finish(Acc result) const { return result; }
};

struct Moments {
  double count, mean, squares;
};

template <class T>
struct Variance {
  using Acc = Moments;
  double divisor;
  bool root = false;

  Acc identity() const { return {0, 0, 0}; }
  void accumulate(const T* x, int64_t n, int64_t stride, int64_t width, Acc* into) const {
    for (int64_t i = 0; i < width; ++i) combine(into[i], two_pass(x + i, n, stride));
  }
  void combine(Acc& into, const Acc& from) const {
    const double count = into.count + from.count, delta = from.mean - into.mean;
    if (from.count == 0) return;
    into.squares += from.squares + delta * delta * (into.count * from.count / count);
    into.mean += delta * (from.count / count);
    into.count = count;
  }
  T finish(const Acc& all) const {
    const double variance = all.squares / divisor;
    return static_cast<T>(root ? std::sqrt(variance) : variance);
  }

 private:
  // Blocks stay in cache between the passes, and short enough for plain sums.
  static constexpr int64_t block = 1024;

  Acc two_pass(const T* x, int64_t n, int64_t stride) const {
    Acc all = identity();
    for (int64_t at = 0; at < n; at += block)
      combine(all, moments(x + at * stride, std::min(block, n - at), stride));
    return all;
  }
  static Acc moments(const T* x, int64_t n, int64_t stride) {
    const double count = static_cast<double>(n);
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < n; ++i) sum += static_cast<double>(x[i * stride]);
    const double mean = sum / count;
    for (int64_t i = 0; i < n; ++i) {
      const double distance = static_cast<double>(x[i * stride]) - mean;
      squares += distance * distance;
    }
    return {count, mean, squares};
  }
};

template <class Out, class T, class Fold>
Array fold(const Array& x, const ReductionPlan& plan, const Fold& with) {
  Array out(plan.shape, dtype_of<Out>);
  Reduction<T, Out, Fold>(plan, with).run(x.data<T>(), out.output<Out>());
  return out;
}

template <bool largest>
Array extremum(const char* name, const Array& x, const Shape& dims, bool keepdim) {
  const ReductionPlan plan = plan_reduction(name, x, dims, keepdim);
  if (plan.length == 0)
    fail<ShapeError>(name, "dimensions {} of {} hold no element to choose from", to_string(dims),
                     to_string(x.shape()));
  if (x.dtype() == boolean) return fold<bool, bool>(x, plan, Extremum<bool, largest>());
  if (x.dtype() == int64) return fold<int64_t, int64_t>(x, plan, Extremum<int64_t, largest>());
  return visit_floating(name, x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    return fold<T, T>(x, plan, Extremum<T, largest>());
  });
}

template <bool every>
Array test(const char* name, const Array& x, const Shape& dims, bool keepdim) {
  const ReductionPlan plan = plan_reduction(name, x, dims, keepdim);
  if (x.dtype() == boolean) return fold<bool, bool>(x, plan, Test<bool, every>());
  if (x.dtype() == int64) return fold<bool, int64_t>(x, plan, Test<int64_t, every>());
  return visit_floating(name, x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    return fold<bool, T>(x, plan, Test<T, every>());
  });
}

Array variance(const char* name, const Array& x, const Shape& dims, double correction, bool keepdim,
               bool root) {
  const ReductionPlan plan = plan_reduction(name, x, dims, keepdim);
  const double divisor = std::max(0.0, static_cast<double>(plan.length) - correction);
  return visit_floating(name, x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    return fold<T, T>(x, plan, Variance<T>{divisor, root});
  });
}

}  // namespace

Array prod(const Array& x, const Shape& dims, bool keepdim) {
  const ReductionPlan plan = plan_reduction("prod", x, dims, keepdim);
  if (x.dtype() == boolean) return fold<int64_t, bool>(x, plan, Product<bool, int64_t, int64_t>());
  if (x.dtype() == int64)
    return fold<int64_t, int64_t>(x, plan, Product<int64_t, int64_t, int64_t>());
  return visit_floating("prod", x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    return fold<T, T>(x, plan, Product<T, double, T>());
  });
}

Array var(const Array& x, const Shape& dims, double correction, bool keepdim) {
  return variance("var", x, dims, correction, keepdim, false);
}
Array std(const Array& x, const Shape& dims, double correction, bool keepdim) {
  return variance("std", x, dims, correction, keepdim, true);
}

Array amax(const Array& x, const Shape& dims, bool keepdim) {
  return extremum<true>("amax", x, dims, keepdim);
}
Array amin(const Array& x, const Shape& dims, bool keepdim) {
  return extremum<false>("amin", x, dims, keepdim);
}
Array any(const Array& x, const Shape& dims, bool keepdim) {
  return test<false>("any", x, dims, keepdim);
}
Array all(const Array& x, const Shape& dims, bool keepdim) {
  return test<true>("all", x, dims, keepdim);
}

}  // namespace attune::kernels
