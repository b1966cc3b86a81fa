#include "index.h"

#include <algorithm>
#include <cstring>

#include "../array/fail.h"
#include "../array/trace.h"
#include "copy.h"
#include "parallel.h"
#include "strided.h"

namespace attune::kernels {
namespace {

// A dense array as [outer, n, inner] around one dimension.
struct Around {
  int64_t outer = 1, n = 1, inner = 1;

  Around(const Shape& shape, int64_t dim) : n(shape[dim]) {
    for (int64_t d = 0; d < dim; ++d) outer *= shape[d];
    for (int64_t d = dim + 1; d < shape.size(); ++d) inner *= shape[d];
  }
};

int64_t wrap(int64_t index, int64_t size) { return index < 0 ? index + size : index; }

constexpr int64_t tile_columns = 256;

// Calls f with the element type of a dtype that can be added up; of bool, by "or".
template <class F>
void visit_summable(const char* operation, DType dtype, F&& f) {
  if (dtype == boolean) return f(TypeTag<bool>{});
  if (dtype == int64) return f(TypeTag<int64_t>{});
  visit_floating(operation, dtype, f);
}

// int64 wraps around.
template <class T>
void add_to(T& sum, T value) {
  if constexpr (std::is_same_v<T, int64_t>)
    sum = static_cast<T>(static_cast<uint64_t>(sum) + static_cast<uint64_t>(value));
  else
    sum += value;
}

// The positions of an index beside dim, one for each line along it.
Shape lines_along(Shape shape, int64_t dim) {
  shape[dim] = 1;
  return shape;
}

}  // namespace

void check_indices(const char* operation, const Array& indices, int64_t size) {
  if (indices.dtype() != int64)
    fail<DTypeError>(operation, "indices are {}; convert them with to(int64)",
                     name_of(indices.dtype()));
  const Array dense = contiguous(indices);
  const int64_t* index = dense.data<int64_t>();
  for (int64_t i = 0; i < dense.numel(); ++i)
    if (index[i] < -size || index[i] >= size)
      fail<IndexError>(operation, "index {} at position {} is out of range for size {}", index[i],
                       i, size);
}

Array index_select(const Array& x, int64_t dim, const Array& indices) {
  const Array dense = contiguous(x), picks = contiguous(indices);
  Shape shape = x.shape();
  shape[dim] = picks.numel();
  Array out(shape, x.dtype());
  count_traffic(out, out);
  const Around from(x.shape(), dim), to(shape, dim);
  const int64_t* index = picks.data<int64_t>();
  const auto bytes = static_cast<size_t>(from.inner) * size_of(x.dtype());
  const auto* source = static_cast<const std::byte*>(dense.raw_data());
  auto* target = static_cast<std::byte*>(out.output_data());
  if (bytes == 0) return out;
  parallel_tiles(to.outer * to.n, out.numel(), [&](int64_t row) {
    const int64_t at = row / to.n * from.n + wrap(index[row % to.n], from.n);
    std::memcpy(target + static_cast<size_t>(row) * bytes, source + static_cast<size_t>(at) * bytes,
                bytes);
  });
  return out;
}

void index_add_into(Array& into, int64_t dim, const Array& indices, const Array& source) {
  const Array dense = contiguous(source), picks = contiguous(indices);
  count_traffic(source, source, source);
  const Around to(into.shape(), dim), from(source.shape(), dim);
  const int64_t* index = picks.data<int64_t>();
  visit_summable("index_add", into.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T* values = dense.data<T>();
    T* sums = into.output<T>();
    // A tile owns columns, so that repeated rows add up in one order whatever the threads.
    const int64_t tiles = divide_up(to.inner, tile_columns);
    parallel_tiles(to.outer * tiles, dense.numel(), [&](int64_t tile) {
      const int64_t outer = tile / tiles, first = tile % tiles * tile_columns;
      const int64_t last = std::min(first + tile_columns, to.inner);
      for (int64_t i = 0; i < from.n; ++i) {
        const T* row = values + (outer * from.n + i) * from.inner;
        T* sum = sums + (outer * to.n + wrap(index[i], to.n)) * to.inner;
        for (int64_t k = first; k < last; ++k) add_to(sum[k], row[k]);
      }
    });
  });
}

Array gather(const Array& x, int64_t dim, const Array& index) {
  Array out(index.shape(), x.dtype());
  if (out.numel() == 0) return out;
  const Array dense_index = contiguous(index);
  const int64_t* picks = dense_index.data<int64_t>();
  const Shape lines = lines_along(index.shape(), dim);
  const int64_t n = index.shape()[dim], size = x.shape()[dim], stride = x.strides()[dim];
  const int64_t step = out.strides()[dim];
  visit_dtype(x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T* from = x.data<T>();
    T* to = out.output<T>();
    parallel_tiles(lines.numel(), out.numel(), [&](int64_t line) {
      const T* source = from + offset_of(line, lines, x.strides());
      const int64_t base = offset_of(line, lines, out.strides());
      for (int64_t i = 0; i < n; ++i)
        to[base + i * step] = source[wrap(picks[base + i * step], size) * stride];
    });
  });
  return out;
}

void scatter_add_into(Array& into, int64_t dim, const Array& index, const Array& source) {
  if (index.numel() == 0) return;
  const Array dense_index = contiguous(index);
  const int64_t* picks = dense_index.data<int64_t>();
  const Shape lines = lines_along(index.shape(), dim);
  const int64_t n = index.shape()[dim], size = into.shape()[dim], stride = into.strides()[dim];
  const int64_t index_step = dense_index.strides()[dim], source_step = source.strides()[dim];
  visit_summable("scatter_add", into.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T* from = source.data<T>();
    T* to = into.output<T>();
    // A line along dim is written by nobody else: its own order is the order of the sums.
    parallel_tiles(lines.numel(), index.numel(), [&](int64_t line) {
      const int64_t* pick = picks + offset_of(line, lines, dense_index.strides());
      const T* value = from + offset_of(line, lines, source.strides());
      T* sum = to + offset_of(line, lines, into.strides());
      for (int64_t i = 0; i < n; ++i)
        add_to(sum[wrap(pick[i * index_step], size) * stride], value[i * source_step]);
    });
  });
}

Array cat(const std::vector<Array>& arrays, int64_t dim) {
  Shape shape = arrays[0].shape();
  shape[dim] = 0;
  for (const Array& array : arrays)
    if (__builtin_add_overflow(shape[dim], array.shape()[dim], &shape[dim]))
      fail<ShapeError>("cat", "{} arrays as long as {} are more than can be addressed",
                       arrays.size(), to_string(array.shape()));
  Array out(shape, arrays[0].dtype());
  int64_t at = 0;
  for (const Array& array : arrays) {
    Array place = out.narrow(dim, at, array.shape()[dim]);
    copy_into(place, array);
    at += array.shape()[dim];
  }
  return out;
}

}  // namespace attune::kernels
