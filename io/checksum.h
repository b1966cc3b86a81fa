#pragma once

#include <cstddef>
#include <cstdint>

namespace attune::io {

// The cyclic redundancy check CRC-64/XZ (ECMA-182, reflected): finds every damage of up to 64
// neighbouring bits, and all but one in 2^64 of others. No protection from forgery.
class Crc64 {
 public:
  void add(const void* bytes, size_t count);
  // Of all bytes added so far.
  uint64_t value() const { return ~state_; }

 private:
  uint64_t state_ = ~uint64_t{0};
};

}  // namespace attune::io
