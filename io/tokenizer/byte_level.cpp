#include "byte_level.h"

#include <array>

#include "unicode.h"

namespace attune::io::tokenizers::byte_level {
namespace {

struct Alphabet {
  std::array<std::string, 256> characters;
  std::array<int, last_character + 1> bytes;

  // Printable characters of Latin-1 stand for themselves, the other bytes for the characters from
  // U+0100 on.
  Alphabet() {
    bytes.fill(-1);
    char32_t next_other = 0x100;
    for (char32_t b = 0; b < 256; ++b) {
      const bool printable = (b >= '!' && b <= '~') || (b >= 0xA1 && b != 0xAD);
      const char32_t c = printable ? b : next_other++;
      unicode::append(characters[b], c);
      bytes[c] = static_cast<int>(b);
    }
  }
};

const Alphabet& alphabet() {
  static const Alphabet made;
  return made;
}

}  // namespace

std::string_view character(unsigned char byte) { return alphabet().characters[byte]; }

std::optional<unsigned char> byte(char32_t character) {
  if (character > last_character || alphabet().bytes[character] < 0) return std::nullopt;
  return static_cast<unsigned char>(alphabet().bytes[character]);
}

Text spell(const Piece& piece) {
  Text text(piece);
  for (size_t i = 0; i < piece.text.size(); ++i)
    text.put(character(static_cast<unsigned char>(piece.text[i])), piece, {i, i + 1});
  return text;
}

std::string bytes_of(std::string_view token) {
  std::string bytes;
  for (size_t at = 0; at < token.size();) {
    const auto b = byte(unicode::next(token, at));
    if (!b) return std::string(token);
    bytes += static_cast<char>(*b);
  }
  return bytes;
}

}  // namespace attune::io::tokenizers::byte_level
