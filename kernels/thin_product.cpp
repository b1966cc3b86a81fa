#include "thin_product.h"

#include <algorithm>
#include <iterator>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/thin_product.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "loops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace attune::kernels::HWY_NAMESPACE {

// Columns, or vectors of columns, that go with M rows of A: as many as leave their sums, themselves
// and what they are multiplied with in registers. Each element of B is loaded once for M sums.
constexpr int registers = HWY_TARGET <= HWY_AVX3 || HWY_ARCH_ARM ? 32 : 16;
template <int M>
constexpr int together = std::min(4, (registers - 1) / (M + 1));

// Where __builtin_prefetch puts what is asked for: the nearest cache has no room for what memory
// needs to be asked for at once.
constexpr int into_second_cache = 2;

// GCC would rather load a vector again for every use than hold it.
template <class V>
HWY_INLINE void hold_in_register([[maybe_unused]] V& v) {
#if HWY_COMPILER_GCC_ACTUAL && HWY_ARCH_X86 && HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128
  asm("" : "+v"(v.raw));
#endif
}

// Loops over sums are unrolled early, or GCC keeps the array in memory.

// to[i] = the sum of the lanes of v[i]. Four vectors at a time, or two of double, become one whose
// blocks of 128 bits each hold a part of every sum.
template <int count, class D, class T = hn::TFromD<D>>
HWY_INLINE void sum_lanes([[maybe_unused]] D d, const hn::Vec<D> (&v)[count], T* to) {
#if HWY_TARGET == HWY_SCALAR
  for (int i = 0; i < count; ++i) to[i] = hn::GetLane(v[i]);
#else
  constexpr int block = 16 / sizeof(T);
  const hn::FixedTag<T, block> d_block;
  const auto lanes = static_cast<int>(hn::Lanes(d));
  const auto at = [&](int i) HWY_ATTR { return i < count ? v[i] : hn::Zero(d); };
  const auto pair = [&](auto x, auto y) HWY_ATTR {
    return hn::Add(hn::InterleaveLower(d, x, y), hn::InterleaveUpper(d, x, y));
  };
#pragma GCC unroll 32
  for (int i = 0; i < count; i += block) {
    hn::Vec<D> parts = pair(at(i), at(i + block / 2));
    if constexpr (block == 4) parts = pair(parts, pair(at(i + 1), at(i + 3)));
    HWY_ALIGN T blocks[hn::MaxLanes(D())];
    hn::Store(parts, d, blocks);
    auto sum = hn::Load(d_block, blocks);
    for (int j = block; j < lanes; j += block) sum = hn::Add(sum, hn::Load(d_block, blocks + j));
    hn::StoreU(sum, d_block, to + i);
  }
#endif
}

// How far ahead of its use memory that is read from end to end is asked for.
constexpr int64_t bytes_ahead = 2048;

// c = a bᵀ for M rows of a and N of b. One chain of additions an element, whatever M and N. With
// one row of a those of b are read one after another, as memory does fastest, else by turns. What
// is read next is asked for meanwhile, because the processor's own guess is too late where there is
// little to compute: in the order of memory if rows lie densely, else, and where a fills half of
// the nearest cache, each part when that of this row is used.
template <int M, int N, class T>
HWY_INLINE void dot_block(int64_t k, const T* a, int64_t lda, const T* b, int64_t ldb, T* c,
                          int64_t ldc) {
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  hn::Vec<decltype(d)> sums[M * N];
#pragma GCC unroll 32
  for (auto& sum : sums) sum = hn::Zero(d);
  constexpr int turns = M == 1 ? 1 : N;
  const auto add = [&](const auto& load, int first, int64_t l) HWY_ATTR {
    hn::Vec<decltype(d)> column[turns];
#pragma GCC unroll 4
    for (int j = 0; j < turns; ++j) column[j] = load(b + (first + j) * ldb + l);
#pragma GCC unroll 8
    for (int i = 0; i < M; ++i) {
      auto x = load(a + i * lda + l);
      hold_in_register(x);
#pragma GCC unroll 4
      for (int j = 0; j < turns; ++j) {
        auto& sum = sums[i * N + first + j];
        sum = hn::MulAdd(x, column[j], sum);
      }
    }
  };
  const bool in_order = ldb == k && M * k * int64_t{sizeof(T)} <= 20 << 10;
  const int64_t along = in_order ? turns : 1, across = in_order ? lanes : ldb;
  const int64_t ahead = in_order && turns == 1 ? bytes_ahead / int64_t{sizeof(T)} : turns * ldb;
#pragma GCC unroll 4
  for (int first = 0; first < N; first += turns) {
    const T* next = b + first * ldb + ahead;
    int64_t l = 0;
    for (; l + lanes <= k; l += lanes) {
#pragma GCC unroll 4
      for (int j = 0; j < turns; ++j)
        __builtin_prefetch(next + l * along + j * across, 0, into_second_cache);
      add([&](const T* x) HWY_ATTR { return hn::LoadU(d, x); }, first, l);
    }
    if (l < k) {
      const auto rest = static_cast<size_t>(k - l);
      add([&](const T* x) HWY_ATTR { return load_head(d, x, rest); }, first, l);
    }
  }
  T totals[M * N + 3];
  sum_lanes(d, sums, totals);
  for (int i = 0; i < M; ++i) std::copy_n(totals + i * N, N, c + i * ldc);
}

