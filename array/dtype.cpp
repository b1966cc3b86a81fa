#include "dtype.h"

#include <bit>

#include "fail.h"

namespace attune {

BFloat16::BFloat16(float value) {
  const uint32_t word = std::bit_cast<uint32_t>(value);
  const bool nan = (word & 0x7fffffffu) > 0x7f800000u;
  // A NaN keeps its sign and stays a NaN: rounding could carry it into infinity.
  if (nan) {
    bits = static_cast<uint16_t>((word >> 16) | 0x40u);
  } else {
    bits = static_cast<uint16_t>((word + 0x7fffu + ((word >> 16) & 1u)) >> 16);
  }
}

BFloat16::operator float() const { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }

std::string_view name_of(DType dtype) {
  constexpr std::string_view names[] = {"bool", "int64", "bfloat16", "float32", "float64"};
  return names[static_cast<size_t>(dtype)];
}

void fail_not_floating(const char* operation, DType dtype) {
  fail<DTypeError>(operation, "takes float32 or float64, got {}; convert with to(float32)",
                   name_of(dtype));
}

}  // namespace attune
