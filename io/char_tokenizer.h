#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tokenizer.h"

namespace attune::io {

// One token for every distinct character (UTF-8 code point) of a text, in code-point order. Bytes
// that are not UTF-8 are characters of their own, so that any text survives encode and decode
// unchanged. encode is a ValueError that names the first character that the vocabulary lacks.
class CharTokenizer : public Tokenizer {
 public:
  // The vocabulary of a text. ValueError if it is empty.
  static CharTokenizer from_text(std::string_view text);
  // A saved vocabulary: one string a token. FormatError if one is empty or occurs twice.
  explicit CharTokenizer(std::vector<std::string> vocabulary);

  const std::vector<std::string>& vocabulary() const;
};

}  // namespace attune::io
