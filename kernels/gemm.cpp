#include "gemm.h"

#include <cblas.h>
#include <omp.h>

#include <algorithm>
#include <mutex>
#include <optional>
#include <type_traits>

#include "../array/fail.h"
#include "../array/trace.h"
#include "copy.h"
#include "elementwise.h"
#include "gemm_bf16.h"
#include "gemm_f32.h"
#include "matmul_precision.h"
#include "packed_weight.h"
#include "parallel.h"
#include "rows.h"
#include "strided.h"
#include "thin_product.h"

namespace attune::kernels {
namespace {

// What openblas_get_parallel() calls the variants: serial, with threads of its own, or with OpenMP.
enum Variant { serial = 0, own_threads = 1, openmp = 2 };

Variant variant() {
  static const auto found = static_cast<Variant>(openblas_get_parallel());
  return found;
}

std::mutex session_mutex;
int sessions = 0;
int threads_before = 1;

// A serial OpenBLAS shares one scratch buffer between all callers.
std::mutex serial_mutex;

std::unique_lock<std::mutex> serial_guard() {
  if (variant() != serial) return {};
  return std::unique_lock(serial_mutex);
}

CBLAS_TRANSPOSE op(bool transpose) { return transpose ? CblasTrans : CblasNoTrans; }

// How BLAS reads the last two dimensions: plain or transposed row-major with a leading dimension.
struct Layout {
  bool transposed;
  int64_t leading;
};

std::optional<Layout> layout_of(const Array& x) {
  const int64_t rows = x.size(-2), columns = x.size(-1);
  const int64_t row_stride = x.strides()[x.dim() - 2], column_stride = x.strides()[x.dim() - 1];
  if ((column_stride == 1 || columns == 1) &&
      (row_stride >= std::max<int64_t>(columns, 1) || rows == 1))
    return Layout{false, rows == 1 ? std::max<int64_t>(columns, 1) : row_stride};
  if ((row_stride == 1 || rows == 1) && column_stride >= std::max<int64_t>(rows, 1))
    return Layout{true, column_stride};
  return std::nullopt;
}

struct Operand {
  Array array;
  Layout layout;
};

Operand operand(const Array& x, int64_t largest_leading = std::numeric_limits<int64_t>::max()) {
  if (auto layout = layout_of(x); layout && layout->leading <= largest_leading) return {x, *layout};
  Array dense = contiguous(x);
  return {dense, {false, std::max<int64_t>(dense.size(-1), 1)}};
}

// Multiply-adds not worth a second thread, nor rounding first.
constexpr int64_t small = int64_t{1} << 18;

// Rows and columns of one tile: full-width panels of at least 128 rows where there are enough for
// 16 cores, else the longer side is cut. By shape alone, so that the sums never depend on threads.
struct Grid {
  int64_t rows, columns;
};

Grid grid_for(int64_t batch, int64_t m, int64_t n, int64_t k) {
  if (m * n * k <= small || batch >= 16) return {m, n};
  auto cut = [](int64_t length, int64_t pieces, int64_t least) {
    return std::min(length, std::max(least, round_up(divide_up(length, pieces), 16)));
  };
  if (m >= n) return {m >= 2048 ? cut(m, 16, 128) : cut(m, m >= 512 ? 4 : 2, 64), n};
  return {m, n >= 2048 ? cut(n, 16, 128) : cut(n, n >= 512 ? 4 : 2, 64)};
}

Shape batch_of(const Array& x) {
  Shape batch = x.shape();
  batch.erase(batch.size() - 1);
  batch.erase(batch.size() - 1);
  return batch;
}

// What an element of a product costs; no more than keeps the cost of all in range.
int64_t cost_of(int64_t k) { return std::min<int64_t>(k, 1 << 16); }

// out [m, n] = the sum of its parts [parts, m, n], one after another.
template <class T>
void add_parts(int64_t parts, int64_t m, int64_t n, const T* sums, T* out) {
  parallel_tiles(m, parts * m * n, [=](int64_t row) {
    std::copy_n(sums + row * n, n, out + row * n);
    for (int64_t part = 1; part < parts; ++part)
      rows::add_scaled(T{1}, sums + (part * m + row) * n, out + row * n, n);
  });
}

// out = a b for a few rows of a, which is not transposed. Matrices that are cut in depth are large
// enough to be multiplied one after another.
template <class T>
void multiply_thin(Array& out, const Operand& a, const Operand& b) {
  const int64_t m = out.size(-2), n = out.size(-1), k = a.array.size(-1);
  const bool transposed = b.layout.transposed;
  const ThinGrid grid = thin_grid(transposed, n, k);
  const int64_t tiles = divide_up(n, grid.columns), parts = divide_up(k, grid.depth);
  const Shape batches = batch_of(out);
  const int64_t batch = batches.numel(), work = m * n * cost_of(k);
  T* const out_data = out.output<T>();
  const auto multiply = [&](int64_t matrix, int64_t part, int64_t tile, T* c) {
    const int64_t column = tile * grid.columns, from = part * grid.depth;
    const T* at = a.array.data<T>() + offset_of(matrix, batches, a.array.strides()) + from;
    const T* bt = b.array.data<T>() + offset_of(matrix, batches, b.array.strides()) +
                  (transposed ? column * b.layout.leading : from * b.layout.leading + column);
    thin_product(transposed, m, std::min(grid.columns, n - column), std::min(grid.depth, k - from),
                 at, a.layout.leading, bt, b.layout.leading, c + column, n);
  };
  if (parts == 1)
    return parallel_tiles(
        batch * tiles, batch == 1 && m * n * k <= small ? 0 : batch * work,
        [&](int64_t i) { multiply(i / tiles, 0, i % tiles, out_data + i / tiles * m * n); });
  Array sums({parts, m, n}, out.dtype());
  T* const sums_data = sums.output<T>();
  for (int64_t matrix = 0; matrix < batch; ++matrix) {
    parallel_tiles(parts * tiles, work, [&](int64_t i) {
      multiply(matrix, i / tiles, i % tiles, sums_data + i / tiles * m * n);
    });
    add_parts(parts, m, n, sums_data, out_data + matrix * m * n);
  }
}

// out = a b, or out += a b, in the precision of T. No matrix is empty.
template <class T>
void multiply_exactly(Array& out, const Array& a, const Array& b, bool accumulate) {
  const int64_t m = out.size(-2), n = out.size(-1), k = a.size(-1);
  const int64_t batch = out.numel() / (m * n);
  const Operand left = operand(a, largest_of_blas), right = operand(b, largest_of_blas);
  if (m <= thin_rows && !left.layout.transposed && !accumulate)
    return multiply_thin<T>(out, left, right);
  const T* left_data = left.array.data<T>();
  const T* right_data = right.array.data<T>();
  T* out_data = out.output<T>();
  auto offset = [batches = batch_of(out)](const Array& x, int64_t index) {
    return offset_of(index, batches, x.strides());
  };
  const Grid grid = grid_for(batch, m, n, k);
  if (std::max({grid.rows, n, k, left.layout.leading, right.layout.leading}) > largest_of_blas)
    fail<ShapeError>("matmul", "{} times {} is more than BLAS can count; sizes go up to {}",
                     to_string(a.shape()), to_string(b.shape()), largest_of_blas);
  const int64_t row_tiles = divide_up(m, grid.rows), column_tiles = divide_up(n, grid.columns);
  const BlasSession session;
  parallel_tiles(batch * row_tiles * column_tiles, out.numel() * cost_of(k), [&](int64_t tile) {
    const int64_t index = tile / (row_tiles * column_tiles);
    const int64_t row = tile / column_tiles % row_tiles * grid.rows;
    const int64_t column = tile % column_tiles * grid.columns;
    const Layout l = left.layout, r = right.layout;
    const T* at = left_data + offset(left.array, index) + row * (l.transposed ? 1 : l.leading);
    const T* bt = right_data + offset(right.array, index) + column * (r.transposed ? r.leading : 1);
    const int64_t rows = std::min(grid.rows, m - row);
    const int64_t columns = std::min(grid.columns, n - column);
    T* ct = out_data + (index * m + row) * n + column;
    gemm_tile(l.transposed, r.transposed, rows, columns, k, T{1}, at, l.leading, bt, r.leading,
              accumulate ? T{1} : T{0}, ct, n);
  });
}

// Whether rounding the operands to bfloat16 is allowed and pays. The matrices of a batch are
// multiplied one after another, so each must be worth several threads.
bool rounds_operands(int64_t batch, int64_t m, int64_t n, int64_t k) {
  return float32_matmul_precision() == MatmulPrecision::medium && std::min({m, n, k}) > thin_rows &&
         m * n * k > (batch == 1 ? small : small * 64);
}

// The values in bfloat16, as float32 in the same order of memory.
Array rounded(const Array& x) {
  const auto layout = layout_of(x);
  if (layout && layout->transposed) return rounded(x.transpose(-1, -2)).transpose(-1, -2);
  return convert(convert(x, bfloat16), float32);
}

PanelOperand panel_operand(const Operand& x, int64_t offset, bool left) {
  return {x.array.data<float>() + offset, x.layout.leading, x.layout.transposed != left};
}

// Calls multiply(a, b, c) for the matrices of a batch, one after another.
template <class F>
void each_matrix(Array& out, const Array& a, const Array& b, const F& multiply) {
  const Operand left = operand(a), right = operand(b);
  const Shape batches = batch_of(out);
  float* out_data = out.output<float>();
  for (int64_t i = 0; i < batches.numel(); ++i)
    multiply(panel_operand(left, offset_of(i, batches, left.array.strides()), true),
             panel_operand(right, offset_of(i, batches, right.array.strides()), false),
             out_data + i * out.size(-2) * out.size(-1));
}

void multiply_rounded(Array& out, const Array& a, const Array& b, bool accumulate) {
  if (!has_bf16_panels()) return multiply_exactly<float>(out, rounded(a), rounded(b), accumulate);
  const int64_t m = out.size(-2), n = out.size(-1), k = a.size(-1);
  each_matrix(out, a, b, [&](const PanelOperand& x, const PanelOperand& y, float* c) {
    gemm_bf16(m, n, k, {x}, {y}, accumulate, c);
  });
}

// Whether the weight [k, n] is worth keeping packed, for a product of m rows.
bool is_worth_keeping(const Array& weight, int64_t m) {
  const int64_t k = weight.size(0), n = weight.size(1);
  return float32_matmul_precision() == MatmulPrecision::medium && std::min(n, k) > thin_rows &&
         m * n * k > small && layout_of(weight).has_value();
}

// Whether packing the operands ourselves pays. The matrices of a batch are multiplied one after
// another, so each must be worth several threads.
template <class T>
bool packs_operands(int64_t batch, int64_t m, int64_t n, int64_t k) {
  return std::is_same_v<T, float> && (batch == 1 || m * n * k > small * 64) &&
         gemm_f32_pays(m, n, k);
}

void multiply_packed(Array& out, const Array& a, const Array& b, bool accumulate) {
  const int64_t m = out.size(-2), n = out.size(-1), k = a.size(-1);
  each_matrix(out, a, b, [&](const PanelOperand& x, const PanelOperand& y, float* c) {
    gemm_f32(m, n, k, x, y, accumulate, c);
  });
}

// out = a b. Sums wrap around, as those of elementwise integers do.
void multiply_integers(Array& out, const Array& a, const Array& b) {
  const int64_t m = out.size(-2), n = out.size(-1), k = a.size(-1);
  const Shape batches = batch_of(out);
  const int64_t a_step = a.strides()[a.dim() - 1], b_step = b.strides()[b.dim() - 1];
  const int64_t a_row = a.strides()[a.dim() - 2], b_row = b.strides()[b.dim() - 2];
  const int64_t *a_data = a.data<int64_t>(), *b_data = b.data<int64_t>();
  int64_t* out_data = out.output<int64_t>();
  parallel_tiles(batches.numel() * m, out.numel() * k, [&](int64_t row) {
    const int64_t* at = a_data + offset_of(row / m, batches, a.strides()) + row % m * a_row;
    const int64_t* bt = b_data + offset_of(row / m, batches, b.strides());
    int64_t* sums = out_data + row * n;
    std::fill_n(sums, n, int64_t{0});
    for (int64_t i = 0; i < k; ++i) {
      const auto factor = static_cast<uint64_t>(at[i * a_step]);
      for (int64_t j = 0; j < n; ++j)
        sums[j] = static_cast<int64_t>(static_cast<uint64_t>(sums[j]) +
                                       factor * static_cast<uint64_t>(bt[i * b_row + j * b_step]));
    }
  });
}

// out = a b, or out += a b. No matrix of out is empty.
template <class T>
void multiply_floating(Array& out, const Array& a, const Array& b, bool accumulate) {
  const int64_t m = out.size(-2), n = out.size(-1), k = a.size(-1);
  if (k == 0) {
    if (!accumulate) std::fill_n(out.output<T>(), out.numel(), T{0});
    return;
  }
  const int64_t batch = out.numel() / (m * n);
  if (std::is_same_v<T, float> && rounds_operands(batch, m, n, k)) {
    multiply_rounded(out, a, b, accumulate);
  } else if (packs_operands<T>(batch, m, n, k)) {
    multiply_packed(out, a, b, accumulate);
  } else {
    multiply_exactly<T>(out, a, b, accumulate);
  }
}

// out = a b, or, not of int64, out += a b.
void multiply(Array& out, const Array& a, const Array& b, bool accumulate) {
  if (out.numel() == 0) return;
  if (a.dtype() == int64) {
    multiply_integers(out, a, b);
  } else {
    visit_floating("matmul", a.dtype(),
                   [&]<class T>(TypeTag<T>) { multiply_floating<T>(out, a, b, accumulate); });
  }
  // Last, because what was refused was not computed.
  if (const int64_t k = a.size(-1); k > 0) {
    count_flops(2.0 * static_cast<double>(out.numel()) * static_cast<double>(k));
    count_traffic(a, b, out);
  }
}

Shape common_batch(const Array& a, const Array& b) {
  try {
    return broadcast_shapes("matmul", batch_of(a), batch_of(b));
  } catch (const ShapeError&) {
    fail<ShapeError>("matmul",
                     "{} and {} do not fit: before the last two, sizes must be equal or 1",
                     to_string(a.shape()), to_string(b.shape()));
  }
}

Array expand_batch(const Array& x, Shape batch) {
  batch.push_back(x.size(-2));
  batch.push_back(x.size(-1));
  return x.shape() == batch ? x : x.expand(batch);
}

}  // namespace

BlasSession::BlasSession() : openmp_threads_(omp_get_max_threads()) {
  {
    std::lock_guard lock(session_mutex);
    if (sessions++ == 0) {
      threads_before = openblas_get_num_threads();
      if (variant() == own_threads && threads_before != 1) openblas_set_num_threads(1);
    }
  }
  if (variant() == openmp) omp_set_num_threads(1);
}

BlasSession::~BlasSession() {
  {
    std::lock_guard lock(session_mutex);
    if (--sessions == 0 && openblas_get_num_threads() != threads_before)
      openblas_set_num_threads(threads_before);
  }
  // Last, because some versions of openblas_set_num_threads set OpenMP's number as well.
  if (variant() == openmp) omp_set_num_threads(openmp_threads_);
}

void gemm_tile(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, float alpha,
               const float* a, int64_t lda, const float* b, int64_t ldb, float beta, float* c,
               int64_t ldc) {
  const auto guard = serial_guard();
  cblas_sgemm(CblasRowMajor, op(transpose_a), op(transpose_b), static_cast<blasint>(m),
              static_cast<blasint>(n), static_cast<blasint>(k), alpha, a, static_cast<blasint>(lda),
              b, static_cast<blasint>(ldb), beta, c, static_cast<blasint>(ldc));
}

void gemm_tile(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, double alpha,
               const double* a, int64_t lda, const double* b, int64_t ldb, double beta, double* c,
               int64_t ldc) {
  const auto guard = serial_guard();
  cblas_dgemm(CblasRowMajor, op(transpose_a), op(transpose_b), static_cast<blasint>(m),
              static_cast<blasint>(n), static_cast<blasint>(k), alpha, a, static_cast<blasint>(lda),
              b, static_cast<blasint>(ldb), beta, c, static_cast<blasint>(ldc));
}

Array matmul(const Array& a, const Array& b) {
  const Shape batch = common_batch(a, b);
  Shape shape = batch;
  shape.push_back(a.size(-2));
  shape.push_back(b.size(-1));
  Array out(shape, a.dtype());
  const Array left = expand_batch(a, batch), right = expand_batch(b, batch);
  multiply(out, left, right, false);
  return out;
}

void matmul_add(Array& into, const Array& a, const Array& b) {
  if (a.dtype() == int64)
    fail<DTypeError>("matmul", "products of int64 are not added to what is there");
  const Shape batch = batch_of(into);
  const Array left = expand_batch(a, batch), right = expand_batch(b, batch);
  multiply(into, left, right, true);
}

Array linear(const Array& a, const Array& weight, const Array& bias, bool lasting) {
  const int64_t m = a.size(0), k = a.size(1), n = weight.size(1);
  const bool can_round = a.dtype() == float32 && has_bf16_panels();
  const bool keeps = can_round && lasting && is_worth_keeping(weight, m);
  const bool rounds = keeps || (can_round && rounds_operands(1, m, n, k));
  if (!rounds && !(a.dtype() == float32 && float32_matmul_precision() == MatmulPrecision::highest &&
                   gemm_f32_pays(m, n, k))) {
    Array out = matmul(a, weight);
    if (bias.defined()) binary_into(Binary::add, out, out, bias);
    return out;
  }
  const Operand left = operand(a), right = operand(weight);
  const PanelOperand rows = panel_operand(left, 0, true), columns = panel_operand(right, 0, false);
  const Array packed = keeps ? packed_weight(weight, columns) : Array();
  const Array added = bias.defined() ? contiguous(bias) : Array();
  const float* const bias_data = bias.defined() ? added.data<float>() : nullptr;
  Array out({m, n}, float32);
  count_flops(2.0 * static_cast<double>(m * n) * static_cast<double>(k));
  count_traffic(a, keeps ? packed : weight, out);
  if (rounds)
    gemm_bf16(
        m, n, k, {rows},
        {columns, keeps ? reinterpret_cast<const Bf16Pair*>(packed.data<BFloat16>()) : nullptr},
        false, out.output<float>(), bias_data);
  else
    gemm_f32(m, n, k, rows, columns, false, out.output<float>(), bias_data);
  return out;
}

int64_t matmul_scratch(int64_t m, int64_t n, int64_t k, const MatmulForm& form) {
  if (gemm_f32_pays(m, n, k)) return gemm_f32_scratch(m, n, k);
  if (m > thin_rows || form.transpose_a || form.accumulate) return 0;
  const int64_t parts = divide_up(k, thin_grid(form.transpose_b, n, k).depth);
  return parts == 1 ? 0 : parts * m * n;
}

}  // namespace attune::kernels
