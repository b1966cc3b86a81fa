#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace attune::io::tokenizers {

// Ids by text. A hash table with open addressing, all of whose probes but the last stay within one
// array: looking up words is most of what encoding does.
class TokenIndex {
 public:
  // The texts are kept as views.
  explicit TokenIndex(size_t capacity);

  // False, and nothing changes, if the text is there.
  bool add(std::string_view text, int64_t id);
  std::optional<int64_t> find(std::string_view text) const;

 private:
  struct Entry {
    std::string_view text;
    int64_t id;
  };
  struct Slot {
    uint32_t hash = 0;
    uint32_t entry = 0;  // counted from 1; 0: free
  };
  size_t slot_of(std::string_view text, uint32_t hash) const;

  std::vector<Entry> entries_;
  std::vector<Slot> slots_;  // a power of two, at most half of them taken
};

}  // namespace attune::io::tokenizers
