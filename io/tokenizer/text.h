#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "../encoding.h"

namespace attune::io::tokenizers {

// How many times longer a tokenizer may make a text, encoding or decoding. Unicode's forms come to
// 18, in characters.
constexpr size_t most_growth = 64;

// The bytes that may still be made of a user's text.
struct Allowance {
  size_t at_once;   // in one text
  size_t together;  // in all stages, of all words
};

// A view of a text on its way through a tokenizer: valid UTF-8 and, if asked for, for each byte the
// bytes of the user's text that it stands for.
struct Piece {
  std::string_view text;
  const Span* source;    // one for each byte; nullptr if not traced
  bool first;            // starts at the first byte of the user's text
  Allowance* allowance;  // of the user's text, which must outlive what is made of it

  Piece part(Span bytes) const;
};

// A text that is being made out of another. FormatError if it grows out of all proportion, which no
// sound tokenizer asks for.
class Text {
 public:
  explicit Text(const Piece& original);
  // The user's text. What Python reads with errors="replace": bytes that are no UTF-8 become
  // U+FFFD.
  static Text read(std::string_view raw, bool traced);

  Piece piece() const;
  // Appends bytes of a piece.
  void copy(const Piece& from, Span bytes);
  // Appends new bytes that stand for those of a piece.
  void put(std::string_view replacement, const Piece& from, Span bytes);

 private:
  Text(Allowance own, bool traced);
  void append(std::string_view bytes, Span source);
  void spend(size_t bytes);
  Allowance* allowance() const { return inherited_ ? inherited_ : &own_; }
  // What now comes is made of these bytes.
  void note_start(const Piece& from, Span bytes);

  std::string bytes_;
  std::vector<Span> source_;
  bool first_ = true;  // what it starts with is made of the first byte of the user's text
  bool traced_;
  Allowance* inherited_ = nullptr;
  mutable Allowance own_{};  // of a user's text: what is made of it spends it
};

// The tokens of a text so far, with the bytes that they stand for if asked for.
struct Tokens {
  std::vector<int64_t> ids;
  std::vector<Span> offsets;
  bool traced = false;

  // Appends the token of some bytes of a piece.
  void add(int64_t id, const Piece& piece, Span bytes);
};

}  // namespace attune::io::tokenizers
