#include "vocabulary.h"

#include <fmt/format.h>

#include <utility>

#include "../../array/error.h"

namespace attune::io::tokenizers {
namespace {

size_t count_of(const TokenList& tokens) {
  size_t count = 0;
  for (size_t id = 0; id < tokens.size(); ++id) count += !tokens[id].empty();
  return count;
}

}  // namespace

Vocabulary::Vocabulary(TokenList tokens)
    : tokens_(std::move(tokens)), ids_(tokens_, count_of(tokens_)) {
  for (size_t i = 0; i < tokens_.size(); ++i)
    if (!tokens_[i].empty() && !ids_.add(static_cast<int32_t>(i)))
      throw FormatError(
          fmt::format("the token \"{}\" has two ids, {} and {}", tokens_[i], *id(tokens_[i]), i));
}

int64_t Vocabulary::require(std::string_view token, std::string_view role) const {
  const auto found = id(token);
  if (!found) throw FormatError(fmt::format("{} \"{}\" is not in the vocabulary", role, token));
  return *found;
}

}  // namespace attune::io::tokenizers
