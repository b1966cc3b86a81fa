#include "optimizer.h"

#include <vector>

#include "../array/trace.h"
#include "copy.h"
#include "parallel.h"

namespace attune::kernels {

void sgd_update(Array& param, const Array& grad, Array& velocity, const SgdStep& step) {
  count_traffic(param, param, grad, velocity, velocity);
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
        T d = sign * g[i];
        if (decay != 0) d += decay * p[i];  // 0 times infinity would be NaN
        if (v) {
          v[i] = step.first ? d : momentum * v[i] + keep * d;
          d = step.nesterov ? d + momentum * v[i] : v[i];
        }
        p[i] -= lr * d;
      }
    });
  });
}

double sum_of_squares(const Array& x) {
  count_traffic(x);
  const Array dense = contiguous(x);
  const int64_t n = dense.numel();
  std::vector<double> sums(static_cast<size_t>(divide_up(n, range_elements)));
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
