#include "checksum.h"

#include <array>
#include <cstring>

namespace attune::io {
namespace {

constexpr uint64_t polynomial = 0xC96C5795D7870F42;
constexpr size_t stride = 8;

// table[k][b]: what byte b contributes when k more bytes follow it in the same stride.
using Table = std::array<std::array<uint64_t, 256>, stride>;

constexpr Table make_table() {
  Table table{};
  for (size_t byte = 0; byte < 256; ++byte) {
    uint64_t value = byte;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) != 0 ? polynomial : 0);
    table[0][byte] = value;
  }
  for (size_t k = 1; k < stride; ++k)
    for (size_t byte = 0; byte < 256; ++byte)
      table[k][byte] = (table[k - 1][byte] >> 8) ^ table[0][table[k - 1][byte] & 255];
  return table;
}

constexpr Table table = make_table();

}  // namespace

void Crc64::add(const void* bytes, size_t count) {
  const auto* at = static_cast<const unsigned char*>(bytes);
  uint64_t state = state_;
  for (; count >= stride; count -= stride, at += stride) {
    uint64_t word;
    std::memcpy(&word, at, stride);
    word ^= state;
    state = 0;
    for (size_t k = 0; k < stride; ++k) state ^= table[stride - 1 - k][(word >> (8 * k)) & 255];
  }
  for (; count > 0; --count, ++at) state = (state >> 8) ^ table[0][(state ^ *at) & 255];
  state_ = state;
}

}  // namespace attune::io
