#include "reduce.h"

#include "../array/fail.h"
#include "../array/trace.h"
#include "accumulate.h"
#include "reduction.h"

namespace attune::kernels {
namespace {

template <class T>
struct FloatingSum {
  using Acc = double;
  double divisor = 1;

  Acc identity() const { return 0; }
  void accumulate(const T* x, int64_t n, int64_t stride, int64_t width, Acc* into) const {
    if (width > 1) {
      sum_columns(x, n, stride, width, into);
    } else if (stride == 1) {
      *into += sum_row(x, n);
    } else {
      *into += sum_strided(x, n, stride);
    }
  }
  void combine(Acc& into, Acc from) const { into += from; }
  T finish(Acc sum) const { return static_cast<T>(sum / divisor); }

 private:
  static double sum_strided(const T* x, int64_t n, int64_t stride) {
    if (n > 1024) {
      const int64_t half = n / 2;
      return sum_strided(x, half, stride) + sum_strided(x + half * stride, n - half, stride);
    }
    double sum = 0;
    for (int64_t i = 0; i < n; ++i) sum += static_cast<double>(x[i * stride]);
    return sum;
  }
};

template <class T>
struct IntegerSum {
  using Acc = int64_t;

  Acc identity() const { return 0; }
  void accumulate(const T* x, int64_t n, int64_t stride, int64_t width, Acc* into) const {
    for (int64_t row = 0; row < n; ++row)
      for (int64_t i = 0; i < width; ++i) combine(into[i], x[row * stride + i]);
  }
  // Wraps around, as int64 does in NumPy and PyTorch.
  void combine(Acc& into, Acc from) const {
    into = static_cast<Acc>(static_cast<uint64_t>(into) + static_cast<uint64_t>(from));
  }
  Acc finish(Acc sum) const { return sum; }
};

template <class Out, class T, class Fold>
Array reduce(const Array& x, const ReductionPlan& plan, const Fold& fold) {
  Array out(plan.shape, dtype_of<Out>);
  count_traffic(x, out);
  Reduction<T, Out, Fold>(plan, fold).run(x.data<T>(), out.output<Out>());
  return out;
}

}  // namespace

Array sum(const Array& x, const Shape& dims, bool keepdim) {
  const ReductionPlan plan = plan_reduction("sum", x, dims, keepdim);
  if (x.dtype() == boolean) return reduce<int64_t, bool>(x, plan, IntegerSum<bool>());
  if (x.dtype() == int64) return reduce<int64_t, int64_t>(x, plan, IntegerSum<int64_t>());
  return visit_floating("sum", x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    return reduce<T, T>(x, plan, FloatingSum<T>());
  });
}

Array mean(const Array& x, const Shape& dims, bool keepdim) {
  const ReductionPlan plan = plan_reduction("mean", x, dims, keepdim);
  return visit_floating("mean", x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    return reduce<T, T>(x, plan, FloatingSum<T>{static_cast<double>(plan.length)});
  });
}

Array sum_to(const Array& x, const Shape& shape) {
  const Shape& from = x.shape();
  if (!broadcasts_to(shape, from))
    fail<ShapeError>("sum_to", "{} does not broadcast to {}", to_string(shape), to_string(from));
  if (shape == from) return x;
  if (shape.numel() == x.numel())
    if (auto view = x.try_view(shape)) return *view;
  const int64_t added = from.size() - shape.size();
  Shape dims;
  for (int64_t i = 0; i < from.size(); ++i)
    if (i < added || shape[i - added] != from[i]) dims.push_back(i);
  return *sum(x, dims, true).try_view(shape);
}

Shape all_dims(int64_t rank) {
  Shape dims = Shape::filled(rank, 0);
  for (int64_t i = 0; i < rank; ++i) dims[i] = i;
  return dims;
}

}  // namespace attune::kernels
