#pragma once

#include <compare>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "text.h"
#include "vocabulary.h"

// The third stage of a tokenizer: cuts words into tokens of the vocabulary.
namespace attune::io::tokenizers {

using Model = std::function<void(const Piece& word, Tokens& tokens)>;

// Two neighbours to be merged, by id.
struct TokenPair {
  int32_t left, right;
  friend auto operator<=>(const TokenPair&, const TokenPair&) = default;
};
using Merges = std::vector<TokenPair>;  // in the order of precedence

struct BpeOptions {
  std::optional<std::string> unk_token;  // for characters outside the vocabulary; else dropped
  bool fuse_unk = false;                 // one unk_token for several such characters in a row
  bool byte_fallback = false;            // tokens "<0x00>" … "<0xFF>" for them instead
  bool ignore_merges = false;            // a word that is a token stays whole, whatever the merges
  std::string continuing_subword_prefix;
  std::string end_of_word_suffix;
};

// Byte-pair encoding (Sennrich et al. 2016): starts from the characters and merges neighbours, the
// first merge first. n log n in the length of a word. FormatError if the vocabulary lacks what a
// merge results in.
Model byte_pair_encoding(std::shared_ptr<const Vocabulary> vocabulary, const Merges& merges,
                         BpeOptions options);

struct WordPieceOptions {
  std::string unk_token = "[UNK]";
  std::string continuing_subword_prefix = "##";
  size_t max_input_chars_per_word = 100;  // longer words are unknown
};

// WordPiece (Schuster & Nakajima 2012; Devlin et al. 2019): takes the longest token that fits, from
// left to right; a word that cannot be covered is the unknown token. FormatError if the vocabulary
// lacks that token.
Model word_piece(std::shared_ptr<const Vocabulary> vocabulary, WordPieceOptions options);

}  // namespace attune::io::tokenizers
