// What goes along one dimension in order: positions of extrema, running sums.

#include <type_traits>

#include "../array/fail.h"
#include "lines.h"
#include "reduce.h"

namespace attune::kernels {
namespace {

template <bool largest, class T>
int64_t first_extremum(const T* x, int64_t n, int64_t stride) {
  int64_t best = 0;
  T value = x[0];
  for (int64_t i = 0; i < n; ++i) {
    const T next = x[i * stride];
    if (next != next) return i;
    if (largest ? next > value : next < value) {
      best = i;
      value = next;
    }
  }
  return best;
}

template <bool largest>
Array arg_extremum(const char* name, const Array& x, int64_t dim, bool keepdim) {
  dim = wrap_line_dim(name, dim, x);
  const int64_t length = x.dim() ? x.shape()[dim] : 1;
  const int64_t stride = x.dim() ? x.strides()[dim] : 1;
  if (length == 0)
    fail<ShapeError>(name, "dimension {} of {} holds no element to choose from", dim,
                     to_string(x.shape()));
  Array out(x.dim() ? reduced_shape(name, x.shape(), {dim}, keepdim) : Shape(), int64);
  visit_dtype(x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_same_v<T, BFloat16>) {
      fail_not_floating(name, x.dtype());
    } else {
      const T* from = x.data<T>();
      int64_t* to = out.output<int64_t>();
      for_each_line(x, dim, 1, [&](int64_t in, int64_t at) {
        to[at] = first_extremum<largest>(from + in, length, stride);
      });
    }
  });
  return out;
}

template <class T, class Acc, class Out>
Array running_sums(const Array& x, int64_t dim) {
  Array out(x.shape(), dtype_of<Out>);
  const int64_t length = x.dim() ? x.shape()[dim] : 1;
  const int64_t stride = x.dim() ? x.strides()[dim] : 1;
  const int64_t out_stride = stride_along(x.shape(), dim);
  const T* from = x.data<T>();
  Out* to = out.output<Out>();
  for_each_line(x, dim, length, [&](int64_t in, int64_t at) {
    Acc sum = 0;
    for (int64_t i = 0; i < length; ++i) {
      sum += static_cast<Acc>(from[in + i * stride]);
      to[at + i * out_stride] = static_cast<Out>(sum);
    }
  });
  return out;
}

}  // namespace

Array argmax(const Array& x, int64_t dim, bool keepdim) {
  return arg_extremum<true>("argmax", x, dim, keepdim);
}
Array argmin(const Array& x, int64_t dim, bool keepdim) {
  return arg_extremum<false>("argmin", x, dim, keepdim);
}

Array cumsum(const Array& x, int64_t dim) {
  dim = wrap_line_dim("cumsum", dim, x);
  if (x.dtype() == boolean) return running_sums<bool, int64_t, int64_t>(x, dim);
  if (x.dtype() == int64) return running_sums<int64_t, uint64_t, int64_t>(x, dim);
  return visit_floating("cumsum", x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    return running_sums<T, double, T>(x, dim);
  });
}

}  // namespace attune::kernels
