#include "sort.h"

#include "../array/fail.h"
#include "lines.h"

namespace attune::kernels {
namespace {

template <class T>
struct Entry {
  T value;
  int64_t index;
};

// A strict order of entries that no two share: NaN above all, then by index.
template <class T, bool descending>
bool before(const Entry<T>& a, const Entry<T>& b) {
  const auto less = [](T x, T y) { return x < y || (x == x && y != y); };
  if (descending ? less(b.value, a.value) : less(a.value, b.value)) return true;
  if (descending ? less(a.value, b.value) : less(b.value, a.value)) return false;
  return a.index < b.index;
}

// The first k positions of every line along dim in the order.
template <class T, bool descending>
Array first_positions(const Array& x, int64_t k, int64_t dim) {
  Shape shape = x.shape();
  if (x.dim()) shape[dim] = k;
  Array out(shape, int64);
  if (out.numel() == 0) return out;
  const int64_t length = x.dim() ? x.shape()[dim] : 1;
  const int64_t stride = x.dim() ? x.strides()[dim] : 1;
  const int64_t out_stride = stride_along(shape, dim);
  const T* from = x.data<T>();
  int64_t* to = out.output<int64_t>();
  const auto sort_line = [&](int64_t in, int64_t at, Entry<T>* entries) {
    for (int64_t i = 0; i < length; ++i) entries[i] = {from[in + i * stride], i};
    if (k == length) {
      std::sort(entries, entries + length, before<T, descending>);
    } else {
      std::partial_sort(entries, entries + k, entries + length, before<T, descending>);
    }
    for (int64_t i = 0; i < k; ++i) to[at + i * out_stride] = entries[i].index;
  };
  for_each_line_with_scratch<Entry<T>>(length, x, dim, k, sort_line);
  return out;
}

Array ordered(const char* name, const Array& x, int64_t k, int64_t dim, bool descending) {
  return visit_dtype(x.dtype(), [&](auto tag) -> Array {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_same_v<T, BFloat16>) {
      fail_not_floating(name, x.dtype());
    } else {
      return descending ? first_positions<T, true>(x, k, dim)
                        : first_positions<T, false>(x, k, dim);
    }
  });
}

}  // namespace

Array argsort(const Array& x, int64_t dim, bool descending) {
  dim = wrap_line_dim("sort", dim, x);
  return ordered("sort", x, x.dim() ? x.shape()[dim] : 1, dim, descending);
}

Array arg_topk(const Array& x, int64_t k, int64_t dim, bool largest) {
  dim = wrap_line_dim("topk", dim, x);
  const int64_t length = x.dim() ? x.shape()[dim] : 1;
  if (k < 0 || k > length)
    fail<ShapeError>("topk", "{} elements asked for along dimension {} of {}; use 0 to {}", k, dim,
                     to_string(x.shape()), length);
  if (x.dim() == 0) return ordered("topk", x, 1, 0, largest);
  return ordered("topk", x, k, dim, largest);
}

}  // namespace attune::kernels
