#include "pipeline.h"

#include <fmt/format.h>

#include <algorithm>

#include "../../array/error.h"
#include "byte_level.h"
#include "unicode.h"

namespace attune::io::tokenizers {
namespace {

bool is_space(char32_t c) { return c == byte_level::space_character || unicode::is_white_space(c); }

// Of no more than `most` characters.
size_t leading_spaces(std::string_view token, size_t most) {
  size_t count = 0;
  for (size_t at = 0; count < most && at < token.size() && is_space(unicode::next(token, at));)
    ++count;
  return count;
}

size_t trailing_spaces(std::string_view token, size_t most) {
  size_t count = 0;
  for (size_t end = token.size(); count < most && end > 0; ++count) {
    end = unicode::previous(token, end);
    if (!is_space(unicode::character_at(token, end))) break;
  }
  return count;
}

// The place `count` characters further on, or back, but not beyond a limit.
size_t advance(std::string_view raw, size_t at, size_t count, size_t limit) {
  for (; count > 0 && at < limit; --count)
    at += std::max<size_t>(unicode::character_length(raw.substr(at)), 1);
  return std::min(at, limit);
}

size_t retreat(std::string_view raw, size_t at, size_t count, size_t limit) {
  for (; count > 0 && at > limit; --count) at = unicode::previous(raw, at);
  return std::max(at, limit);
}

}  // namespace

Pipeline::Pipeline(Stages stages, Source source)
    : stages_(std::move(stages)), source_(std::move(source)) {
  const auto& tokens = stages_.vocabulary->tokens();
  size_ = static_cast<int64_t>(tokens.size());
  for (const AddedToken& token : stages_.added.all()) size_ = std::max(size_, token.id + 1);
  if (size_ == 0) throw FormatError("the vocabulary is empty");
  // A hole needs an id that is neither: there are no more of them than tokens in the file.
  size_t known = 0;
  for (size_t i = 0; i < tokens.size(); ++i)
    known += !tokens[i].empty() || stages_.added.find(static_cast<int64_t>(i)) != nullptr;
  for (const AddedToken& token : stages_.added.all())
    known += token.id >= static_cast<int64_t>(tokens.size());
  if (static_cast<int64_t>(known) != size_)
    throw FormatError(fmt::format("the ids go up to {}, but {} of them have no token", size_ - 1,
                                  size_ - static_cast<int64_t>(known)));
}

std::string_view Pipeline::token(int64_t id) const {
  const AddedToken* added = stages_.added.find(id);
  return added ? std::string_view(added->spelling) : stages_.vocabulary->token(id);
}

std::optional<int64_t> Pipeline::id(std::string_view token) const {
  const AddedToken* added = stages_.added.find(token);
  return added ? added->id : stages_.vocabulary->id(token);
}

bool Pipeline::is_special(int64_t id) const {
  const AddedToken* added = stages_.added.find(id);
  return added && added->special && added->spelling == added->content;
}

void Pipeline::tokenize(std::string_view raw, Tokens& tokens) const {
  const Text text = Text::read(raw, tokens.traced);
  const auto add = [&](const Piece& piece) {
    return [&tokens, &piece](const AddedToken& token, Span bytes) {
      tokens.add(token.id, piece, bytes);
    };
  };
  const auto tokenize_normalized = [&](const Piece& piece) {
    stages_.added.normalized().split(
        piece, [&](const Piece& part) { tokenize_words(part, tokens); }, add(piece));
  };
  const Piece whole = text.piece();
  stages_.added.verbatim().split(
      whole,
      [&](const Piece& piece) {
        if (stages_.normalizer)
          tokenize_normalized(stages_.normalizer(piece).piece());
        else
          tokenize_normalized(piece);
      },
      add(whole));
  if (tokens.traced && post_processor.trims_offsets) trim_offsets(raw, tokens);
}

void Pipeline::tokenize_words(const Piece& piece, Tokens& tokens) const {
  if (stages_.pre_tokenizer)
    stages_.pre_tokenizer(piece, [&](const Piece& word) { stages_.model(word, tokens); });
  else
    stages_.model(piece, tokens);
}

void Pipeline::trim_offsets(std::string_view raw, Tokens& tokens) const {
  for (size_t i = 0; i < tokens.ids.size(); ++i) {
    Span& span = tokens.offsets[i];
    const AddedToken* added = stages_.added.find(tokens.ids[i]);
    const std::string_view text =
        added ? raw.substr(span.begin, span.end - span.begin) : token(tokens.ids[i]);
    const size_t most = std::max<size_t>(span.end - span.begin, 2);  // 1 has a meaning of its own
    size_t leading = leading_spaces(text, most);
    const size_t trailing = trailing_spaces(text, most);
    const bool is_first = i == 0 || span.begin == 0;
    if (is_first && leading == 1 && post_processor.keeps_prefix_space) leading = 0;
    span.begin = advance(raw, span.begin, leading, span.end);
    span.end = retreat(raw, span.end, trailing, span.begin);
  }
}

std::string Pipeline::decode(std::vector<std::string> tokens) const {
  std::string text;
  for (const std::string& part : stages_.decoder(std::move(tokens))) text += part;
  return text;
}

}  // namespace attune::io::tokenizers
