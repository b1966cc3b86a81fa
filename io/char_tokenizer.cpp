#include "char_tokenizer.h"

#include <algorithm>
#include <set>

#include "../array/fail.h"

namespace attune::io {
namespace {

// Bytes of the character that starts a non-empty text; 1 for a byte that starts no valid character.
size_t character_length(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  const size_t length = lead < 0x80   ? 1
                        : lead < 0xc2 ? 1
                        : lead < 0xe0 ? 2
                        : lead < 0xf0 ? 3
                        : lead < 0xf5 ? 4
                                      : 1;
  if (length > text.size()) return 1;
  for (size_t i = 1; i < length; ++i)
    if ((static_cast<unsigned char>(text[i]) & 0xc0) != 0x80) return 1;
  return length;
}

template <class F>
void each_character(std::string_view text, F&& f) {
  while (!text.empty()) {
    const size_t length = character_length(text);
    f(std::string(text.substr(0, length)));
    text.remove_prefix(length);
  }
}

}  // namespace

CharTokenizer CharTokenizer::from_text(std::string_view text) {
  if (text.empty()) fail<ValueError>("CharTokenizer", "the text is empty");
  std::set<std::string> characters;
  each_character(text, [&](std::string character) { characters.insert(std::move(character)); });
  return CharTokenizer({characters.begin(), characters.end()});
}

CharTokenizer::CharTokenizer(std::vector<std::string> vocabulary)
    : vocabulary_(std::move(vocabulary)) {
  for (const std::string& token : vocabulary_) {
    if (token.empty()) fail<FormatError>("CharTokenizer", "the vocabulary has an empty token");
    if (!index_.emplace(token, static_cast<int64_t>(index_.size())).second)
      fail<FormatError>("CharTokenizer", "token \"{}\" occurs twice in the vocabulary", token);
  }
}

std::vector<int64_t> CharTokenizer::encode(std::string_view text) const {
  std::vector<int64_t> tokens;
  tokens.reserve(text.size());
  each_character(text, [&](const std::string& character) {
    const auto found = index_.find(character);
    if (found == index_.end())
      fail<ValueError>("CharTokenizer",
                       "the character \"{}\" is not among the {} of the vocabulary", character,
                       size());
    tokens.push_back(found->second);
  });
  return tokens;
}

std::string CharTokenizer::decode(const std::vector<int64_t>& tokens) const {
  std::string text;
  for (int64_t token : tokens) {
    if (token < 0 || token >= size())
      fail<IndexError>("CharTokenizer", "token {} is outside the vocabulary of {}", token, size());
    text += vocabulary_[static_cast<size_t>(token)];
  }
  return text;
}

}  // namespace attune::io
