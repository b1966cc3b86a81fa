#include "vocabulary.h"

#include <fmt/format.h>

#include <utility>

#include "../../array/error.h"

namespace attune::io::tokenizers {

Vocabulary::Vocabulary(std::vector<std::string> tokens)
    : tokens_(std::move(tokens)), ids_(tokens_.size()) {
  for (size_t i = 0; i < tokens_.size(); ++i)
    if (!tokens_[i].empty() && !ids_.add(tokens_[i], static_cast<int64_t>(i)))
      throw FormatError(
          fmt::format("the token \"{}\" has two ids, {} and {}", tokens_[i], *id(tokens_[i]), i));
}

int64_t Vocabulary::require(std::string_view token, std::string_view role) const {
  const auto found = id(token);
  if (!found) throw FormatError(fmt::format("{} \"{}\" is not in the vocabulary", role, token));
  return *found;
}

}  // namespace attune::io::tokenizers
