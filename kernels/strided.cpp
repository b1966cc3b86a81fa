#include "strided.h"

#include <algorithm>
#include <cstring>

namespace attune::kernels {
namespace {

template <class T>
void gather_segment(const T* from, int64_t stride, int64_t n, T* to) {
  if (stride == 1) {
    std::memcpy(to, from, static_cast<size_t>(n) * sizeof(T));
  } else if (stride == 0) {
    std::fill_n(to, n, *from);
  } else {
    for (int64_t i = 0; i < n; ++i) to[i] = from[i * stride];
  }
}

template <class T>
void scatter_segment(const T* from, int64_t stride, int64_t n, T* to) {
  if (stride == 1) {
    std::memcpy(to, from, static_cast<size_t>(n) * sizeof(T));
  } else {
    for (int64_t i = 0; i < n; ++i) to[i * stride] = from[i];
  }
}

// Elements are moved as unsigned words of their size.
template <class F>
void visit_word(size_t bytes, F&& f) {
  switch (bytes) {
    case 1:
      return f(uint8_t{});
    case 2:
      return f(uint16_t{});
    case 4:
      return f(uint32_t{});
    default:
      return f(uint64_t{});
  }
}

}  // namespace

Layout::Layout(const Array& operand, const Shape& shape) {
  const int64_t lead = shape.size() - operand.dim();
  for (int64_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == 1) continue;
    const bool repeated = i < lead || operand.shape()[i - lead] == 1;
    const int64_t stride = repeated ? 0 : operand.strides()[i - lead];
    if (dims_ > 0) {
      const auto last = static_cast<size_t>(dims_ - 1);
      if (stride_[last] == stride * shape[i]) {
        size_[last] *= shape[i];
        stride_[last] = stride;
        continue;
      }
    }
    size_[static_cast<size_t>(dims_)] = shape[i];
    stride_[static_cast<size_t>(dims_++)] = stride;
  }
}

// Calls segment(offset, stride, done, count) for every piece of a row in [start, start + n).
template <class F>
void Layout::walk(int64_t start, int64_t n, F&& segment) const {
  if (dims_ == 0) return segment(int64_t{0}, int64_t{0}, int64_t{0}, n);
  std::array<int64_t, max_dims> index;
  int64_t offset = 0, rest = start;
  for (int64_t d = dims_ - 1; d >= 0; --d) {
    const auto at = static_cast<size_t>(d);
    index[at] = rest % size_[at];
    rest /= size_[at];
    offset += index[at] * stride_[at];
  }
  const auto inner = static_cast<size_t>(dims_ - 1);
  for (int64_t done = 0;;) {
    const int64_t count = std::min(n - done, size_[inner] - index[inner]);
    segment(offset, stride_[inner], done, count);
    done += count;
    if (done == n) return;
    offset -= index[inner] * stride_[inner];
    index[inner] = 0;
    // There is more, so some dimension further out has another index.
    for (size_t d = inner - 1;; --d) {
      offset += stride_[d];
      if (++index[d] < size_[d]) break;
      offset -= size_[d] * stride_[d];
      index[d] = 0;
    }
  }
}

void Layout::gather(const void* base, size_t element_bytes, int64_t start, int64_t n,
                    void* buffer) const {
  visit_word(element_bytes, [&](auto word) {
    using T = decltype(word);
    walk(start, n, [&](int64_t offset, int64_t stride, int64_t done, int64_t count) {
      gather_segment(static_cast<const T*>(base) + offset, stride, count,
                     static_cast<T*>(buffer) + done);
    });
  });
}

void Layout::scatter(void* base, size_t element_bytes, int64_t start, int64_t n,
                     const void* buffer) const {
  visit_word(element_bytes, [&](auto word) {
    using T = decltype(word);
    walk(start, n, [&](int64_t offset, int64_t stride, int64_t done, int64_t count) {
      scatter_segment(static_cast<const T*>(buffer) + done, stride, count,
                      static_cast<T*>(base) + offset);
    });
  });
}

}  // namespace attune::kernels
