#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace attune::io {

// One token for every distinct character (UTF-8 code point) of a text, in code-point order. Bytes
// that are not UTF-8 are characters of their own, so that any text survives encode and decode
// unchanged.
class CharTokenizer {
 public:
  // The vocabulary of a text. ValueError if it is empty.
  static CharTokenizer from_text(std::string_view text);
  // A saved vocabulary: one string a token. FormatError if one is empty or occurs twice.
  explicit CharTokenizer(std::vector<std::string> vocabulary);

  const std::vector<std::string>& vocabulary() const { return vocabulary_; }
  int64_t size() const { return static_cast<int64_t>(vocabulary_.size()); }

  // The tokens of a text. ValueError names the first character that the vocabulary lacks.
  std::vector<int64_t> encode(std::string_view text) const;
  // The text of tokens. IndexError if one is outside the vocabulary.
  std::string decode(const std::vector<int64_t>& tokens) const;

 private:
  std::vector<std::string> vocabulary_;
  std::unordered_map<std::string, int64_t> index_;
};

}  // namespace attune::io
