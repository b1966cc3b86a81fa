#include "../../array/keyed_hash.h"

#include "../catch.h"

using namespace attune;

// By Python, whose integers are as long as they need to be.
TEST_CASE("keyed_hash is the polynomial modulo 2^61 - 1") {
  struct Case {
    std::string text;
    uint64_t hash, hash_of_largest_key;
  };
  const Case cases[] = {{"", 0, 0},
                        {"a", 0xb32577dc96a1c09, 0x1fffffffffffff9f},
                        {"ab", 0x8990536c210090c, 0x1fffffffffff9da0},
                        {"abc", 0x1c780fa0a8a919b1, 0x1fffffffff9c9da1},
                        {"abcd", 0xad54caaa48fde1c, 0x1fffffff9b9c9da2},
                        {"tokens", 0xcde77d485505890, 0x1fff8c919a949091},
                        {"1234567", 0x179366a1fa22dd58, 0x1fc8c9cacbcccdd5},
                        {"12345678", 0x930ed38d6bbe90c, 0x373635343331f1},
                        {"the quick brown fox jumps", 0x13915c94b206708b, 0x5c2676ba3aaff1},
                        {std::string(21, '\xFF'), 0x2e8483191366c1f, 0x1f00000000000015}};
  constexpr uint64_t key = 0x1234567890abcdf, largest = (uint64_t{1} << 61) - 2;
  for (const auto& [text, hash, hash_of_largest_key] : cases) {
    INFO(text);
    CHECK(keyed_hash(text, key) == hash);
    CHECK(keyed_hash(text, largest) == hash_of_largest_key);
  }
}

TEST_CASE("a process has one key, odd and of 61 bits") {
  const uint64_t key = process_hash_key();
  CHECK(key == process_hash_key());
  CHECK((key >> 60 == 1 && key % 2 == 1));
}
