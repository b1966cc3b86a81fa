#include "array.h"

#include <new>

#include "fail.h"

namespace attune {
namespace {

size_t checked_bytes(const char* operation, const Shape& shape, DType dtype) {
  int64_t bytes = static_cast<int64_t>(size_of(dtype));
  for (int64_t size : shape) {
    if (size < 0) fail<ShapeError>(operation, "shape {} has a negative size", to_string(shape));
    // A zero elsewhere must not hide an overflow of the strides.
    if (__builtin_mul_overflow(bytes, std::max<int64_t>(size, 1), &bytes))
      fail<ShapeError>(operation, "shape {} of {} needs more bytes than can be addressed",
                       to_string(shape), name_of(dtype));
  }
  return shape.numel() == 0 ? 0 : static_cast<size_t>(bytes);
}

Intrusive<Storage> storage_for(const Shape& shape, DType dtype) {
  const size_t bytes = checked_bytes("array", shape, dtype);
  try {
    return Storage::allocate(bytes);
  } catch (const std::bad_alloc&) {
    fail<MemoryError>("array", "shape {} of {} takes {} bytes, more than the system has free",
                      to_string(shape), name_of(dtype), bytes);
  }
}

}  // namespace

Array::Array(const Shape& shape, DType dtype)
    : storage_(storage_for(shape, dtype)),
      dtype_(dtype),
      shape_(shape),
      strides_(row_major_strides(shape)) {}

Array::Array(Intrusive<Storage> storage, const Shape& shape, const Shape& strides, int64_t offset,
             DType dtype)
    : storage_(std::move(storage)),
      offset_(offset),
      dtype_(dtype),
      shape_(shape),
      strides_(strides) {}

void Array::fail_dtype(DType asked) const {
  fail<DTypeError>("data", "asked for {}, the array holds {}", name_of(asked), name_of(dtype_));
}

int64_t Array::size(int64_t dim) const {
  if (shape_.empty()) fail<IndexError>("size", "a scalar has no dimension {}", dim);
  return shape_[wrap_dim("size", dim, this->dim())];
}

bool Array::is_contiguous() const {
  if (numel() == 0) return true;
  int64_t dense = 1;
  for (int64_t i = dim() - 1; i >= 0; --i) {
    if (shape_[i] != 1 && strides_[i] != dense) return false;
    dense *= shape_[i];
  }
  return true;
}

Array Array::select(int64_t dim, int64_t index) const {
  if (this->dim() == 0) fail<IndexError>("select", "a scalar has no dimension to select from");
  dim = wrap_dim("select", dim, this->dim());
  const int64_t n = shape_[dim];
  if (index < -n || index >= n)
    fail<IndexError>("select", "index {} is out of range for dimension {} of shape {}", index, dim,
                     to_string(shape_));
  Array view = *this;
  view.offset_ += (index < 0 ? index + n : index) * strides_[dim];
  view.shape_.erase(dim);
  view.strides_.erase(dim);
  return view;
}

Array Array::slice(int64_t dim, std::optional<int64_t> start, std::optional<int64_t> stop,
                   int64_t step) const {
  if (this->dim() == 0) fail<IndexError>("slice", "a scalar has no dimension to slice");
  if (step == 0) fail<ValueError>("slice", "step is 0; use a positive or negative step");
  dim = wrap_dim("slice", dim, this->dim());
  const int64_t n = shape_[dim];
  const int64_t low = step > 0 ? 0 : -1, high = step > 0 ? n : n - 1;
  auto clamp = [&](std::optional<int64_t> at, int64_t missing) {
    if (!at) return missing;
    return std::clamp(*at < 0 ? *at + n : *at, low, high);
  };
  const int64_t first = clamp(start, step > 0 ? low : high);
  const int64_t last = clamp(stop, step > 0 ? high : low);
  const int64_t span = step > 0 ? last - first : first - last;
  const uint64_t stride = step > 0 ? static_cast<uint64_t>(step) : -static_cast<uint64_t>(step);
  Array view = *this;
  view.shape_[dim] =
      span <= 0 ? 0 : static_cast<int64_t>((static_cast<uint64_t>(span) - 1) / stride + 1);
  if (view.shape_[dim] > 0) view.offset_ += first * strides_[dim];
  if (view.shape_[dim] > 1) view.strides_[dim] *= step;
  return view;
}

Array Array::narrow(int64_t dim, int64_t start, int64_t length) const {
  if (this->dim() == 0) fail<IndexError>("narrow", "a scalar has no dimension to narrow");
  dim = wrap_dim("narrow", dim, this->dim());
  const int64_t n = shape_[dim];
  if (start < -n || start > n || length < 0 || length > n - (start < 0 ? start + n : start))
    fail<IndexError>("narrow", "start {} and length {} do not lie inside dimension {} of shape {}",
                     start, length, dim, to_string(shape_));
  Array view = *this;
  view.offset_ += (start < 0 ? start + n : start) * strides_[dim];
  view.shape_[dim] = length;
  return view;
}

Array Array::transpose(int64_t dim0, int64_t dim1) const {
  dim0 = wrap_dim("transpose", dim0, dim());
  dim1 = wrap_dim("transpose", dim1, dim());
  Array view = *this;
  if (dim() == 0) return view;
  std::swap(view.shape_[dim0], view.shape_[dim1]);
  std::swap(view.strides_[dim0], view.strides_[dim1]);
  return view;
}

Array Array::permute(const Shape& dims) const {
  if (dims.size() != dim())
    fail<ShapeError>("permute", "{} dimensions named for shape {}", dims.size(), to_string(shape_));
  Array view = *this;
  Shape seen = Shape::filled(dim(), 0);
  for (int64_t i = 0; i < dim(); ++i) {
    const int64_t from = wrap_dim("permute", dims[i], dim());
    if (seen[from]++)
      fail<ShapeError>("permute", "dimension {} is named twice in {}", from, to_string(dims));
    view.shape_[i] = shape_[from];
    view.strides_[i] = strides_[from];
  }
  return view;
}

Array Array::expand(const Shape& shape) const {
  const int64_t lead = shape.size() - dim();
  Array view = *this;
  view.shape_ = shape;
  view.strides_ = Shape::filled(shape.size(), 0);
  auto refuse = [&]() {
    fail<ShapeError>("expand", "{} does not expand to {}; sizes must be equal or grow from 1",
                     to_string(shape_), to_string(shape));
  };
  if (lead < 0) refuse();
  for (int64_t i = 0; i < shape.size(); ++i) {
    const int64_t from = i - lead;
    if (from < 0) {
      if (shape[i] < 0) refuse();
      continue;
    }
    if (shape[i] == -1) view.shape_[i] = shape_[from];
    if (view.shape_[i] == shape_[from]) {
      view.strides_[i] = strides_[from];
    } else if (shape_[from] != 1 || shape[i] < 0) {
      refuse();
    }
  }
  checked_bytes("expand", view.shape_, dtype_);
  return view;
}

Array Array::unsqueeze(int64_t dim) const {
  if (this->dim() == max_dims)
    fail<ShapeError>("unsqueeze", "shape {} has {} dimensions already, the most there can be",
                     to_string(shape_), max_dims);
  dim = wrap_dim("unsqueeze", dim, this->dim() + 1);
  Array view = *this;
  const int64_t stride = dim < this->dim() ? shape_[dim] * strides_[dim] : 1;
  view.shape_.insert(dim, 1);
  view.strides_.insert(dim, stride);
  return view;
}

Array Array::squeeze(int64_t dim) const {
  dim = wrap_dim("squeeze", dim, this->dim());
  Array view = *this;
  if (this->dim() == 0 || shape_[dim] != 1) return view;
  view.shape_.erase(dim);
  view.strides_.erase(dim);
  return view;
}

Array Array::flip(int64_t dim) const {
  dim = wrap_dim("flip", dim, this->dim());
  Array view = *this;
  if (this->dim() == 0 || shape_[dim] < 2) return view;
  view.offset_ += (shape_[dim] - 1) * strides_[dim];
  view.strides_[dim] = -strides_[dim];
  return view;
}

Array Array::diagonal(int64_t offset, int64_t dim1, int64_t dim2) const {
  if (dim() < 2)
    fail<ShapeError>("diagonal", "shape {} has fewer than 2 dimensions", to_string(shape_));
  dim1 = wrap_dim("diagonal", dim1, dim());
  dim2 = wrap_dim("diagonal", dim2, dim());
  if (dim1 == dim2) fail<ValueError>("diagonal", "both dimensions are {}; name two", dim1);
  Array view = *this;
  const int64_t row = std::max<int64_t>(0, -std::max(offset, -shape_[dim1]));
  const int64_t column = std::max<int64_t>(0, std::min(offset, shape_[dim2]));
  const int64_t length = std::min(shape_[dim1] - row, shape_[dim2] - column);
  if (length > 0) view.offset_ += row * strides_[dim1] + column * strides_[dim2];
  view.shape_.erase(std::max(dim1, dim2));
  view.shape_.erase(std::min(dim1, dim2));
  view.strides_.erase(std::max(dim1, dim2));
  view.strides_.erase(std::min(dim1, dim2));
  view.shape_.push_back(length);
  view.strides_.push_back(strides_[dim1] + strides_[dim2]);
  return view;
}

std::optional<Array> Array::try_view(const Shape& asked) const {
  const Shape shape = infer_shape("view", asked, numel());
  Array view = *this;
  view.shape_ = shape;
  view.strides_ = row_major_strides(shape);
  if (is_contiguous()) return view;
  // Each run of old dimensions that is dense in itself may be cut anew; walk both from the right.
  int64_t to = shape.size() - 1;
  for (int64_t from = dim() - 1; from >= 0;) {
    int64_t run = shape_[from];
    const int64_t stride = strides_[from--];
    while (from >= 0 && (shape_[from] == 1 || strides_[from] == run * stride))
      run *= shape_[from--];
    int64_t cut = 1;
    while (to >= 0 && cut * shape[to] <= run) {
      view.strides_[to] = cut * stride;
      cut *= shape[to--];
    }
    if (cut != run) return std::nullopt;
  }
  return view;
}

}  // namespace attune
