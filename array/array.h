#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "dtype.h"
#include "shape.h"
#include "storage.h"

namespace attune {

// A strided view of shared storage: data without gradients. A cheap handle; a copy is an alias.
// Strides are in elements and may be zero (expanded) or negative (flipped). Kernels, optimizers,
// loaders and savers speak Array, so they cannot record anything by accident.
class Array {
 public:
  // No array at all; only defined() may be asked of it.
  Array() = default;
  // Uninitialised row-major memory. ShapeError if a size is negative or the bytes overflow,
  // MemoryError if the system has less.
  Array(const Shape& shape, DType dtype);
  // A view of existing storage; the caller vouches that every element lies inside it.
  Array(Intrusive<Storage> storage, const Shape& shape, const Shape& strides, int64_t offset,
        DType dtype);

  bool defined() const { return static_cast<bool>(storage_); }
  const Shape& shape() const { return shape_; }
  const Shape& strides() const { return strides_; }
  int64_t offset() const { return offset_; }
  DType dtype() const { return dtype_; }
  int64_t dim() const { return shape_.size(); }
  // Counted from the end if negative. IndexError if there is none; a scalar has none.
  int64_t size(int64_t dim) const;
  int64_t numel() const { return shape_.numel(); }
  const Storage& storage() const { return *storage_; }
  // True if the elements lie densely in row-major order.
  bool is_contiguous() const;
  // True if both views share storage.
  bool shares_storage(const Array& other) const { return storage_ == other.storage_; }
  // True if this handle is the only owner of its storage.
  bool owns_storage_alone() const { return storage_->unique(); }

  // The first element. DTypeError if T is not the dtype; GradError inside a backward whose saved
  // value was overwritten since.
  template <class T>
  const T* data() const {
    check_dtype(dtype_of<T>);
    return static_cast<const T*>(raw_data());
  }
  // As data(), whatever the dtype.
  const void* raw_data() const {
    SavedValueGuard::check(*storage_);
    return static_cast<const std::byte*>(storage_->data()) +
           offset_ * static_cast<int64_t>(size_of(dtype_));
  }

  // Calls f(T*) with the first element for writing, and marks the storage as written, so that a
  // tape that saved the old values refuses to use the new ones. Keep no copy of the pointer.
  template <class T, class F>
  void write(F&& f) {
    check_dtype(dtype_of<T>);
    storage_->mark_written();
    f(static_cast<T*>(first_element()));
  }

  // For the kernel that fills this array right after its allocation: the first element, writable.
  // Where a tensor has the memory already, that marks it as written.
  template <class T>
  T* output() {
    check_dtype(dtype_of<T>);
    return static_cast<T*>(output_data());
  }
  void* output_data() {
    if (storage_->written() == 0) {
      storage_->forget();
    } else {
      storage_->mark_written();
    }
    return first_element();
  }
  // Records that the elements changed in place; see Storage::written.
  void mark_written() { storage_->mark_written(); }

  // Views, named as PyTorch names them. Dimensions count from the end if negative; IndexError or
  // ShapeError if they do not exist or fit.
  Array select(int64_t dim,
               int64_t index) const;  // drops dim; a negative index counts from the end
  // Elements start, start+step, … below stop; start and stop clamp as Python's do; step may be
  // negative (then from start down to, not including, stop).
  Array slice(int64_t dim, std::optional<int64_t> start, std::optional<int64_t> stop,
              int64_t step = 1) const;
  Array narrow(int64_t dim, int64_t start, int64_t length) const;
  Array transpose(int64_t dim0, int64_t dim1) const;
  Array permute(const Shape& dims) const;
  Array expand(const Shape& shape) const;  // -1 keeps a size; stride 0 where a size 1 grows
  Array unsqueeze(int64_t dim) const;
  Array squeeze(int64_t dim) const;  // unchanged where the size is not 1
  Array flip(int64_t dim) const;
  // The elements where the index along dim2 is that along dim1 plus offset, as the last dimension.
  Array diagonal(int64_t offset = 0, int64_t dim1 = 0, int64_t dim2 = 1) const;
  // The same elements in another shape, where that is possible without a copy. One size may be -1.
  std::optional<Array> try_view(const Shape& shape) const;

 private:
  friend class Tensor;  // publishes memory

  void* first_element() {
    return static_cast<std::byte*>(storage_->data()) +
           offset_ * static_cast<int64_t>(size_of(dtype_));
  }
  void check_dtype(DType dtype) const {
    if (dtype != dtype_) fail_dtype(dtype);
  }
  [[noreturn]] void fail_dtype(DType asked) const;

  Intrusive<Storage> storage_;
  int64_t offset_ = 0;
  DType dtype_ = DType::float32;
  Shape shape_, strides_;
};

// The elements as torch prints them, summarised beyond 1,000 elements. indent: how many columns
// stand before the first line, so that those below line up.
std::string to_string(const Array& array, size_t indent = 0);

}  // namespace attune
