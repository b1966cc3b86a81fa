#include "text.h"

#include "../../array/fail.h"
#include "unicode.h"

namespace attune::io::tokenizers {
namespace {

Allowance allowance_of(std::string_view text) {
  constexpr size_t for_a_short_text = 4096, stages_that_grow = 16;
  const size_t at_once = text.size() * most_growth + for_a_short_text;
  return {at_once, at_once * stages_that_grow};
}

// The bytes of the user's text that some bytes of a traced piece stand for.
Span source_of(const Piece& piece, Span bytes) {
  if (piece.text.empty()) return {};
  if (bytes.begin == bytes.end) bytes = {bytes.end - (bytes.end > 0), bytes.end + (bytes.end == 0)};
  return {piece.source[bytes.begin].begin, piece.source[bytes.end - 1].end};
}

}  // namespace

Piece Piece::part(Span bytes) const {
  return {text.substr(bytes.begin, bytes.end - bytes.begin),
          source ? source + bytes.begin : nullptr, first && bytes.begin == 0, allowance};
}

Text::Text(Allowance own, bool traced) : traced_(traced), own_(own) {}

Text::Text(const Piece& original) : traced_(original.source), inherited_(original.allowance) {}

Text Text::read(std::string_view raw, bool traced) {
  Text text(allowance_of(raw), traced);
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

Piece Text::piece() const {
  return {bytes_, traced_ ? source_.data() : nullptr, first_, allowance()};
}

void Text::note_start(const Piece& from, Span bytes) {
  if (bytes_.empty()) first_ = from.first && bytes.begin == 0;
}

void Text::copy(const Piece& from, Span bytes) {
  spend(bytes.end - bytes.begin);
  note_start(from, bytes);
  bytes_ += from.text.substr(bytes.begin, bytes.end - bytes.begin);
  if (traced_) source_.insert(source_.end(), from.source + bytes.begin, from.source + bytes.end);
}

void Text::put(std::string_view replacement, const Piece& from, Span bytes) {
  note_start(from, bytes);
  append(replacement, traced_ ? source_of(from, bytes) : Span{});
}

void Text::append(std::string_view bytes, Span source) {
  spend(bytes.size());
  bytes_ += bytes;
  if (traced_) source_.insert(source_.end(), bytes.size(), source);
}

void Text::spend(size_t bytes) {
  Allowance& left = *allowance();
  if (bytes_.size() + bytes > left.at_once || bytes > left.together)
    fail<FormatError>("Tokenizer", "normalizing makes a text more than {} times longer",
                      most_growth);
  left.together -= bytes;
}

void Tokens::add(int64_t id, const Piece& piece, Span bytes) {
  ids.push_back(id);
  if (traced) offsets.push_back(source_of(piece, bytes));
}

}  // namespace attune::io::tokenizers
