#include "norm.h"

#include <hwy/cache_control.h>

#include "../array/trace.h"
#include "copy.h"
#include "row_tiles.h"
#include "rows.h"

namespace attune::kernels {
namespace {

enum class Kind { layer, rms };

const char* name_of(Kind kind) { return kind == Kind::layer ? "layer_norm" : "rms_norm"; }

template <class T>
const T* data_or_null(const Array& x) {
  return x.defined() ? x.data<T>() : nullptr;
}

Array dense_or_none(const Array& x) { return x.defined() ? contiguous(x) : x; }

// The least result in bytes that is written past the caches: little of one is left in them when it
// is read.
constexpr int64_t large_result = int64_t{16} << 20;

rows::Store store_of(const Array& result) {
  const bool large = result.numel() * static_cast<int64_t>(size_of(result.dtype())) >= large_result;
  return large ? rows::Store::past_caches : rows::Store::in_cache;
}

// Lets other threads see what this one has stored.
void flush(rows::Store store) {
  if (store == rows::Store::past_caches) hwy::FlushStream();
}

int64_t row_count(const Array& x) { return x.size(-1) == 0 ? 0 : x.numel() / x.size(-1); }

NormResult forward(Kind kind, const Array& x, const Array& weight, const Array& bias, double eps) {
  const int64_t width = x.size(-1), count = row_count(x);
  NormResult result{Array(x.shape(), x.dtype()), Array({count, 3}, x.dtype())};
  count_traffic(x, result.y);
  visit_floating(name_of(kind), x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const Array dense = contiguous(x), w = dense_or_none(weight), b = dense_or_none(bias);
    const T *from = dense.data<T>(), *w_data = data_or_null<T>(w), *b_data = data_or_null<T>(b);
    T *to = result.y.output<T>(), *kept = result.moments.output<T>();
    const rows::Store store = store_of(result.y);
    const auto normalize_row = [&](int64_t row) {
      const T* x_row = from + row * width;
      const auto m = kind == Kind::layer ? rows::layer_moments(x_row, static_cast<T>(eps), width)
                                         : rows::rms_moments(x_row, static_cast<T>(eps), width);
      rows::normalize(x_row, m, w_data, b_data, to + row * width, width, store);
      kept[row * 3] = m.mean;
      kept[row * 3 + 1] = m.correction;
      kept[row * 3 + 2] = m.rstd;
    };
    parallel_row_tiles(count, width, rows_per_tile(width), [&](int64_t first, int64_t end) {
      for (int64_t row = first; row < end; ++row) normalize_row(row);
      flush(store);
    });
  });
  return result;
}

template <class T>
struct Operands {
  const T *g, *x, *weight, *moments;
  int64_t count, width;

  rows::Moments<T> moments_of(int64_t row) const {
    return {moments[row * 3], moments[row * 3 + 1], moments[row * 3 + 2]};
  }
};

template <class T>
void input_gradient(Kind kind, const Operands<T>& in, int64_t row, T* to, rows::Store store) {
  const T scale = T{1} / static_cast<T>(in.width);
  const int64_t at = row * in.width;
  const auto m = in.moments_of(row);
  auto sums = rows::norm_sums(in.x + at, in.g + at, in.weight, m, in.width);
  sums.gradient = kind == Kind::layer ? sums.gradient * scale : T{0};
  sums.projected *= scale;
  rows::norm_gradient(in.x + at, in.g + at, in.weight, m, sums, to + at, in.width, store);
}

// Rows that are added up one by one: of many narrow ones, a single sum would lose digits.
constexpr int64_t block_rows = 64;

// Sums over all rows of what each block of rows has added up by itself: [blocks, width] -> [width].
template <class T>
Array total(const Array& partial) {
  const int64_t blocks = partial.size(0), width = partial.size(1);
  Array sums = zeros({width}, dtype_of<T>);
  const T* from = partial.data<T>();
  for (int64_t block = 0; block < blocks; ++block)
    rows::add_scaled(T{1}, from + block * width, sums.output<T>(), width);
  return sums;
}

// All gradients in one pass: a row is in the cache for what comes after the first.
template <class T>
NormGradients gradients_of(Kind kind, const Operands<T>& in, const Shape& shape, NormNeeds needs) {
  const int64_t block = std::min(rows_per_tile(in.width), block_rows);
  const int64_t height = rows_per_tile(in.width) / block * block;
  const auto sums = [&](bool needed) {
    return needed ? zeros({divide_up(in.count, block), in.width}, dtype_of<T>) : Array();
  };
  const auto output = [](Array& x) { return x.defined() ? x.output<T>() : nullptr; };
  NormGradients d{needs.x ? Array(shape, dtype_of<T>) : Array(), sums(needs.weight),
                  sums(needs.bias)};
  T *dx = output(d.x), *dw = output(d.weight), *db = output(d.bias);
  const rows::Store store = dx ? store_of(d.x) : rows::Store::in_cache;
  parallel_row_tiles(in.count, in.width, height, [&](int64_t first, int64_t end) {
    for (int64_t row = first; row < end; ++row) {
      const int64_t at = row * in.width, sum = row / block * in.width;
      if (dx) input_gradient(kind, in, row, dx, store);
      if (dw) rows::norm_weight(in.x + at, in.g + at, in.moments_of(row), dw + sum, in.width);
      if (db) rows::add_scaled(T{1}, in.g + at, db + sum, in.width);
    }
    flush(store);
  });
  if (dw) d.weight = total<T>(d.weight);
  if (db) d.bias = total<T>(d.bias);
  return d;
}

NormGradients backward(Kind kind, const Array& g, const Array& x, const Array& weight,
                       const Array& moments, NormNeeds needs) {
  NormGradients gradients;
  visit_floating(name_of(kind), x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const Array dense_g = contiguous(g), dense_x = contiguous(x), w = dense_or_none(weight);
    const Operands<T> in{dense_g.data<T>(), dense_x.data<T>(), data_or_null<T>(w),
                         moments.data<T>(), row_count(x),      x.size(-1)};
    gradients = gradients_of(kind, in, x.shape(), needs);
    count_traffic(g, x, gradients.x);
  });
  return gradients;
}

}  // namespace

NormResult layer_norm(const Array& x, const Array& weight, const Array& bias, double eps) {
  return forward(Kind::layer, x, weight, bias, eps);
}

NormResult rms_norm(const Array& x, const Array& weight, double eps) {
  return forward(Kind::rms, x, weight, {}, eps);
}

NormGradients layer_norm_backward(const Array& g, const Array& x, const Array& weight,
                                  const Array& moments, NormNeeds needs) {
  return backward(Kind::layer, g, x, weight, moments, needs);
}

NormGradients rms_norm_backward(const Array& g, const Array& x, const Array& weight,
                                const Array& moments, NormNeeds needs) {
  return backward(Kind::rms, g, x, weight, moments, needs);
}

}  // namespace attune::kernels
