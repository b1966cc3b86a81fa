#include "thin_product.h"

#include <algorithm>
#include <iterator>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/thin_product.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "loops-inl.h"
#include "parallel.h"

HWY_BEFORE_NAMESPACE();
namespace attune::kernels::HWY_NAMESPACE {

// Columns that go with M rows of A where B is transposed: as many as leave their sums, themselves
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

// c = a bᵀ for M rows of a and N of b, which lie `apart`, counted in rows. One chain of additions
// an element, whatever M and N. What is read next is asked for meanwhile, because the processor's
// own guess is too late where there is little to compute. With one row of a that is what follows
// each row of b; with more it is the next N rows, in the order of memory if they lie densely, else,
// and where a fills half of the nearest cache, each part when that of this row is used.
template <int M, int N, class T>
HWY_INLINE void dot_block(int64_t k, const T* a, int64_t lda, const T* b, int64_t ldb,
                          int64_t apart, T* c, int64_t ldc) {
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  hn::Vec<decltype(d)> sums[M * N];
#pragma GCC unroll 32
  for (auto& sum : sums) sum = hn::Zero(d);
  const auto add = [&](const auto& load, int64_t l) HWY_ATTR {
    hn::Vec<decltype(d)> column[N];
#pragma GCC unroll 4
    for (int j = 0; j < N; ++j) column[j] = load(b + j * apart * ldb + l);
#pragma GCC unroll 8
    for (int i = 0; i < M; ++i) {
      auto x = load(a + i * lda + l);
      hold_in_register(x);
#pragma GCC unroll 4
      for (int j = 0; j < N; ++j) sums[i * N + j] = hn::MulAdd(x, column[j], sums[i * N + j]);
    }
  };
  const bool dense = ldb == k;
  const bool in_order = M > 1 && dense && M * k * int64_t{sizeof(T)} <= 20 << 10;
  const int64_t along = in_order ? N : 1, across = in_order ? lanes : apart * ldb;
  const T* next = b + (M > 1 ? N * ldb : dense ? bytes_ahead / int64_t{sizeof(T)} : ldb);
  int64_t l = 0;
  for (; l + lanes <= k; l += lanes) {
#pragma GCC unroll 4
    for (int j = 0; j < N; ++j)
      __builtin_prefetch(next + l * along + j * across, 0, into_second_cache);
    add([&](const T* x) HWY_ATTR { return hn::LoadU(d, x); }, l);
  }
  if (l < k) {
    const auto rest = static_cast<size_t>(k - l);
    add([&](const T* x) HWY_ATTR { return load_head(d, x, rest); }, l);
  }
  T totals[M * N + 3];
  sum_lanes(d, sums, totals);
  for (int i = 0; i < M; ++i)
    for (int j = 0; j < N; ++j) c[i * ldc + j * apart] = totals[i * N + j];
}

// With one row of a, the rows of b that go with each other lie a part of b apart, so that few long
// streams are read, which the processor's own guess can follow; else they are neighbours.
template <int M, class T>
void dot_columns(int64_t n, int64_t k, const T* a, int64_t lda, const T* b, int64_t ldb, T* c,
                 int64_t ldc) {
  constexpr int N = together<M>;
  const int64_t blocks = n / N, apart = M == 1 ? blocks : 1, step = M == 1 ? 1 : N;
  for (int64_t i = 0; i < blocks; ++i)
    dot_block<M, N>(k, a, lda, b + i * step * ldb, ldb, apart, c + i * step, ldc);
  for (int64_t j = blocks * N; j < n; ++j)
    dot_block<M, 1>(k, a, lda, b + j * ldb, ldb, 1, c + j, ldc);
}

// Rows of B that are added to the sums before the next ones, which are asked for meanwhile. Rows
// may lie a multiple of 4 KiB apart, and the nearest cache has but eight lines for such addresses.
constexpr int64_t rows_at_once = 6;

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
  const int64_t touched = round_up(n, lanes);
  for (int i = 0; i < M; ++i) std::fill_n(tile + i * tile_stride, touched, T{0});
  for (int64_t l = 0; l < k; l += rows_at_once) {
    const int64_t count = std::min(rows_at_once, k - l),
                  ahead = l + rows_at_once < k ? rows_at_once * ldb : 0;
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

// Rows of A that go through B together.
constexpr int64_t most = 8;

// Columns that all rows of A go through before the next ones: with more rows than that so many that
// B is in the cache when the rest come. Those that go with each other come out even in 12.
int64_t block_columns(bool transpose_b, int64_t m, int64_t n) {
  if (transpose_b) return m == 1 ? n : 12;
  return m <= most ? thin_columns : thin_columns / 4;
}

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
  static_assert(std::size(rows) == most);
  const int64_t block = block_columns(transpose_b, m, n);
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

// Columns of a tile where B is transposed.
constexpr int64_t transposed_columns = 96;

// Elements of B that are worth adding up apart where there are many more, and tiles that this
// makes.
constexpr int64_t least_part = 1 << 16, least_tiles = 8;

}  // namespace

ThinGrid thin_grid(bool transpose_b, int64_t n, int64_t k) {
  if (transpose_b) return {transposed_columns, k};
  const int64_t column_tiles = divide_up(n, thin_columns);
  const int64_t parts = n * k <= 4 * least_part
                            ? 1
                            : std::min(n * k / least_part, divide_up(least_tiles, column_tiles));
  return {round_up(divide_up(n, column_tiles), 16), round_up(divide_up(k, parts), 16)};
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
