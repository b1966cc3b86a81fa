#include "optimizer.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "copy.h"
#include "parallel.h"

namespace attune::kernels {

void sgd_update(Array& param, const Array& grad, Array& velocity, const SgdStep& step) {
  visit_floating("SGD", param.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    T* p = param.output<T>();
    const T* g = grad.data<T>();
    T* v = velocity.defined() ? velocity.output<T>() : nullptr;
    const T lr = static_cast<T>(step.lr), decay = static_cast<T>(step.weight_decay);
    const T momentum = static_cast<T>(step.momentum), keep = static_cast<T>(1 - step.dampening);
    const T sign = step.maximize ? T{-1} : T{1};
    parallel_ranges(param.numel(), [&](int64_t start, int64_t count) {
      for (int64_t i = start; i < start + count; ++i) {
        T d = sign * g[i] + decay * p[i];
        if (v) {
          v[i] = step.first ? d : momentum * v[i] + keep * d;
          d = step.nesterov ? d + momentum * v[i] : v[i];
        }
        p[i] -= lr * d;
      }
    });
  });
}

void adam_update(Array& param, const Array& grad, Array& first, Array& second, Array& max_second,
                 const AdamStep& step) {
  visit_floating("Adam", param.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const double correction1 = 1 - std::pow(step.beta1, static_cast<double>(step.step));
    const double correction2 = 1 - std::pow(step.beta2, static_cast<double>(step.step));
    const T step_size = static_cast<T>(step.lr / correction1);
    const T root_correction = static_cast<T>(std::sqrt(correction2));
    const T shrink = step.decoupled ? static_cast<T>(1 - step.lr * step.weight_decay) : T{1};
    const T decay = step.decoupled ? T{0} : static_cast<T>(step.weight_decay);
    const T beta2 = static_cast<T>(step.beta2);
    const T rest1 = static_cast<T>(1 - step.beta1), rest2 = static_cast<T>(1 - step.beta2);
    const T eps = static_cast<T>(step.eps), sign = step.maximize ? T{-1} : T{1};
    T *p = param.output<T>(), *m = first.output<T>(), *v = second.output<T>();
    T* largest = max_second.defined() ? max_second.output<T>() : nullptr;
    const T* g = grad.data<T>();
    parallel_ranges(param.numel(), [&](int64_t start, int64_t count) {
      for (int64_t i = start; i < start + count; ++i) {
        const T weight = p[i] * shrink;
        const T d = sign * g[i] + decay * weight;
        m[i] += rest1 * (d - m[i]);
        v[i] = beta2 * v[i] + rest2 * d * d;
        T scale = v[i];
        if (largest) scale = largest[i] = std::max(largest[i], v[i]);
        p[i] = weight - step_size * m[i] / (std::sqrt(scale) / root_correction + eps);
      }
    });
  });
}

double sum_of_squares(const Array& x) {
  const Array dense = contiguous(x);
  const int64_t n = dense.numel();
  std::vector<double> sums(static_cast<size_t>((n + range_elements - 1) / range_elements), 0.0);
  visit_floating("norm", dense.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T* value = dense.data<T>();
    parallel_ranges(n, [&](int64_t start, int64_t count) {
      double sum = 0;
      for (int64_t i = start; i < start + count; ++i)
        sum += static_cast<double>(value[i]) * static_cast<double>(value[i]);
      sums[static_cast<size_t>(start / range_elements)] = sum;
    });
  });
  double total = 0;
  for (double sum : sums) total += sum;
  return total;
}

}  // namespace attune::kernels