template <int M, class T>
HWY_INLINE void dot_columns(int64_t n, int64_t k, const T* a, int64_t lda, const T* b, int64_t ldb,
                            T* c, int64_t ldc) {
  constexpr int N = together<M>;
  int64_t j = 0;
  for (; j + N <= n; j += N) dot_block<M, N>(k, a, lda, b + j * ldb, ldb, c + j, ldc);
  for (; j < n; ++j) dot_block<M, 1>(k, a, lda, b + j * ldb, ldb, c + j, ldc);
}

// Rows of B that are added to the sums before the next ones, which are asked for meanwhile.
constexpr int64_t depth = 8;

// How far apart rows of a tile of sums lie: 4 KiB or its multiples apart they would displace each
// other in the nearest cache.
constexpr int64_t tile_stride = thin_columns + 16;

// sums += a b for M rows of a and a vector of columns, read by `load`; B is asked for so many
// elements ahead.
template <int M, class T, class Load>
HWY_INLINE void add_block(int64_t k, const T* a, int64_t lda, const T* b, int64_t ldb,
                          int64_t ahead, const Load& load, T* tile) {
  const hn::ScalableTag<T> d;
  hn::Vec<decltype(d)> sum[M];
#pragma GCC unroll 8
  for (int i = 0; i < M; ++i) sum[i] = hn::Load(d, tile + i * tile_stride);
  for (int64_t l = 0; l < k; ++l) {
    __builtin_prefetch(b + l * ldb + ahead, 0, into_second_cache);
    const auto row = load(b + l * ldb);
#pragma GCC unroll 8
    for (int i = 0; i < M; ++i) sum[i] = hn::MulAdd(hn::Set(d, a[i * lda + l]), row, sum[i]);
  }
#pragma GCC unroll 8
  for (int i = 0; i < M; ++i) hn::Store(sum[i], d, tile + i * tile_stride);
}

// c = a b for at most thin_columns columns.
template <int M, class T>
void add_rows(int64_t n, int64_t k, const T* a, int64_t lda, const T* b, int64_t ldb, T* c,
              int64_t ldc) {
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto whole = [&](const T* x) HWY_ATTR { return hn::LoadU(d, x); };
  HWY_ALIGN T tile[M * tile_stride];
  const int64_t touched = (n + lanes - 1) / lanes * lanes;
  for (int i = 0; i < M; ++i) std::fill_n(tile + i * tile_stride, touched, T{0});
  for (int64_t l = 0; l < k; l += depth) {
    const int64_t count = std::min(depth, k - l), ahead = l + depth < k ? depth * ldb : 0;
    const T* row = b + l * ldb;
    int64_t j = 0;
    for (; j + lanes <= n; j += lanes)
      add_block<M>(count, a + l, lda, row + j, ldb, ahead, whole, tile + j);
    if (j == n) continue;
    const auto head = [&](const T* x)
                          HWY_ATTR { return load_head(d, x, static_cast<size_t>(n - j)); };
    add_block<M>(count, a + l, lda, row + j, ldb, ahead, head, tile + j);
  }
  for (int i = 0; i < M; ++i) std::copy_n(tile + i * tile_stride, n, c + i * ldc);
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
  constexpr decltype(&rows_of_a<1, T>) rows[] = {rows_of_a<1, T>, rows_of_a<2, T>, rows_of_a<3, T>,
                                                 rows_of_a<4, T>, rows_of_a<5, T>, rows_of_a<6, T>,
                                                 rows_of_a<7, T>, rows_of_a<8, T>};
  constexpr int64_t most = std::size(rows);
  // Columns that go with each other come out even in 12, however many they are.
  const int64_t block = transpose_b ? 12 : thin_columns;
  for (int64_t j = 0; j < n; j += block)
    for (int64_t i = 0; i < m; i += most)
      rows[std::min(m - i, most) - 1](transpose_b, std::min(block, n - j), k, a + i * lda, lda,
                                      b + j * (transpose_b ? ldb : 1), ldb, c + i * ldc + j, ldc);
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

// Elements of B that are worth adding up apart.
constexpr int64_t least_part = 1 << 16;

int64_t multiple(int64_t of, int64_t x) { return (x + of - 1) / of * of; }

}  // namespace

ThinGrid thin_grid(bool transpose_b, int64_t n, int64_t k) {
  if (transpose_b) return {96, k};
  const int64_t column_tiles = (n + thin_columns - 1) / thin_columns;
  const int64_t parts =
      std::clamp<int64_t>(n * k / least_part, 1, std::max<int64_t>(1, 8 / column_tiles));
  return {multiple(16, (n + column_tiles - 1) / column_tiles),
          multiple(8, (k + parts - 1) / parts)};
}

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
