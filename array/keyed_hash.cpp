#include "keyed_hash.h"

#include <bit>
#include <cstring>
#include <random>

namespace attune {
namespace {

constexpr uint64_t prime = (uint64_t{1} << 61) - 1;
constexpr size_t word_size = 7;  // bytes, so that a word is less than the prime

template <class T>
uint64_t load(const char* bytes) {
  static_assert(std::endian::native == std::endian::little);
  T value;
  std::memcpy(&value, bytes, sizeof(value));
  return value;
}

// Fewer than 8 bytes as a number, the first the lowest. In loads that may overlap, since copying a
// number of bytes that varies is a call.
uint64_t last_word(const char* bytes, size_t count) {
  if (count == 0) return 0;
  const auto at = [&](size_t i) { return load<uint8_t>(bytes + i) << 8 * i; };
  if (count < 4) return at(0) | at(count / 2) | at(count - 1);
  return load<uint32_t>(bytes) | load<uint32_t>(bytes + count - 4) << 8 * (count - 4);
}

// Less than 2^61 + 2, for a < 2^62 and b < 2^61.
uint64_t times(uint64_t a, uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = Wide{a} * b;
  const uint64_t sum =
      (static_cast<uint64_t>(product) & prime) + static_cast<uint64_t>(product >> 61);
  return (sum & prime) + (sum >> 61);
}

}  // namespace

uint64_t keyed_hash(std::string_view text, uint64_t key) {
  constexpr uint64_t mask = (uint64_t{1} << 8 * word_size) - 1;
  uint64_t hash = times(text.size() & mask, key);
  const char* at = text.data();
  size_t left = text.size();
  for (; left > word_size; at += word_size, left -= word_size)
    hash = times(hash + (load<uint64_t>(at) & mask), key);
  hash = times(hash + last_word(at, left), key);
  return hash >= prime ? hash - prime : hash;
}

uint64_t process_hash_key() {
  static const uint64_t key = [] {
    std::random_device device;
    const uint64_t bits = uint64_t{device()} << 32 | device();
    return bits >> 4 | uint64_t{1} << 60 | 1;
  }();
  return key;
}

}  // namespace attune
