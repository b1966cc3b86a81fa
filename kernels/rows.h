#pragma once

#include <cstdint>

// For .cpp files only: SIMD loops over one dense row of n elements, the steps that softmax, the
// norms, the losses and attention are made of. Each runs on the calling thread, in an order that
// depends on n and the processor only. Results may overwrite an input.
namespace attune::kernels::rows {

// What a layer_norm row is measured by. The mean is kept in two parts, so that x - mean is exact to
// rounding even where |mean| is far above the spread.
template <class T>
struct Moments {
  T mean, correction, rstd;
};

// The two sums of a norm's backward: of g w, and of g w xhat.
template <class T>
struct NormSums {
  T gradient, projected;
};

// Where a result goes. Past the caches spares reading what it overwrites, and pays where no cache
// could hold it; the thread that did so calls hwy::FlushStream() before another one reads.
enum class Store { in_cache, past_caches };

#define ATTUNE_ROWS(T)                                                                       \
  /* The largest element: -inf if none, NaN if any is. */                                    \
  T maximum(const T* x, int64_t n);                                                          \
  T sum(const T* x, int64_t n);                                                              \
  T dot(const T* x, const T* y, int64_t n);                                                  \
  /* y = exp(x - shift); returns the sum of y. */                                            \
  T exp_into(const T* x, T shift, T* y, int64_t n);                                          \
  /* y = a exp(x - shift) + b. */                                                            \
  void scaled_exp(const T* x, T shift, T a, T b, T* y, int64_t n);                           \
  T sum_exp(const T* x, T shift, int64_t n);                                                 \
  /* Of rows that begin a stride apart. */                                                   \
  bool all_finite(const T* x, int64_t n, int64_t rows = 1, int64_t stride = 0);              \
  /* y = a x + b. */                                                                         \
  void affine(const T* x, T a, T b, T* y, int64_t n);                                        \
  /* y += a x. */                                                                            \
  void add_scaled(T a, const T* x, T* y, int64_t n);                                         \
  /* out = a c + sign b s. */                                                                \
  void rotate(const T* a, const T* c, const T* b, const T* s, T sign, T* out, int64_t n);    \
  /* out = y (g - shift). */                                                                 \
  void scale_shifted(const T* y, const T* g, T shift, T* out, int64_t n);                    \
  /* y = 0 where w is 0, whatever stands there. */                                           \
  void clear_where_zero(const T* w, T* y, int64_t n);                                        \
  /* out = g - exp(y) s. */                                                                  \
  void subtract_exp(const T* y, const T* g, T s, T* out, int64_t n);                         \
  Moments<T> layer_moments(const T* x, T eps, int64_t n);                                    \
  Moments<T> rms_moments(const T* x, T eps, int64_t n);                                      \
  /* y = xhat w + b with xhat = (x - mean) rstd; w and b may be null. */                     \
  void normalize(const T* x, const Moments<T>& m, const T* w, const T* b, T* y, int64_t n,   \
                 Store to);                                                                  \
  NormSums<T> norm_sums(const T* x, const T* g, const T* w, const Moments<T>& m, int64_t n); \
  /* out = rstd (g w - s.gradient - xhat s.projected). */                                    \
  void norm_gradient(const T* x, const T* g, const T* w, const Moments<T>& m, NormSums<T> s, \
                     T* out, int64_t n, Store to);                                           \
  /* dw += g xhat. */                                                                        \
  void norm_weight(const T* x, const T* g, const Moments<T>& m, T* dw, int64_t n);

ATTUNE_ROWS(float)
ATTUNE_ROWS(double)
#undef ATTUNE_ROWS

}  // namespace attune::kernels::rows
