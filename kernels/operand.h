#pragma once

#include <algorithm>

#include "parallel.h"
#include "strided.h"

namespace attune::kernels {

// Elements of the stack buffers that strided operands pass through.
inline constexpr int64_t elementwise_chunk = 512;

// An operand of an elementwise loop, read as dense runs of the shape it broadcasts to.
template <class T>
class Operand {
 public:
  Operand(const Array& x, const Shape& shape)
      : base_(static_cast<const T*>(x.raw_data())), layout_(x, shape), dense_(layout_.dense()) {}

  bool dense() const { return dense_; }

  // Elements [start, start + n), n at most elementwise_chunk unless dense(); in buffer if they have
  // to be collected first.
  const T* run(int64_t start, int64_t n, T* buffer) const {
    if (dense_) return base_ + start;
    layout_.gather(base_, sizeof(T), start, n, buffer);
    return buffer;
  }

 private:
  const T* base_;
  Layout layout_;
  bool dense_;
};

// Calls f(start, n) for pieces of [0, count) with n at most elementwise_chunk, tile by tile. cost
// is the work of one element in units of an addition.
template <class F>
void for_each_chunk(int64_t count, int64_t cost, const F& f) {
  if (count <= elementwise_chunk) {
    if (count > 0) f(int64_t{0}, count);
    return;
  }
  parallel_ranges(
      count,
      [&](int64_t first, int64_t length) {
        for (int64_t start = first; start < first + length; start += elementwise_chunk)
          f(start, std::min(elementwise_chunk, first + length - start));
      },
      cost);
}

}  // namespace attune::kernels
