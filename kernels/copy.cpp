#include "copy.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <type_traits>

#include "../array/fail.h"
#include "../array/trace.h"
#include "parallel.h"
#include "strided.h"

namespace attune::kernels {
namespace {

constexpr int64_t chunk_size = 512;

template <class To, class From>
To cast(From value) {
  if constexpr (std::is_same_v<From, BFloat16>) {
    return cast<To>(static_cast<float>(value));
  } else if constexpr (std::is_same_v<To, bool>) {
    return value != From{};
  } else if constexpr (std::is_same_v<To, BFloat16>) {
    return BFloat16(static_cast<float>(value));
  } else if constexpr (std::is_same_v<To, int64_t> && std::is_floating_point_v<From>) {
    return std::abs(value) < From{0x1p63} ? static_cast<int64_t>(value)
                                          : std::numeric_limits<int64_t>::min();
  } else {
    return static_cast<To>(value);
  }
}

// Elements [start, start + count) of from, converted, into a dense run.
template <class To, class From>
void convert_run(const From* from, const Layout& layout, int64_t start, int64_t count, To* to) {
  From buffer[chunk_size];
  for (int64_t done = 0; done < count; done += chunk_size) {
    const int64_t n = std::min(chunk_size, count - done);
    const From* source = from + start + done;
    if (!layout.dense()) {
      layout.gather(from, sizeof(From), start + done, n, buffer);
      source = buffer;
    }
    for (int64_t i = 0; i < n; ++i) to[done + i] = cast<To>(source[i]);
  }
}

void convert_into_dense(void* to, DType dtype, const Array& from, const Shape& shape) {
  const Layout layout(from, shape);
  const void* source = from.raw_data();
  const int64_t n = shape.numel();
  if (from.dtype() == dtype) {
    const size_t bytes = size_of(dtype);
    parallel_ranges(n, [&](int64_t start, int64_t count) {
      layout.gather(source, bytes, start, count,
                    static_cast<std::byte*>(to) + static_cast<size_t>(start) * bytes);
    });
    return;
  }
  visit_dtype(dtype, [&]<class To>(TypeTag<To>) {
    visit_dtype(from.dtype(), [&]<class From>(TypeTag<From>) {
      parallel_ranges(n, [&](int64_t start, int64_t count) {
        convert_run(static_cast<const From*>(source), layout, start, count,
                    static_cast<To*>(to) + start);
      });
    });
  });
}

}  // namespace

Array full(const Shape& shape, DType dtype, double value) {
  if (dtype == int64) whole_part("full", value);
  Array out(shape, dtype);
  count_traffic(out);
  visit_dtype(dtype, [&]<class T>(TypeTag<T>) {
    T* to = out.output<T>();
    const T element = cast<T>(value);
    parallel_ranges(out.numel(),
                    [&](int64_t start, int64_t count) { std::fill_n(to + start, count, element); });
  });
  return out;
}

double whole_part(const char* operation, double value) {
  if (!(value >= -0x1p63 && value < 0x1p63))
    fail<ValueError>(operation, "{} is no int64; those end at ±2^63", value);
  return std::trunc(value);
}

Array zeros(const Shape& shape, DType dtype) { return full(shape, dtype, 0); }
Array ones(const Shape& shape, DType dtype) { return full(shape, dtype, 1); }

Array arange(int64_t n) {
  Array out({n}, int64);
  std::iota(out.output<int64_t>(), out.output<int64_t>() + n, int64_t{0});
  return out;
}

Array clone(const Array& x) {
  Array out(x.shape(), x.dtype());
  count_traffic(x, out);
  convert_into_dense(out.output_data(), out.dtype(), x, x.shape());
  return out;
}

Array contiguous(const Array& x) { return x.is_contiguous() ? x : clone(x); }

Array convert(const Array& x, DType dtype) {
  if (x.dtype() == dtype) return x;
  Array out(x.shape(), dtype);
  count_traffic(x, out);
  convert_into_dense(out.output_data(), dtype, x, x.shape());
  return out;
}

Array reshape(const Array& x, const Shape& shape) {
  if (auto view = x.try_view(shape)) return *view;
  return *clone(x).try_view(shape);
}

void copy_into(Array& to, const Array& from) {
  if (!(broadcast_shapes("copy", to.shape(), from.shape()) == to.shape()))
    fail<ShapeError>("copy", "{} does not broadcast to {}", to_string(from.shape()),
                     to_string(to.shape()));
  if (to.shares_storage(from)) return copy_into(to, clone(from));
  count_traffic(from, to);
  if (to.is_contiguous()) return convert_into_dense(to.output_data(), to.dtype(), from, to.shape());
  Array dense = from;
  if (from.dtype() != to.dtype() || from.shape() != to.shape() || !from.is_contiguous()) {
    dense = Array(to.shape(), to.dtype());
    convert_into_dense(dense.output_data(), to.dtype(), from, to.shape());
  }
  const Layout layout(to, to.shape());
  void* target = to.output_data();
  const std::byte* source = static_cast<const std::byte*>(dense.raw_data());
  const size_t bytes = size_of(to.dtype());
  parallel_ranges(to.numel(), [&](int64_t start, int64_t count) {
    layout.scatter(target, bytes, start, count, source + static_cast<size_t>(start) * bytes);
  });
}

}  // namespace attune::kernels
