#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "text.h"

// The byte-level alphabet of GPT-2 (Radford et al. 2019): each of the 256 bytes is a printable
// character, so that vocabularies and merges can be written as text. A space is Ġ.
namespace attune::io::tokenizers::byte_level {

constexpr char32_t space_character = 0x120;  // Ġ
constexpr char32_t last_character = 0x143;

// The character of a byte.
std::string_view character(unsigned char byte);
// The byte of a character; none if it is not of the alphabet.
std::optional<unsigned char> byte(char32_t character);

// The characters of all bytes of a text.
Text spell(const Piece& piece);
// The bytes of a token; those of the token itself if it has a character outside the alphabet.
std::string bytes_of(std::string_view token);

}  // namespace attune::io::tokenizers::byte_level
