#include "char_tokenizer.h"

#include <algorithm>
#include <set>

#include "../array/fail.h"
#include "tokenizer/implementation.h"
#include "tokenizer/unicode.h"
#include "tokenizer/vocabulary.h"

namespace attune::io {
namespace {

// Calls f(character, the bytes it has).
template <class F>
void each_character(std::string_view text, F&& f) {
  for (size_t at = 0; at < text.size();) {
    const size_t length =
        std::max<size_t>(tokenizers::unicode::character_length(text.substr(at)), 1);
    f(text.substr(at, length), Span{at, at + length});
    at += length;
  }
}

class Characters : public Tokenizer::Implementation {
 public:
  explicit Characters(std::vector<std::string> tokens) try
      : tokens_(std::move(tokens)), ids_(tokenizers::TokenList(tokens_)) {
  } catch (const FormatError& error) {
    fail<FormatError>("CharTokenizer", "{}", error.what());
  }

  const std::vector<std::string>& vocabulary() const { return tokens_; }

  int64_t size() const override { return static_cast<int64_t>(vocabulary().size()); }
  std::string_view token(int64_t id) const override { return ids_.token(id); }
  std::optional<int64_t> id(std::string_view token) const override { return ids_.id(token); }
  bool is_special(int64_t) const override { return false; }

  void tokenize(std::string_view text, tokenizers::Tokens& tokens) const override {
    tokens.ids.reserve(text.size());
    each_character(text, [&](std::string_view character, Span bytes) {
      const auto found = id(character);
      if (!found)
        fail<ValueError>("CharTokenizer",
                         "the character \"{}\" is not among the {} of the vocabulary", character,
                         size());
      tokens.ids.push_back(*found);
      if (tokens.traced) tokens.offsets.push_back(bytes);
    });
  }

  std::string decode(std::vector<std::string> tokens) const override {
    std::string text;
    for (const std::string& token : tokens) text += token;
    return text;
  }

  void save(const std::string&) const override {
    fail<ValueError>("CharTokenizer", "tokenizer.json has no such kind; keep the vocabulary()");
  }

 private:
  std::vector<std::string> tokens_;
  tokenizers::Vocabulary ids_;
};

}  // namespace

CharTokenizer CharTokenizer::from_text(std::string_view text) {
  if (text.empty()) fail<ValueError>("CharTokenizer", "the text is empty");
  std::set<std::string> characters;
  each_character(text, [&](std::string_view character, Span) { characters.emplace(character); });
  return CharTokenizer({characters.begin(), characters.end()});
}

CharTokenizer::CharTokenizer(std::vector<std::string> vocabulary)
    : Tokenizer([&] {
        if (std::find(vocabulary.begin(), vocabulary.end(), "") != vocabulary.end())
          fail<FormatError>("CharTokenizer", "the vocabulary has an empty token");
        return std::make_shared<const Characters>(std::move(vocabulary));
      }()) {}

const std::vector<std::string>& CharTokenizer::vocabulary() const {
  return static_cast<const Characters&>(implementation()).vocabulary();
}

}  // namespace attune::io
