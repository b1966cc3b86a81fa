#include "thin_product.h"

#include <hwy/cache_control.h>

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/thin_product.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "loops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace attune::kernels::HWY_NAMESPACE {

// Sums that are kept in registers: half of them, the rest is for what is multiplied. So many
// columns, or vectors of columns, go with M rows of A; each element of B is loaded once for M sums.
constexpr int sums = HWY_TARGET <= HWY_AVX3 || HWY_ARCH_ARM ? 16 : 8;
template <int M>
constexpr int together = std::clamp(sums / M, 1, 4);

// How many blocks ahead of its use B is asked for: the processor's own guess is too late where
// there is little to compute.
constexpr int64_t ahead = 2;

// c = a bᵀ for M rows of a and N of b. One chain of additions an element, whatever M and N.
template <int M, int N, class T>
HWY_INLINE void dot_block(int64_t k, const T* a, int64_t lda, const T* b, int64_t ldb, T* c,
                          int64_t ldc) {
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  hn::Vec<decltype(d)> sum[M][N], column[N];
  for (auto& row : sum)
    for (auto& s : row) s = hn::Zero(d);
  const auto add = [&](const auto& load, int64_t l) HWY_ATTR {
    for (int j = 0; j < N; ++j) column[j] = load(b + j * ldb + l);
    for (int i = 0; i < M; ++i) {
      const auto x = load(a + i * lda + l);
      for (int j = 0; j < N; ++j) sum[i][j] = hn::MulAdd(x, column[j], sum[i][j]);
    }
  };
  int64_t l = 0;
  for (; l + lanes <= k; l += lanes) {
    for (int j = 0; j < N; ++j) hwy::Prefetch(b + (ahead * N + j) * ldb + l);
    add([&](const T* x) HWY_ATTR { return hn::LoadU(d, x); }, l);
  }
  if (l < k) {
    const auto rest = static_cast<size_t>(k - l);
    add([&](const T* x) HWY_ATTR { return load_head(d, x, rest); }, l);
  }
  for (int i = 0; i < M; ++i)
    for (int j = 0; j < N; ++j) c[i * ldc + j] = hn::GetLane(hn::SumOfLanes(d, sum[i][j]));
}

template <int M, class T>
HWY_INLINE void dot_columns(int64_t n, int64_t k, const T* a, int64_t lda, const T* b, int64_t ldb,
                            T* c, int64_t ldc) {
  constexpr int N = together<M>;
  int64_t j = 0;
  for (; j + N <= n; j += N) dot_block<M, N>(k, a, lda, b + j * ldb, ldb, c + j, ldc);
  for (; j < n; ++j) dot_block<M, 1>(k, a, lda, b + j * ldb, ldb, c + j, ldc);
}

// Rows of B that are added to the sums of a whole tile before the next ones are read.
constexpr int64_t depth = 8;

// tile += a b for M rows of a and V vectors of columns, of which `load` reads one.
template <int M, int V, class T, class Load>
HWY_INLINE void add_block(int64_t k, const T* a, int64_t lda, const T* b, int64_t ldb,
                          const Load& load, T* tile) {
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  hn::Vec<decltype(d)> sum[M][V], column[V];
  for (int i = 0; i < M; ++i)
    for (int j = 0; j < V; ++j) sum[i][j] = hn::Load(d, tile + i * thin_columns + j * lanes);
  for (int64_t l = 0; l < k; ++l) {
    for (int j = 0; j < V; ++j) {
      hwy::Prefetch(b + (l + ahead * depth) * ldb + j * lanes);
      column[j] = load(b + l * ldb + j * lanes);
    }
    for (int i = 0; i < M; ++i) {
      const auto x = hn::Set(d, a[i * lda + l]);
      for (int j = 0; j < V; ++j) sum[i][j] = hn::MulAdd(x, column[j], sum[i][j]);
    }
  }
  for (int i = 0; i < M; ++i)
    for (int j = 0; j < V; ++j) hn::Store(sum[i][j], d, tile + i * thin_columns + j * lanes);
}

