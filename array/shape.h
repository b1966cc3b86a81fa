#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

namespace attune {

// Most dimensions an array can have. Shapes live inline, without allocation.
inline constexpr int max_dims = 12;

// A short list of int64: the sizes of an array's dimensions, its strides, or dimension numbers.
class Shape {
 public:
  Shape() = default;
  Shape(std::initializer_list<int64_t> values) : Shape(std::span(values.begin(), values.size())) {}
  explicit Shape(std::span<const int64_t> values);
  // One dimension: sum(x, 0), zeros(3).
  template <std::integral T>
  requires(!std::same_as<T, bool>) Shape(T value) : Shape({static_cast<int64_t>(value)}) {}
  // n copies of value.
  static Shape filled(int64_t n, int64_t value);

  int64_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  // Counted from 0: IndexError unless 0 <= i < size().
  int64_t operator[](int64_t i) const { return values_[checked(i)]; }
  int64_t& operator[](int64_t i) { return values_[checked(i)]; }
  const int64_t* begin() const { return values_.data(); }
  const int64_t* end() const { return values_.data() + size_; }
  int64_t* begin() { return values_.data(); }
  int64_t* end() { return values_.data() + size_; }
  int64_t back() const { return values_[checked(size_ - 1)]; }

  void push_back(int64_t value);
  // IndexError if there is no such place.
  void insert(int64_t at, int64_t value);
  void erase(int64_t at);

  // The product of all values; 1 for the shape of a scalar.
  int64_t numel() const;

  friend bool operator==(const Shape& a, const Shape& b) {
    return a.size_ == b.size_ && std::equal(a.begin(), a.end(), b.begin());
  }

 private:
  size_t checked(int64_t i) const {
    if (static_cast<uint64_t>(i) >= static_cast<uint64_t>(size_)) [[unlikely]]
      refuse(i);
    return static_cast<size_t>(i);
  }
  [[noreturn]] void refuse(int64_t i) const;

  int64_t size_ = 0;
  std::array<int64_t, max_dims> values_;
};

// "[8, 32, 65]"
std::string to_string(const Shape& shape);
template <std::integral T>
std::string to_string(T) = delete;  // would be a shape

// Strides of a dense row-major array, in elements.
Shape row_major_strides(const Shape& shape);

// dim counted from the end if negative, as an index below rank. IndexError names the operation.
int64_t wrap_dim(const char* operation, int64_t dim, int64_t rank);

// The shape two operands broadcast to under NumPy's rules. ShapeError names the operation.
Shape broadcast_shapes(const char* operation, const Shape& a, const Shape& b);
// Whether an operand of shape `from` broadcasts to that of shape `to`, which stays as it is.
bool broadcasts_to(const Shape& from, const Shape& to);

// shape with one dimension inferred where it is -1, checked to hold numel elements.
Shape infer_shape(const char* operation, const Shape& shape, int64_t numel);

}  // namespace attune
