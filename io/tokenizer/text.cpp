#include "text.h"

#include "../../array/fail.h"
#include "unicode.h"

namespace attune::io::tokenizers {
namespace {

size_t limit_of(std::string_view text) {
  constexpr size_t of_a_short_text = 4096;
  return text.size() * most_growth + of_a_short_text;
}

size_t share_of(size_t limit, size_t part, size_t whole) {
  constexpr size_t of_a_short_word = 512;  // a prefix has up to 256 bytes
  const double share = static_cast<double>(limit) * static_cast<double>(part);
  return static_cast<size_t>(share / static_cast<double>(whole)) + of_a_short_word;
}

// The bytes of the user's text that some bytes of a traced piece stand for.
Span source_of(const Piece& piece, Span bytes) {
  if (piece.text.empty()) return {};
  if (bytes.begin == bytes.end) bytes = {bytes.end - (bytes.end > 0), bytes.end + (bytes.end == 0)};
  return {piece.source[bytes.begin].begin, piece.source[bytes.end - 1].end};
}

}  // namespace

Piece Piece::part(Span bytes) const {
  const size_t size = bytes.end - bytes.begin;
  return {text.substr(bytes.begin, size), source ? source + bytes.begin : nullptr,
          first && bytes.begin == 0,
          most > 0 && size < text.size() ? share_of(most, size, text.size()) : most};
}

Text::Text(size_t limit, bool traced) : traced_(traced), limit_(limit) {}

Text::Text(const Piece& original)
    : Text(original.most > 0 ? original.most : limit_of(original.text), original.source) {}

Text Text::read(std::string_view raw, bool traced) {
  Text text(limit_of(raw), traced);
  text.bytes_.reserve(raw.size());
  if (traced) text.source_.reserve(raw.size());
  for (size_t at = 0; at < raw.size();) {
    if (const size_t length = unicode::character_length(raw.substr(at))) {
      text.append(raw.substr(at, length), {at, at + length});
      at += length;
    } else {
      const size_t invalid = unicode::invalid_length(raw.substr(at));
      text.append(unicode::replacement_character, {at, at + invalid});
      at += invalid;
    }
  }
  return text;
}

Piece Text::piece() const { return {bytes_, traced_ ? source_.data() : nullptr, first_, limit_}; }

void Text::note_start(const Piece& from, Span bytes) {
  if (bytes_.empty()) first_ = from.first && bytes.begin == 0;
}

void Text::copy(const Piece& from, Span bytes) {
  check_growth(bytes.end - bytes.begin);
  note_start(from, bytes);
  bytes_ += from.text.substr(bytes.begin, bytes.end - bytes.begin);
  if (traced_) source_.insert(source_.end(), from.source + bytes.begin, from.source + bytes.end);
}

void Text::put(std::string_view replacement, const Piece& from, Span bytes) {
  note_start(from, bytes);
  append(replacement, traced_ ? source_of(from, bytes) : Span{});
}

void Text::append(std::string_view bytes, Span source) {
  check_growth(bytes.size());
  bytes_ += bytes;
  if (traced_) source_.insert(source_.end(), bytes.size(), source);
}

void Text::check_growth(size_t added) const {
  if (bytes_.size() + added > limit_)
    fail<FormatError>("Tokenizer", "normalizing makes a text more than {} times longer",
                      most_growth);
}

void Tokens::add(int64_t id, const Piece& piece, Span bytes) {
  ids.push_back(id);
  if (traced) offsets.push_back(source_of(piece, bytes));
}

}  // namespace attune::io::tokenizers
