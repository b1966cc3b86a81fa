#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "../json.h"
#include "added_tokens.h"
#include "vocabulary.h"

namespace attune::io::tokenizers {

// A token that a file beside the tokenizer declares. Its id is the vocabulary's.
struct DeclaredToken {
  Json place;                 // in that file
  AddedToken token;           // without the id
  std::optional<int64_t> id;  // what the file says it is
  bool whole = false;         // whether it says too how the token is looked for
};

struct Declarations {
  bool has(const std::string& content) const;
  std::string role_or(const std::string& role, std::string otherwise) const;

  std::map<std::string, std::string> roles;  // "eos_token": "</s>"
  std::vector<DeclaredToken> tokens;         // each once
};

// What tokenizer_config.json, special_tokens_map.json and added_tokens.json declare, by the rules
// of transformers: of two files the map counts for a role and the configuration
// for a list, and where that has an added_tokens_decoder, it alone counts. FormatError.
Declarations declarations_of(const std::optional<Json>& config, const std::optional<Json>& map,
                             const std::optional<Json>& added);

// Adds those declared that are not among the added tokens yet; the others become what they are
// declared to be. True if anything changed. FormatError for one that is not in the vocabulary, to
// which transformers would add it.
bool add_declared(std::vector<AddedToken>& added, const std::vector<DeclaredToken>& declared,
                  const Vocabulary& vocabulary);

// The settings of a tokenizer.json with these as its added tokens.
std::string with_added_tokens(const std::string& settings, const std::vector<AddedToken>& added);

}  // namespace attune::io::tokenizers
