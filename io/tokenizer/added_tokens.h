#pragma once

#include <bitset>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "normalizer.h"
#include "text.h"

namespace attune::io::tokenizers {

// A token that is looked for in the text before all else.
struct AddedToken {
  int64_t id = 0;
  std::string content;
  bool single_word = false;  // only where no word character is next to it
  bool lstrip = false;       // takes the white space before it
  bool rstrip = false;       // takes the white space behind it
  bool normalized = true;    // looked for in the normalized text, in its own normalized form
  bool special = false;      // left out by decode
  std::string spelling;      // the content, in its normalized form if it is normalized
};

// Finds tokens in a text: of those that start first, the longest.
class TokenFinder {
 public:
  // Of equal texts, the first is found.
  void add(std::string_view text, const AddedToken& token);
  // Calls on_token for every match, and on_text for what lies between matches.
  void split(const Piece& piece, const std::function<void(const Piece&)>& on_text,
             const std::function<void(const AddedToken&, Span)>& on_token) const;

 private:
  struct Node {
    std::vector<std::pair<unsigned char, uint32_t>> children;  // by byte, ascending
    int32_t token = -1;                                        // its place in tokens_
  };
  struct Match {
    Span bytes;
    const AddedToken* token;
  };
  uint32_t child(uint32_t node, char byte) const;  // 0: none
  std::optional<Match> find(std::string_view text, size_t from) const;

  std::vector<Node> nodes_ = std::vector<Node>(1);
  std::vector<AddedToken> tokens_;
  std::bitset<256> first_;  // bytes that a token starts with
};

class AddedTokens {
 public:
  AddedTokens() = default;
  // FormatError if the normalizer leaves nothing of one, which would stand everywhere, or if they
  // are longer than can be looked for.
  AddedTokens(std::vector<AddedToken> tokens, const Normalizer& normalizer);

  // Those looked for in the text as it is, and those in the normalized text.
  const TokenFinder& verbatim() const { return verbatim_; }
  const TokenFinder& normalized() const { return normalized_; }

  const std::vector<AddedToken>& all() const { return tokens_; }
  const AddedToken* find(std::string_view content) const;
  const AddedToken* find(int64_t id) const;

 private:
  std::vector<AddedToken> tokens_;
  std::map<std::string, size_t, std::less<>> by_content_;
  std::map<int64_t, size_t> by_id_;
  TokenFinder verbatim_, normalized_;
};

}  // namespace attune::io::tokenizers
