#include <algorithm>

#include "model.h"
#include "unicode.h"

namespace attune::io::tokenizers {
namespace {

class WordPiece {
 public:
  WordPiece(std::shared_ptr<const Vocabulary> vocabulary, WordPieceOptions options)
      : vocabulary_(std::move(vocabulary)),
        continuations_(vocabulary_->tokens(), continuations_of(options),
                       options.continuing_subword_prefix.size()),
        unknown_(vocabulary_->require(options.unk_token, "the unknown token")),
        longest_word_(options.max_input_chars_per_word) {
    const auto& tokens = vocabulary_->tokens();
    for (size_t id = 0; id < tokens.size(); ++id) {
      longest_token_ = std::max(longest_token_, tokens[id].size());
      if (continues(tokens[id], options)) continuations_.add(static_cast<int32_t>(id));
    }
  }

  void operator()(const Piece& word, Tokens& tokens) const {
    const size_t before = tokens.ids.size();
    bool known = character_count(word.text) <= longest_word_;
    for (size_t at = 0; known && at < word.text.size();) known = take_longest(word, at, tokens);
    if (known) return;
    tokens.ids.resize(before);
    if (tokens.traced) tokens.offsets.resize(before);
    tokens.add(unknown_, word, {0, word.text.size()});
  }

 private:
  static bool continues(std::string_view token, const WordPieceOptions& options) {
    const std::string& prefix = options.continuing_subword_prefix;
    return token.starts_with(prefix) && token.size() > prefix.size();
  }

  size_t continuations_of(const WordPieceOptions& options) const {
    const auto& tokens = vocabulary_->tokens();
    size_t count = 0;
    for (size_t id = 0; id < tokens.size(); ++id) count += continues(tokens[id], options);
    return count;
  }

  static size_t character_count(std::string_view text) {
    return static_cast<size_t>(
        std::count_if(text.begin(), text.end(), [](char byte) { return (byte & 0xC0) != 0x80; }));
  }

  bool take_longest(const Piece& word, size_t& at, Tokens& tokens) const {
    size_t end = std::min(word.text.size(), at + longest_token_);
    while (end < word.text.size() && (word.text[end] & 0xC0) == 0x80) --end;
    for (; end > at; end = unicode::previous(word.text, end)) {
      const auto id = find(word.text.substr(at, end - at), at > 0);
      if (!id) continue;
      tokens.add(*id, word, {at, end});
      at = end;
      return true;
    }
    return false;
  }

  std::optional<int64_t> find(std::string_view part, bool continues) const {
    return continues ? continuations_.find(part) : vocabulary_->id(part);
  }

  std::shared_ptr<const Vocabulary> vocabulary_;
  TokenIndex continuations_;  // without the prefix
  int64_t unknown_;
  size_t longest_word_, longest_token_ = 0;
};

}  // namespace

Model word_piece(std::shared_ptr<const Vocabulary> vocabulary, WordPieceOptions options) {
  return [piece = std::make_shared<const WordPiece>(std::move(vocabulary), std::move(options))](
             const Piece& word, Tokens& tokens) { (*piece)(word, tokens); };
}

}  // namespace attune::io::tokenizers
