#include "accumulate.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/accumulate.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace attune::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Wide = hn::ScalableTag<double>;

HWY_INLINE hn::Vec<Wide> load(const double* x) { return hn::LoadU(Wide(), x); }
HWY_INLINE hn::Vec<Wide> load(const float* x) {
  return hn::PromoteTo(Wide(), hn::LoadU(hn::Rebind<float, Wide>(), x));
}

// What is summed of each element.
struct Value {
  template <class V>
  HWY_INLINE V operator()(V x) const {
    return x;
  }
};
struct Square {
  HWY_INLINE hn::Vec<Wide> operator()(hn::Vec<Wide> x) const { return hn::Mul(x, x); }
  HWY_INLINE double operator()(double x) const { return x * x; }
};

template <class Of, class T>
double sum_block(const T* x, size_t n) {
  const Wide d;
  const Of of;
  const size_t lanes = hn::Lanes(d);
  auto a = hn::Zero(d), b = a, c = a, e = a;
  size_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    a = hn::Add(a, of(load(x + i)));
    b = hn::Add(b, of(load(x + i + lanes)));
    c = hn::Add(c, of(load(x + i + 2 * lanes)));
    e = hn::Add(e, of(load(x + i + 3 * lanes)));
  }
  for (; i + lanes <= n; i += lanes) a = hn::Add(a, of(load(x + i)));
  double sum = hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(a, b), hn::Add(c, e))));
  for (; i < n; ++i) sum += of(static_cast<double>(x[i]));
  return sum;
}

template <class Of, class T>
double sum_row_of(const T* x, size_t n) {
  constexpr size_t block = 2048;
  if (n <= block) return sum_block<Of>(x, n);
  const size_t half = (n / 2 + block - 1) / block * block;
  return sum_row_of<Of>(x, half) + sum_row_of<Of>(x + half, n - half);
}

// Four rows at a time: fewer passes over the accumulators.
template <class T>
void sum_columns_of(const T* x, size_t n, int64_t stride, size_t width, double* into) {
  const Wide d;
  const size_t lanes = hn::Lanes(d);
  for (; n >= 4; n -= 4, x += 4 * stride) {
    const T *x1 = x + stride, *x2 = x1 + stride, *x3 = x2 + stride;
    size_t i = 0;
    for (; i + lanes <= width; i += lanes) {
      const auto sum = hn::Add(hn::Add(load(x + i), load(x1 + i)),  //
                               hn::Add(load(x2 + i), load(x3 + i)));
      hn::StoreU(hn::Add(load(into + i), sum), d, into + i);
    }
    for (; i < width; ++i) {
      const auto wide = [i](const T* row) { return static_cast<double>(row[i]); };
      into[i] += (wide(x) + wide(x1)) + (wide(x2) + wide(x3));
    }
  }
  for (; n > 0; --n, x += stride) {
    size_t i = 0;
    for (; i + lanes <= width; i += lanes)
      hn::StoreU(hn::Add(load(into + i), load(x + i)), d, into + i);
    for (; i < width; ++i) into[i] += static_cast<double>(x[i]);
  }
}

double sum_row_float(const float* x, size_t n) { return sum_row_of<Value>(x, n); }
double sum_row_double(const double* x, size_t n) { return sum_row_of<Value>(x, n); }
double sum_row_squares_float(const float* x, size_t n) { return sum_row_of<Square>(x, n); }
double sum_row_squares_double(const double* x, size_t n) { return sum_row_of<Square>(x, n); }
void sum_columns_float(const float* x, size_t n, int64_t stride, size_t width, double* into) {
  sum_columns_of(x, n, stride, width, into);
}
void sum_columns_double(const double* x, size_t n, int64_t stride, size_t width, double* into) {
  sum_columns_of(x, n, stride, width, into);
}

}  // namespace attune::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace attune::kernels {

HWY_EXPORT(sum_row_float);
HWY_EXPORT(sum_row_double);
HWY_EXPORT(sum_row_squares_float);
HWY_EXPORT(sum_row_squares_double);
HWY_EXPORT(sum_columns_float);
HWY_EXPORT(sum_columns_double);

double sum_row(const float* x, int64_t n) {
  return HWY_DYNAMIC_DISPATCH(sum_row_float)(x, static_cast<size_t>(n));
}
double sum_row(const double* x, int64_t n) {
  return HWY_DYNAMIC_DISPATCH(sum_row_double)(x, static_cast<size_t>(n));
}
double sum_row_squares(const float* x, int64_t n) {
  return HWY_DYNAMIC_DISPATCH(sum_row_squares_float)(x, static_cast<size_t>(n));
}
double sum_row_squares(const double* x, int64_t n) {
  return HWY_DYNAMIC_DISPATCH(sum_row_squares_double)(x, static_cast<size_t>(n));
}
void sum_columns(const float* x, int64_t n, int64_t stride, int64_t width, double* into) {
  HWY_DYNAMIC_DISPATCH(sum_columns_float)
  (x, static_cast<size_t>(n), stride, static_cast<size_t>(width), into);
}
void sum_columns(const double* x, int64_t n, int64_t stride, int64_t width, double* into) {
  HWY_DYNAMIC_DISPATCH(sum_columns_double)
  (x, static_cast<size_t>(n), stride, static_cast<size_t>(width), into);
}

}  // namespace attune::kernels
#endif
