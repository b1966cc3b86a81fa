#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "token_index.h"

namespace attune::io::tokenizers {

// The tokens of a model by id and by text. An id may be left out: a token that was added takes it.
class Vocabulary {
 public:
  // Ids are positions; "" leaves one out. FormatError if a token occurs twice.
  explicit Vocabulary(std::vector<std::string> tokens);
  Vocabulary(const Vocabulary&) = delete;
  Vocabulary& operator=(const Vocabulary&) = delete;

  std::optional<int64_t> id(std::string_view token) const { return ids_.find(token); }
  // FormatError if the vocabulary lacks the token, which `role` describes.
  int64_t require(std::string_view token, std::string_view role) const;
  const std::vector<std::string>& tokens() const { return tokens_; }

 private:
  std::vector<std::string> tokens_;
  TokenIndex ids_;  // of views of tokens_
};

}  // namespace attune::io::tokenizers
