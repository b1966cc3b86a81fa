#include "shape.h"

#include "fail.h"

namespace attune {
namespace {

void check_rank(size_t rank) {
  if (rank > static_cast<size_t>(max_dims))
    fail<ShapeError>("shape", "{} dimensions; arrays have at most {}", rank, max_dims);
}

}  // namespace

Shape::Shape(std::span<const int64_t> values) : size_(static_cast<int64_t>(values.size())) {
  check_rank(values.size());
  std::copy(values.begin(), values.end(), begin());
}

Shape Shape::filled(int64_t n, int64_t value) {
  check_rank(static_cast<size_t>(n));
  Shape shape;
  shape.size_ = n;
  std::fill(shape.begin(), shape.end(), value);
  return shape;
}

void Shape::push_back(int64_t value) { insert(size_, value); }

void Shape::insert(int64_t at, int64_t value) {
  check_rank(static_cast<size_t>(size_ + 1));
  if (at < 0 || at > size_) refuse(at);
  ++size_;
  std::copy_backward(begin() + at, end() - 1, end());
  (*this)[at] = value;
}

void Shape::erase(int64_t at) {
  std::copy(begin() + static_cast<int64_t>(checked(at)) + 1, end(), begin() + at);
  --size_;
}

void Shape::refuse(int64_t i) const {
  fail<IndexError>("shape", "index {} is out of range for {}; size() counts from the end too", i,
                   to_string(*this));
}

int64_t Shape::numel() const {
  int64_t product = 1;
  for (int64_t value : *this) product *= value;
  return product;
}

std::string to_string(const Shape& shape) {
  return fmt::format("[{}]", fmt::join(shape.begin(), shape.end(), ", "));
}

Shape row_major_strides(const Shape& shape) {
  Shape strides = Shape::filled(shape.size(), 1);
  for (int64_t i = shape.size() - 2; i >= 0; --i)
    strides[i] = strides[i + 1] * std::max<int64_t>(shape[i + 1], 1);
  return strides;
}

int64_t wrap_dim(const char* operation, int64_t dim, int64_t rank) {
  // A scalar accepts 0 and -1, as in PyTorch.
  const int64_t limit = std::max<int64_t>(rank, 1);
  if (dim < -limit || dim >= limit)
    fail<IndexError>(operation, "dimension {} is out of range for {} dimensions; use {} to {}", dim,
                     rank, -limit, limit - 1);
  return dim < 0 ? dim + limit : dim;
}

Shape broadcast_shapes(const char* operation, const Shape& a, const Shape& b) {
  if (a == b) return a;
  const Shape& longer = a.size() >= b.size() ? a : b;
  const Shape& shorter = a.size() >= b.size() ? b : a;
  Shape out = longer;
  const int64_t lead = longer.size() - shorter.size();
  for (int64_t i = 0; i < shorter.size(); ++i) {
    int64_t& size = out[lead + i];
    if (size == shorter[i] || shorter[i] == 1) continue;
    if (size != 1)
      fail<ShapeError>(operation,
                       "shapes {} and {} do not broadcast: dimension {} is {} against {}; sizes "
                       "must be equal or 1",
                       to_string(a), to_string(b), lead + i - longer.size(), size, shorter[i]);
    size = shorter[i];
  }
  return out;
}

bool broadcasts_to(const Shape& from, const Shape& to) {
  const int64_t added = to.size() - from.size();
  if (added < 0) return false;
  for (int64_t d = 0; d < from.size(); ++d)
    if (from[d] != 1 && from[d] != to[added + d]) return false;
  return true;
}

Shape infer_shape(const char* operation, const Shape& shape, int64_t numel) {
  Shape out = shape;
  int64_t known = 1, spanned = 1, inferred = -1;
  bool overflow = false;
  for (int64_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == -1 && inferred < 0) {
      inferred = i;
    } else if (shape[i] < 0) {
      fail<ShapeError>(operation, "shape {} has a negative size; at most one may be -1",
                       to_string(shape));
    } else {
      // A zero elsewhere must not hide an overflow of the strides.
      overflow |= __builtin_mul_overflow(spanned, std::max<int64_t>(shape[i], 1), &spanned);
      if (!overflow) known *= shape[i];
    }
  }
  const bool ambiguous = inferred >= 0 && known == 0;
  if (inferred >= 0 && known > 0 && numel % known == 0) {
    out[inferred] = numel / known;
    known = numel;
  }
  if (overflow || known != numel || ambiguous)
    fail<ShapeError>(operation, "{} elements do not fit shape {}", numel, to_string(shape));
  return out;
}

}  // namespace attune
