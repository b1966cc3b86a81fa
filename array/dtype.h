#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

namespace attune {

// The upper half of an IEEE float32, rounded to nearest even. A storage type: convert to compute.
struct BFloat16 {
  uint16_t bits = 0;

  BFloat16() = default;
  explicit BFloat16(float value) {
    const uint32_t word = std::bit_cast<uint32_t>(value);
    const bool nan = (word & 0x7fffffffu) > 0x7f800000u;
    // A NaN keeps its sign and stays a NaN: rounding could carry it into infinity.
    bits = static_cast<uint16_t>((nan ? word | 0x400000u : word + 0x7fffu + ((word >> 16) & 1u)) >>
                                 16);
  }
  explicit operator float() const {
    return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
  }
  friend bool operator==(BFloat16, BFloat16) = default;
};

// In order of promotion: an operation on two dtypes computes in the later one.
enum class DType : uint8_t { boolean, int64, bfloat16, float32, float64 };

inline constexpr DType boolean = DType::boolean;
inline constexpr DType int64 = DType::int64;
inline constexpr DType bfloat16 = DType::bfloat16;
inline constexpr DType float32 = DType::float32;
inline constexpr DType float64 = DType::float64;

// Bytes of one element.
constexpr size_t size_of(DType dtype) {
  constexpr size_t sizes[] = {1, 8, 2, 4, 8};
  return sizes[static_cast<size_t>(dtype)];
}

constexpr bool is_floating(DType dtype) { return dtype >= DType::bfloat16; }

// The largest finite value of a floating dtype.
constexpr double largest_finite(DType dtype) {
  return dtype == float64    ? std::numeric_limits<double>::max()
         : dtype == bfloat16 ? 0x1.fep127
                             : double{std::numeric_limits<float>::max()};
}

// "float32", "bool", …
std::string_view name_of(DType dtype);
inline std::string to_string(DType dtype) { return std::string(name_of(dtype)); }

// The dtype two operands are converted to: PyTorch's order bool < int64 < bfloat16 < float32 <
// float64.
constexpr DType promote(DType a, DType b) { return a > b ? a : b; }

template <class T>
struct DTypeOf;
template <>
struct DTypeOf<bool> {
  static constexpr DType value = DType::boolean;
};
template <>
struct DTypeOf<int64_t> {
  static constexpr DType value = DType::int64;
};
template <>
struct DTypeOf<BFloat16> {
  static constexpr DType value = DType::bfloat16;
};
template <>
struct DTypeOf<float> {
  static constexpr DType value = DType::float32;
};
template <>
struct DTypeOf<double> {
  static constexpr DType value = DType::float64;
};

// The DType of a C++ element type: dtype_of<float> == float32.
template <class T>
inline constexpr DType dtype_of = DTypeOf<T>::value;

template <class T>
struct TypeTag {
  using type = T;
};

// Calls f(TypeTag<T>{}) with the element type of dtype.
template <class F>
decltype(auto) visit_dtype(DType dtype, F&& f) {
  switch (dtype) {
    case DType::boolean:
      return f(TypeTag<bool>{});
    case DType::int64:
      return f(TypeTag<int64_t>{});
    case DType::bfloat16:
      return f(TypeTag<BFloat16>{});
    case DType::float32:
      return f(TypeTag<float>{});
    case DType::float64:
      break;
  }
  return f(TypeTag<double>{});
}

// Throws the DTypeError of an operation that computes in float32 and float64 only.
[[noreturn]] void fail_not_floating(const char* operation, DType dtype);

// Calls f with float or double; any other dtype is a DTypeError in the operation's name.
template <class F>
decltype(auto) visit_floating(const char* operation, DType dtype, F&& f) {
  if (dtype == DType::float32) return f(TypeTag<float>{});
  if (dtype != DType::float64) fail_not_floating(operation, dtype);
  return f(TypeTag<double>{});
}

}  // namespace attune
