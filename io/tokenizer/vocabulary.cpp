#include "vocabulary.h"

#include <fmt/format.h>

#include <utility>

#include "../../array/error.h"

namespace attune::io::tokenizers {

Vocabulary::Vocabulary(std::vector<std::string> tokens) : tokens_(std::move(tokens)) {
  ids_.reserve(tokens_.size());
  for (size_t i = 0; i < tokens_.size(); ++i) {
    if (tokens_[i].empty()) continue;
    const auto [found, added] = ids_.emplace(tokens_[i], static_cast<int64_t>(i));
    if (!added)
      throw FormatError(
          fmt::format("the token \"{}\" has two ids, {} and {}", tokens_[i], found->second, i));
  }
}

std::optional<int64_t> Vocabulary::id(std::string_view token) const {
  const auto found = ids_.find(token);
  if (found == ids_.end()) return std::nullopt;
  return found->second;
}

int64_t Vocabulary::require(std::string_view token, std::string_view role) const {
  const auto found = id(token);
  if (!found) throw FormatError(fmt::format("{} \"{}\" is not in the vocabulary", role, token));
  return *found;
}

}  // namespace attune::io::tokenizers
