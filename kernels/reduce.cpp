#include "reduce.h"

#include <cmath>

#include "../array/fail.h"
#include "../array/trace.h"
#include "accumulate.h"
#include "reduction.h"

namespace attune::kernels {
namespace {

// The sum of of(element).
template <class T, class Of>
double sum_strided(const T* x, int64_t n, int64_t stride, const Of& of) {
  if (n > 1024) {
    const int64_t half = n / 2;
    return sum_strided(x, half, stride, of) + sum_strided(x + half * stride, n - half, stride, of);
  }
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += of(static_cast<double>(x[i * stride]));
  return sum;
}

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
      *into += sum_strided(x, n, stride, [](double value) { return value; });
    }
  }
  void combine(Acc& into, Acc from) const { into += from; }
  T finish(Acc sum) const { return static_cast<T>(sum / divisor); }
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

// The root of the sum of squares. Not those of T: the square of a float32 may be more, or less,
// than one holds.
template <class T>
struct Length {
  using Acc = double;

  Acc identity() const { return 0; }
  void accumulate(const T* x, int64_t n, int64_t stride, int64_t width, Acc* into) const {
    const auto square = [](double value) { return value * value; };
    if (width == 1) {
      *into += stride == 1 ? sum_row_squares(x, n) : sum_strided(x, n, stride, square);
      return;
    }
    for (int64_t row = 0; row < n; ++row, x += stride)
      for (int64_t i = 0; i < width; ++i) into[i] += square(static_cast<double>(x[i]));
  }
  void combine(Acc& into, Acc from) const { into += from; }
  T finish(Acc squares) const { return static_cast<T>(std::sqrt(squares)); }
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

Array norm(const Array& x, const Shape& dims, bool keepdim) {
  const ReductionPlan plan = plan_reduction("norm", x, dims, keepdim);
  return visit_floating("norm", x.dtype(),
                        [&]<class T>(TypeTag<T>) { return reduce<T, T>(x, plan, Length<T>()); });
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