// c = a b for at most thin_columns columns, summed in a tile of its own: rows of c may lie so that
// they displace each other in the cache.
template <int M, class T>
void add_rows(int64_t n, int64_t k, const T* a, int64_t lda, const T* b, int64_t ldb, T* c,
              int64_t ldc) {
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto whole = [&](const T* x) HWY_ATTR { return hn::LoadU(d, x); };
  constexpr int V = together<M>;
  HWY_ALIGN T tile[M * thin_columns] = {};
  for (int64_t l = 0; l < k; l += depth) {
    const int64_t count = std::min(depth, k - l);
    const T* row = b + l * ldb;
    int64_t j = 0;
    for (; j + V * lanes <= n; j += V * lanes)
      add_block<M, V>(count, a + l, lda, row + j, ldb, whole, tile + j);
    for (; j + lanes <= n; j += lanes)
      add_block<M, 1>(count, a + l, lda, row + j, ldb, whole, tile + j);
    if (j == n) continue;
    const auto head = [&](const T* x)
                          HWY_ATTR { return load_head(d, x, static_cast<size_t>(n - j)); };
    add_block<M, 1>(count, a + l, lda, row + j, ldb, head, tile + j);
  }
  for (int i = 0; i < M; ++i) std::copy_n(tile + i * thin_columns, n, c + i * ldc);
}

// A block of B is in the cache when the next rows of A come to it.
template <int M, class T>
void rows_of_a(bool transpose_b, int64_t n, int64_t k, const T* a, int64_t lda, const T* b,
               int64_t ldb, T* c, int64_t ldc) {
  (transpose_b ? dot_columns<M, T> : add_rows<M, T>)(n, k, a, lda, b, ldb, c, ldc);
}

template <class T>
void product(bool transpose_b, int64_t m, int64_t n, int64_t k, const T* a, int64_t lda, const T* b,
             int64_t ldb, T* c, int64_t ldc) {
  const auto rows = [&]<int M>(int64_t& i, int64_t j, int64_t width) HWY_ATTR {
    for (; i + M <= m; i += M)
      rows_of_a<M>(transpose_b, width, k, a + i * lda, lda, b + j * (transpose_b ? ldb : 1), ldb,
                   c + i * ldc + j, ldc);
  };
  const int64_t block = transpose_b ? 16 : thin_columns;
  for (int64_t j = 0; j < n; j += block) {
    const int64_t width = std::min(block, n - j);
    int64_t i = 0;
    rows.template operator()<8>(i, j, width);
    rows.template operator()<4>(i, j, width);
    rows.template operator()<2>(i, j, width);
    rows.template operator()<1>(i, j, width);
  }
}

void product_float(bool transpose_b, int64_t m, int64_t n, int64_t k, const float* a, int64_t lda,
                   const float* b, int64_t ldb, float* c, int64_t ldc) {
  product(transpose_b, m, n, k, a, lda, b, ldb, c, ldc);
}
void product_double(bool transpose_b, int64_t m, int64_t n, int64_t k, const double* a, int64_t lda,
                    const double* b, int64_t ldb, double* c, int64_t ldc) {
  product(transpose_b, m, n, k, a, lda, b, ldb, c, ldc);
}

}  // namespace attune::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace attune::kernels {
namespace {

HWY_EXPORT(product_float);
HWY_EXPORT(product_double);

}  // namespace

void thin_product(bool transpose_b, int64_t m, int64_t n, int64_t k, const float* a, int64_t lda,
                  const float* b, int64_t ldb, float* c, int64_t ldc) {
  HWY_DYNAMIC_DISPATCH(product_float)(transpose_b, m, n, k, a, lda, b, ldb, c, ldc);
}

void thin_product(bool transpose_b, int64_t m, int64_t n, int64_t k, const double* a, int64_t lda,
                  const double* b, int64_t ldb, double* c, int64_t ldc) {
  HWY_DYNAMIC_DISPATCH(product_double)(transpose_b, m, n, k, a, lda, b, ldb, c, ldc);
}

}  // namespace attune::kernels
#endif
