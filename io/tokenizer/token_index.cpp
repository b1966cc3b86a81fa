#include "token_index.h"

#include <bit>

#include "../../array/keyed_hash.h"

namespace attune::io::tokenizers {
namespace {

uint32_t hash_of(std::string_view text) {
  return static_cast<uint32_t>(keyed_hash(text, process_hash_key()));
}

}  // namespace

TokenIndex::TokenIndex(const TokenList& tokens, size_t capacity, size_t prefix)
    : tokens_(&tokens), prefix_(prefix), slots_(std::bit_ceil(2 * capacity + 2)) {}

// Where the text stands, or where it would.
size_t TokenIndex::slot_of(std::string_view searched, uint32_t hash) const {
  size_t at = hash & (slots_.size() - 1);
  while (slots_[at].id >= 0 && (slots_[at].hash != hash || text(slots_[at].id) != searched))
    at = (at + 1) & (slots_.size() - 1);
  return at;
}

bool TokenIndex::add(int32_t id) {
  const uint32_t hash = hash_of(text(id));
  Slot& slot = slots_[slot_of(text(id), hash)];
  if (slot.id >= 0) return false;
  slot = {hash, id};
  return true;
}

std::optional<int64_t> TokenIndex::find(std::string_view text) const {
  const Slot& slot = slots_[slot_of(text, hash_of(text))];
  if (slot.id < 0) return std::nullopt;
  return slot.id;
}

}  // namespace attune::io::tokenizers
