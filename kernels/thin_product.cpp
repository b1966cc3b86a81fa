#include "thin_product.h"

#include <algorithm>

#include "rows.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/thin_product.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "loops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace attune::kernels::HWY_NAMESPACE {

// out[r] = x · y_r for four rows y_r, `stride` apart.
template <class T>
void dot_four(const T* x, const T* y, int64_t stride, int64_t n, T* out) {
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const T *y0 = y, *y1 = y + stride, *y2 = y + 2 * stride, *y3 = y + 3 * stride;
  auto s0 = hn::Zero(d), s1 = s0, s2 = s0, s3 = s0;
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const auto v = hn::LoadU(d, x + i);
    s0 = hn::MulAdd(v, hn::LoadU(d, y0 + i), s0);
    s1 = hn::MulAdd(v, hn::LoadU(d, y1 + i), s1);
    s2 = hn::MulAdd(v, hn::LoadU(d, y2 + i), s2);
    s3 = hn::MulAdd(v, hn::LoadU(d, y3 + i), s3);
  }
  if (i < n) {
    const auto rest = static_cast<size_t>(n - i);
    const auto v = load_head(d, x + i, rest);
    s0 = hn::MulAdd(v, load_head(d, y0 + i, rest), s0);
    s1 = hn::MulAdd(v, load_head(d, y1 + i, rest), s1);
    s2 = hn::MulAdd(v, load_head(d, y2 + i, rest), s2);
    s3 = hn::MulAdd(v, load_head(d, y3 + i, rest), s3);
  }
  out[0] = hn::GetLane(hn::SumOfLanes(d, s0));
  out[1] = hn::GetLane(hn::SumOfLanes(d, s1));
  out[2] = hn::GetLane(hn::SumOfLanes(d, s2));
  out[3] = hn::GetLane(hn::SumOfLanes(d, s3));
}

// y += Σ a[r] x_r for four rows x_r, `stride` apart.
template <class T>
void add_four(const T* a, const T* x, int64_t stride, T* y, int64_t n) {
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const T *x0 = x, *x1 = x + stride, *x2 = x + 2 * stride, *x3 = x + 3 * stride;
  const auto a0 = hn::Set(d, a[0]), a1 = hn::Set(d, a[1]), a2 = hn::Set(d, a[2]),
             a3 = hn::Set(d, a[3]);
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    auto sum = hn::MulAdd(a0, hn::LoadU(d, x0 + i), hn::LoadU(d, y + i));
    sum = hn::MulAdd(a1, hn::LoadU(d, x1 + i), sum);
    sum = hn::MulAdd(a2, hn::LoadU(d, x2 + i), sum);
    hn::StoreU(hn::MulAdd(a3, hn::LoadU(d, x3 + i), sum), d, y + i);
  }
  if (i == n) return;
  const auto rest = static_cast<size_t>(n - i);
  auto sum = hn::MulAdd(a0, load_head(d, x0 + i, rest), load_head(d, y + i, rest));
  sum = hn::MulAdd(a1, load_head(d, x1 + i, rest), sum);
  sum = hn::MulAdd(a2, load_head(d, x2 + i, rest), sum);
  store_head(d, hn::MulAdd(a3, load_head(d, x3 + i, rest), sum), y + i, rest);
}

void dot_four_float(const float* x, const float* y, int64_t stride, int64_t n, float* out) {
  dot_four(x, y, stride, n, out);
}
void dot_four_double(const double* x, const double* y, int64_t stride, int64_t n, double* out) {
  dot_four(x, y, stride, n, out);
}
void add_four_float(const float* a, const float* x, int64_t stride, float* y, int64_t n) {
  add_four(a, x, stride, y, n);
}
void add_four_double(const double* a, const double* x, int64_t stride, double* y, int64_t n) {
  add_four(a, x, stride, y, n);
}

}  // namespace attune::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace attune::kernels {
namespace {

HWY_EXPORT(dot_four_float);
HWY_EXPORT(dot_four_double);
HWY_EXPORT(add_four_float);
HWY_EXPORT(add_four_double);

void dot_four(const float* x, const float* y, int64_t stride, int64_t n, float* out) {
  HWY_DYNAMIC_DISPATCH(dot_four_float)(x, y, stride, n, out);
}
void dot_four(const double* x, const double* y, int64_t stride, int64_t n, double* out) {
  HWY_DYNAMIC_DISPATCH(dot_four_double)(x, y, stride, n, out);
}
void add_four(const float* a, const float* x, int64_t stride, float* y, int64_t n) {
  HWY_DYNAMIC_DISPATCH(add_four_float)(a, x, stride, y, n);
}
void add_four(const double* a, const double* x, int64_t stride, double* y, int64_t n) {
  HWY_DYNAMIC_DISPATCH(add_four_double)(a, x, stride, y, n);
}

// Four columns at a time; a block of them is in the cache when the next row of A comes.
template <class T>
void dot_columns(int64_t m, int64_t n, int64_t k, const T* a, int64_t lda, const T* b, int64_t ldb,
                 T* c, int64_t ldc) {
  for (int64_t j = 0; j < n; j += 4)
    for (int64_t i = 0; i < m; ++i) {
      if (j + 4 <= n) {
        dot_four(a + i * lda, b + j * ldb, ldb, k, c + i * ldc + j);
      } else {
        for (int64_t last = j; last < n; ++last)
          c[i * ldc + last] = rows::dot(a + i * lda, b + last * ldb, k);
      }
    }
}

// Four rows of B at a time.
template <class T>
void add_rows(int64_t m, int64_t n, int64_t k, const T* a, int64_t lda, const T* b, int64_t ldb,
              T* c, int64_t ldc) {
  for (int64_t i = 0; i < m; ++i) std::fill_n(c + i * ldc, n, T{0});
  for (int64_t l = 0; l < k; l += 4)
    for (int64_t i = 0; i < m; ++i) {
      if (l + 4 <= k) {
        add_four(a + i * lda + l, b + l * ldb, ldb, c + i * ldc, n);
      } else {
        for (int64_t last = l; last < k; ++last)
          rows::add_scaled(a[i * lda + last], b + last * ldb, c + i * ldc, n);
      }
    }
}

}  // namespace

void thin_product(bool transpose_b, int64_t m, int64_t n, int64_t k, const float* a, int64_t lda,
                  const float* b, int64_t ldb, float* c, int64_t ldc) {
  (transpose_b ? dot_columns<float> : add_rows<float>)(m, n, k, a, lda, b, ldb, c, ldc);
}

void thin_product(bool transpose_b, int64_t m, int64_t n, int64_t k, const double* a, int64_t lda,
                  const double* b, int64_t ldb, double* c, int64_t ldc) {
  (transpose_b ? dot_columns<double> : add_rows<double>)(m, n, k, a, lda, b, ldb, c, ldc);
}

}  // namespace attune::kernels
#endif
