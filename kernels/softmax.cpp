#include "softmax.h"

#include <cmath>

#include "../array/trace.h"
#include "copy.h"
#include "row_tiles.h"
#include "rows.h"

namespace attune::kernels {
namespace {

struct Rows {
  int64_t count, width;
};

Rows rows_of(const Array& x) {
  const int64_t width = x.dim() == 0 ? 1 : x.size(-1);
  return {width == 0 ? 0 : x.numel() / width, width};
}

// f(row of x, row of out, width) for every row of a fresh array.
template <class F>
Array map_rows(const char* name, const Array& x, const F& f) {
  Array out(x.shape(), x.dtype());
  count_traffic(x, out);
  visit_floating(name, x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const Array dense = contiguous(x);
    const T* from = dense.data<T>();
    T* to = out.output<T>();
    const auto [count, width] = rows_of(x);
    parallel_rows(count, width,
                  [&, n = width](int64_t row) { f(from + row * n, to + row * n, n); });
  });
  return out;
}

template <class F>
Array map_rows(const char* name, const Array& g, const Array& y, const F& f) {
  Array out(y.shape(), y.dtype());
  count_traffic(g, y, out);
  visit_floating(name, y.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const Array dense_g = contiguous(g), dense_y = contiguous(y);
    const T *from_g = dense_g.data<T>(), *from_y = dense_y.data<T>();
    T* to = out.output<T>();
    const auto [count, width] = rows_of(y);
    parallel_rows(count, width, [&, n = width](int64_t row) {
      f(from_g + row * n, from_y + row * n, to + row * n, n);
    });
  });
  return out;
}

}  // namespace

Array softmax(const Array& x) {
  return map_rows("softmax", x, []<class T>(const T* from, T* to, int64_t n) {
    const T sum = rows::exp_into(from, rows::maximum(from, n), to, n);
    rows::affine(to, 1 / sum, T{0}, to, n);
  });
}

Array log_softmax(const Array& x) {
  return map_rows("log_softmax", x, []<class T>(const T* from, T* to, int64_t n) {
    // Two steps, so that a large maximum does not swallow the logarithm.
    rows::affine(from, T{1}, -rows::maximum(from, n), to, n);
    rows::affine(to, T{1}, -std::log(rows::sum_exp(to, T{0}, n)), to, n);
  });
}

Array softmax_backward(const Array& g, const Array& y) {
  return map_rows("softmax", g, y, [](const auto* g_row, const auto* y_row, auto* to, int64_t n) {
    rows::scale_shifted(y_row, g_row, rows::dot(y_row, g_row, n), to, n);
  });
}

Array log_softmax_backward(const Array& g, const Array& y) {
  return map_rows("log_softmax", g, y,
                  [](const auto* g_row, const auto* y_row, auto* to, int64_t n) {
                    rows::subtract_exp(y_row, g_row, rows::sum(g_row, n), to, n);
                  });
}

}  // namespace attune::kernels
