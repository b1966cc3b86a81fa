#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// Unicode as the tokenizers of Hugging Face see it. Texts are valid UTF-8 but where a function says
// what it does with others.
namespace attune::io::tokenizers::unicode {

constexpr std::string_view replacement_character = "\xEF\xBF\xBD";  // U+FFFD

// Bytes of the valid character at the start of a text; 0 if none is there.
size_t character_length(std::string_view text);

// Bytes that one replacement character stands for where character_length is 0: the longest start
// of a valid character, at least 1 (as Python's errors="replace" and the Unicode standard, 3.9).
size_t invalid_length(std::string_view text);

bool is_valid(std::string_view text);

// The character that starts at byte `at`; moves `at` behind it.
char32_t next(std::string_view text, size_t& at);
inline char32_t character_at(std::string_view text, size_t at) { return next(text, at); }
// The start of the character that ends before byte `at` > 0.
size_t previous(std::string_view text, size_t at);
void append(std::string& text, char32_t character);

// General categories, as sets of bits.
using Categories = uint32_t;
extern const Categories letter, mark, number, punctuation;
// The set of a name such as "L", "Lu" or "Nd"; 0 for an unknown one.
Categories categories_named(std::string_view name);
// The category of a character: one bit.
Categories category(char32_t character);

bool is_white_space(char32_t character);
// A character of words: \w of regular expressions.
bool is_word(char32_t character);

// The full lower-case form (without regard to context), appended.
void append_lower(std::string& text, char32_t character);

// One character of a decomposition, and which of the characters it came from.
struct Decomposed {
  char32_t character;
  size_t origin;
};
// Appends the canonical (or else compatible) decomposition of a character.
void append_decomposition(std::vector<Decomposed>& to, char32_t character, bool compatible,
                          size_t origin);
// Puts marks into their canonical order.
void order_marks(std::vector<Decomposed>& characters);
// Composes what a base character and its marks, in order, can be composed to.
void compose(std::vector<Decomposed>& characters);
// True for characters that may combine with the one before.
bool continues_segment(char32_t character);

// The classes of BERT: they follow Unicode 8, as the library does, whose data are that old.
bool is_bert_control(char32_t character);
bool is_bert_punctuation(char32_t character);
bool is_bert_accent(char32_t character);
bool is_cjk(char32_t character);

}  // namespace attune::io::tokenizers::unicode
