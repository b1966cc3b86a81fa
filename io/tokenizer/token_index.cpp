#include "token_index.h"

#include <bit>
#include <functional>

namespace attune::io::tokenizers {
namespace {

uint32_t hash_of(std::string_view text) {
  return static_cast<uint32_t>(std::hash<std::string_view>()(text));
}

}  // namespace

TokenIndex::TokenIndex(size_t capacity) : slots_(std::bit_ceil(2 * capacity + 2)) {
  entries_.reserve(capacity);
}

// Where the text stands, or where it would.
size_t TokenIndex::slot_of(std::string_view text, uint32_t hash) const {
  size_t at = hash & (slots_.size() - 1);
  while (slots_[at].entry != 0 &&
         (slots_[at].hash != hash || entries_[slots_[at].entry - 1].text != text))
    at = (at + 1) & (slots_.size() - 1);
  return at;
}

bool TokenIndex::add(std::string_view text, int64_t id) {
  const uint32_t hash = hash_of(text);
  Slot& slot = slots_[slot_of(text, hash)];
  if (slot.entry != 0) return false;
  entries_.push_back({text, id});
  slot = {hash, static_cast<uint32_t>(entries_.size())};
  return true;
}

std::optional<int64_t> TokenIndex::find(std::string_view text) const {
  const Slot& slot = slots_[slot_of(text, hash_of(text))];
  if (slot.entry == 0) return std::nullopt;
  return entries_[slot.entry - 1].id;
}

}  // namespace attune::io::tokenizers
