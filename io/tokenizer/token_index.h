#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "token_list.h"

namespace attune::io::tokenizers {

// Ids by text. A hash table with open addressing, all of whose probes but the last stay within one
// array: looking up words is most of what encoding does.
class TokenIndex {
 public:
  // Of tokens of a list, which must outlive this and stay where it is; of their texts without the
  // first `prefix` bytes. The capacity bounds how many are added.
  TokenIndex(const TokenList& tokens, size_t capacity, size_t prefix = 0);

  // False, and nothing changes, if the text is there.
  bool add(int32_t id);
  std::optional<int64_t> find(std::string_view text) const;

 private:
  struct Slot {
    uint32_t hash = 0;
    int32_t id = -1;  // -1: free
  };
  std::string_view text(int32_t id) const {
    return (*tokens_)[static_cast<size_t>(id)].substr(prefix_);
  }
  size_t slot_of(std::string_view text, uint32_t hash) const;

  const TokenList* tokens_;
  size_t prefix_;
  std::vector<Slot> slots_;  // a power of two, at most half of them taken
};

}  // namespace attune::io::tokenizers
