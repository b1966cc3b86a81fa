#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "../array/array.h"

namespace attune::kernels {

// The offset, in elements, of the element that comes `index`-th in row-major order of shape;
// strides may go on behind the dimensions of shape.
inline int64_t offset_of(int64_t index, const Shape& shape, const Shape& strides) {
  int64_t offset = 0;
  for (int64_t d = shape.size() - 1; d >= 0; --d) {
    offset += index % shape[d] * strides[d];
    index /= shape[d];
  }
  return offset;
}

// How one operand lies in memory when its elements are visited in the row-major order of the shape
// it broadcasts to. Neighbouring dimensions that one stride can walk are merged.
class Layout {
 public:
  // The operand broadcast to shape; the caller has checked that it does.
  Layout(const Array& operand, const Shape& shape);

  // The elements are one run: element i is at base + i.
  bool dense() const { return dims_ == 0 || (dims_ == 1 && stride_[0] == 1); }

  // Copies elements [start, start + n) between their places in memory and a dense buffer.
  // element_bytes is 1, 2, 4 or 8; base points to the operand's first element.
  void gather(const void* base, size_t element_bytes, int64_t start, int64_t n, void* buffer) const;
  void scatter(void* base, size_t element_bytes, int64_t start, int64_t n,
               const void* buffer) const;

 private:
  template <class F>
  void walk(int64_t start, int64_t n, F&& segment) const;

  int64_t dims_ = 0;
  std::array<int64_t, max_dims> size_, stride_;
};

}  // namespace attune::kernels
