#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "token_index.h"
#include "token_list.h"

namespace attune::io::tokenizers {

// The tokens of a model by id and by text. An id may be left out: a token that was added takes it.
class Vocabulary {
 public:
  // FormatError if a token occurs twice.
  explicit Vocabulary(TokenList tokens);
  Vocabulary(const Vocabulary&) = delete;
  Vocabulary& operator=(const Vocabulary&) = delete;

  std::optional<int64_t> id(std::string_view token) const { return ids_.find(token); }
  // FormatError if the vocabulary lacks the token, which `role` describes.
  int64_t require(std::string_view token, std::string_view role) const;
  const TokenList& tokens() const { return tokens_; }
  // "" if no token has the id.
  std::string_view token(int64_t id) const { return tokens_[static_cast<size_t>(id)]; }

 private:
  TokenList tokens_;
  TokenIndex ids_;
};

}  // namespace attune::io::tokenizers
