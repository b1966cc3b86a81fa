#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "../encoding.h"

namespace attune::io::tokenizers {

// A view of a text on its way through a tokenizer: valid UTF-8 and, if asked for, for each byte the
// bytes of the user's text that it stands for.
struct Piece {
  std::string_view text;
  const Span* source = nullptr;  // one for each byte; nullptr if not traced
  bool first = false;            // starts at the first byte of the user's text
  size_t most = 0;               // bytes of a text made of it, through all stages; 0: as it grows

  // Its share of what may be made of the whole: however many words a text is cut into, what is made
  // of them all stays in proportion to it.
  Piece part(Span bytes) const;
};

// How many times longer a tokenizer may make a text, encoding or decoding. Unicode's forms come to
// 18, in characters.
constexpr size_t most_growth = 64;

// A text that is being made out of another. FormatError if it grows out of all proportion, which no
// sound tokenizer asks for.
class Text {
 public:
  explicit Text(const Piece& original);
  // What Python reads with errors="replace": bytes that are no UTF-8 become U+FFFD.
  static Text read(std::string_view raw, bool traced);

  Piece piece() const;
  // Appends bytes of a piece.
  void copy(const Piece& from, Span bytes);
  // Appends new bytes that stand for those of a piece.
  void put(std::string_view replacement, const Piece& from, Span bytes);

 private:
  Text(size_t limit, bool traced);
  void append(std::string_view bytes, Span source);
  void check_growth(size_t added) const;
  // What now comes is made of these bytes.
  void note_start(const Piece& from, Span bytes);

  std::string bytes_;
  std::vector<Span> source_;
  bool first_ = true;  // what it starts with is made of the first byte of the user's text
  bool traced_;
  size_t limit_;
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
