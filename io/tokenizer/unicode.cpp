#include "unicode.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>

namespace attune::io::tokenizers::unicode {
namespace {

constexpr Categories bit(utf8proc_category_t category) { return Categories{1} << category; }

template <class... Category>
constexpr Categories bits(Category... category) {
  return (bit(category) | ...);
}

struct Range {
  char32_t first, last;
  friend bool operator<(const Range& range, char32_t c) { return range.last < c; }
};

// Whether one of the ranges, which ascend, has a character.
template <size_t n>
bool contains(const Range (&ranges)[n], char32_t c) {
  const Range* found = std::lower_bound(std::begin(ranges), std::end(ranges), c);
  return found != std::end(ranges) && found->first <= c;
}

// Letters, numbers and marks of Unicode 15 and 16, which the library's regular expressions know
// and an older utf8proc does not.
constexpr Range newer_letters[] = {
    {0x1C89, 0x1C8A},   {0xA7CB, 0xA7CD},   {0xA7DA, 0xA7DC},   {0x105C0, 0x105F3},
    {0x10D4A, 0x10D65}, {0x10D6F, 0x10D85}, {0x10EC2, 0x10EC4}, {0x1123F, 0x11240},
    {0x11380, 0x11389}, {0x1138B, 0x1138B}, {0x1138E, 0x1138E}, {0x11390, 0x113B5},
    {0x113B7, 0x113B7}, {0x113D1, 0x113D1}, {0x113D3, 0x113D3}, {0x11BC0, 0x11BE0},
    {0x11F02, 0x11F02}, {0x11F04, 0x11F10}, {0x11F12, 0x11F33}, {0x1342F, 0x1342F},
    {0x13441, 0x13446}, {0x13460, 0x143FA}, {0x16100, 0x1611D}, {0x16D40, 0x16D6C},
    {0x18CFF, 0x18CFF}, {0x1B132, 0x1B132}, {0x1B155, 0x1B155}, {0x1DF25, 0x1DF2A},
    {0x1E030, 0x1E06D}, {0x1E4D0, 0x1E4EB}, {0x1E5D0, 0x1E5ED}, {0x1E5F0, 0x1E5F0},
    {0x2B739, 0x2B739}, {0x2EBF0, 0x2EE5D}, {0x31350, 0x323AF}};
constexpr Range newer_numbers[] = {{0x10D40, 0x10D49}, {0x116D0, 0x116E3}, {0x11BF0, 0x11BF9},
                                   {0x11F50, 0x11F59}, {0x16130, 0x16139}, {0x16D70, 0x16D79},
                                   {0x1CCF0, 0x1CCF9}, {0x1D2C0, 0x1D2D3}, {0x1E4F0, 0x1E4F9},
                                   {0x1E5F1, 0x1E5FA}};
constexpr Range newer_marks[] = {
    {0x897, 0x897},     {0xCF3, 0xCF3},     {0xECE, 0xECE},     {0x10D69, 0x10D6D},
    {0x10EFC, 0x10EFF}, {0x11241, 0x11241}, {0x113B8, 0x113C0}, {0x113C2, 0x113C2},
    {0x113C5, 0x113C5}, {0x113C7, 0x113CA}, {0x113CC, 0x113D0}, {0x113D2, 0x113D2},
    {0x113E1, 0x113E2}, {0x11F00, 0x11F01}, {0x11F03, 0x11F03}, {0x11F34, 0x11F3A},
    {0x11F3E, 0x11F42}, {0x11F5A, 0x11F5A}, {0x13440, 0x13440}, {0x13447, 0x13455},
    {0x1611E, 0x1612F}, {0x1E08F, 0x1E08F}, {0x1E4EC, 0x1E4EF}, {0x1E5EE, 0x1E5EF}};

// Where marks, punctuation and format characters came after Unicode 8, and none of it before.
constexpr Range newer_than_bert[] = {
    {0x61D, 0x61D},     {0x7FD, 0x7FD},     {0x890, 0x8E2},     {0x9FD, 0x9FE},
    {0xA76, 0xA76},     {0xAFA, 0xAFF},     {0xB55, 0xB55},     {0xC04, 0xC3C},
    {0xC77, 0xC77},     {0xC84, 0xC84},     {0xCF3, 0xD00},     {0xD3B, 0xD3C},
    {0xD81, 0xD81},     {0xEBA, 0xEBA},     {0xECE, 0xECE},     {0x180F, 0x1886},
    {0x1ABF, 0x1ACE},   {0x1B4E, 0x1B4F},   {0x1B7D, 0x1B7F},   {0x1DF6, 0x1DFB},
    {0x2E43, 0x2E5D},   {0xA82C, 0xA82C},   {0xA8C5, 0xA8C5},   {0xA8FF, 0xA8FF},
    {0xA9BD, 0xA9BD},   {0x10D24, 0x10F89}, {0x11070, 0x11074}, {0x110C2, 0x110CD},
    {0x111CF, 0x111CF}, {0x1123E, 0x11241}, {0x1133B, 0x1133B}, {0x113B8, 0x1145E},
    {0x11660, 0x1166C}, {0x116B9, 0x116B9}, {0x1182F, 0x11FFF}, {0x12FF1, 0x1612F},
    {0x16D6D, 0x16F4F}, {0x16FE2, 0x16FE4}, {0x1CF00, 0x1CF46}, {0x1E000, 0x1E5FF},
    {0x1E944, 0x1E95F}};
// Where marks with an order came after the Unicode of the library's normal forms, which leave those
// as they stand, and none before.
constexpr Range newer_than_ordering[] = {
    {0x7FD, 0x7FD},     {0x897, 0x8D3},     {0x9FE, 0x9FE},     {0xC3C, 0xC3C},
    {0xCF3, 0xD3C},     {0xEBA, 0xEBA},     {0xECE, 0xECE},     {0x1715, 0x1715},
    {0x1ABF, 0x1ACE},   {0x1DF6, 0x1DFA},   {0xA82C, 0xA82C},   {0x10D24, 0x10F85},
    {0x11070, 0x11070}, {0x11241, 0x11241}, {0x1133B, 0x1133B}, {0x113B8, 0x113E2},
    {0x1145E, 0x1145E}, {0x11839, 0x11A99}, {0x11D42, 0x1612F}, {0x16FF0, 0x16FF1},
    {0x1E08F, 0x1E5EF}};
// Three characters that changed their class since.
constexpr char32_t canadian_syllabics_chi_sign = 0x166D;  // was punctuation
constexpr char32_t hanunoo_sign_pamudpod = 0x1734;        // was an accent
constexpr char32_t sharada_sandhi_mark = 0x111C9;         // was punctuation

constexpr Range cjk[] = {{0x3400, 0x4DBF},   {0x4E00, 0x9FFF},   {0xF900, 0xFAFF},
                         {0x20000, 0x2A6DF}, {0x2A700, 0x2B81F}, {0x2B920, 0x2CEAF},
                         {0x2F800, 0x2FA1F}};

constexpr Range word_symbols[] = {
    {0x24B6, 0x24E9}, {0x1F130, 0x1F149}, {0x1F150, 0x1F169}, {0x1F170, 0x1F189}};

// The bytes that may follow a lead byte, and how many do.
struct Form {
  size_t length;
  unsigned char low, high;  // of the second byte
};

Form form_of(unsigned char lead) {
  if (lead < 0xC2) return {0, 0, 0};
  if (lead < 0xE0) return {2, 0x80, 0xBF};
  if (lead == 0xE0) return {3, 0xA0, 0xBF};
  if (lead == 0xED) return {3, 0x80, 0x9F};
  if (lead < 0xF0) return {3, 0x80, 0xBF};
  if (lead == 0xF0) return {4, 0x90, 0xBF};
  if (lead < 0xF4) return {4, 0x80, 0xBF};
  if (lead == 0xF4) return {4, 0x80, 0x8F};
  return {0, 0, 0};
}

// How many bytes at the start of a text begin a valid character, and whether they complete it.
struct Start {
  size_t length;
  bool complete;
};

Start start_of(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  if (byte(0) < 0x80) return {1, true};
  const Form form = form_of(byte(0));
  if (form.length == 0) return {1, false};
  if (text.size() < 2 || byte(1) < form.low || byte(1) > form.high) return {1, false};
  for (size_t i = 2; i < form.length; ++i)
    if (i >= text.size() || (byte(i) & 0xC0) != 0x80) return {i, false};
  return {form.length, true};
}

int combining_class(char32_t c) {
  const int known = utf8proc_get_property(static_cast<utf8proc_int32_t>(c))->combining_class;
  return known != 0 && contains(newer_than_ordering, c) ? 0 : known;
}

std::optional<char32_t> composition(char32_t base, char32_t next) {
  utf8proc_int32_t pair[] = {static_cast<utf8proc_int32_t>(base),
                             static_cast<utf8proc_int32_t>(next)};
  const auto options = static_cast<utf8proc_option_t>(UTF8PROC_COMPOSE | UTF8PROC_STABLE);
  if (utf8proc_normalize_utf32(pair, 2, options) != 1) return std::nullopt;
  return static_cast<char32_t>(pair[0]);
}

constexpr const char* category_names[] = {
    "Cn", "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Pc", "Pd", "Ps",
    "Pe", "Pi", "Pf", "Po", "Sm", "Sc", "Sk", "So", "Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co"};

}  // namespace

const Categories letter = bits(UTF8PROC_CATEGORY_LU, UTF8PROC_CATEGORY_LL, UTF8PROC_CATEGORY_LT,
                               UTF8PROC_CATEGORY_LM, UTF8PROC_CATEGORY_LO);
const Categories mark = bits(UTF8PROC_CATEGORY_MN, UTF8PROC_CATEGORY_MC, UTF8PROC_CATEGORY_ME);
const Categories number = bits(UTF8PROC_CATEGORY_ND, UTF8PROC_CATEGORY_NL, UTF8PROC_CATEGORY_NO);
const Categories punctuation =
    bits(UTF8PROC_CATEGORY_PC, UTF8PROC_CATEGORY_PD, UTF8PROC_CATEGORY_PS, UTF8PROC_CATEGORY_PE,
         UTF8PROC_CATEGORY_PI, UTF8PROC_CATEGORY_PF, UTF8PROC_CATEGORY_PO);

size_t character_length(std::string_view text) {
  const Start start = start_of(text);
  return start.complete ? start.length : 0;
}

size_t invalid_length(std::string_view text) { return start_of(text).length; }

bool is_valid(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    const size_t length = character_length(text.substr(at));
    if (length == 0) return false;
    at += length;
  }
  return true;
}

char32_t next(std::string_view text, size_t& at) {
  const auto byte = [&](size_t i) {
    return static_cast<char32_t>(static_cast<unsigned char>(text[at + i]));
  };
  const char32_t lead = byte(0);
  char32_t c = lead;
  size_t length = 1;
  if (lead >= 0xF0) {
    c = (lead & 7) << 18 | (byte(1) & 63) << 12 | (byte(2) & 63) << 6 | (byte(3) & 63);
    length = 4;
  } else if (lead >= 0xE0) {
    c = (lead & 15) << 12 | (byte(1) & 63) << 6 | (byte(2) & 63);
    length = 3;
  } else if (lead >= 0x80) {
    c = (lead & 31) << 6 | (byte(1) & 63);
    length = 2;
  }
  at += length;
  return c;
}

size_t previous(std::string_view text, size_t at) {
  do --at;
  while ((text[at] & 0xC0) == 0x80);
  return at;
}

void append(std::string& text, char32_t character) {
  if (character < 0x80) {
    text += static_cast<char>(character);
    return;
  }
  utf8proc_uint8_t bytes[4];
  const auto length = utf8proc_encode_char(static_cast<utf8proc_int32_t>(character), bytes);
  text.append(reinterpret_cast<const char*>(bytes), static_cast<size_t>(length));
}

Categories categories_named(std::string_view name) {
  Categories found = 0;
  for (size_t i = 0; i < std::size(category_names); ++i)
    if (!name.empty() && std::string_view(category_names[i]).substr(0, name.size()) == name)
      found |= Categories{1} << i;
  return found;
}

Categories category(char32_t character) {
  static const auto ascii = [] {
    std::array<Categories, 128> categories;
    for (int c = 0; c < 128; ++c) categories[static_cast<size_t>(c)] = bit(utf8proc_category(c));
    return categories;
  }();
  if (character < ascii.size()) return ascii[character];
  const auto known = utf8proc_category(static_cast<utf8proc_int32_t>(character));
  if (known != UTF8PROC_CATEGORY_CN) return bit(known);
  if (contains(newer_letters, character)) return bit(UTF8PROC_CATEGORY_LO);
  if (contains(newer_numbers, character)) return bit(UTF8PROC_CATEGORY_ND);
  if (contains(newer_marks, character)) return bit(UTF8PROC_CATEGORY_MN);
  return bit(UTF8PROC_CATEGORY_CN);
}

bool is_white_space(char32_t c) {
  if (c < 0x80) return c == ' ' || (c >= '\t' && c <= '\r');
  return c == 0x85 || (category(c) &
                       bits(UTF8PROC_CATEGORY_ZS, UTF8PROC_CATEGORY_ZL, UTF8PROC_CATEGORY_ZP)) != 0;
}

bool is_word(char32_t c) {
  constexpr char32_t zero_width_non_joiner = 0x200C, zero_width_joiner = 0x200D;
  const Categories words =
      letter | mark | bits(UTF8PROC_CATEGORY_ND, UTF8PROC_CATEGORY_NL, UTF8PROC_CATEGORY_PC);
  return (category(c) & words) != 0 || c == zero_width_non_joiner || c == zero_width_joiner ||
         contains(word_symbols, c);
}

void append_lower(std::string& text, char32_t c) {
  constexpr char32_t capital_i_with_dot = 0x130, dot_above = 0x307;
  if (c < 0x80) {
    text += static_cast<char>(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
  } else if (c == capital_i_with_dot) {
    text += 'i';
    append(text, dot_above);
  } else {
    append(text, static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c))));
  }
}

void append_decomposition(std::vector<Decomposed>& to, char32_t character, bool compatible,
                          size_t origin) {
  constexpr int longest = 18;  // Unicode's longest decomposition: U+FDFA
  utf8proc_int32_t parts[longest];
  const int options = UTF8PROC_DECOMPOSE | (compatible ? UTF8PROC_COMPAT : 0);
  int unused = 0;
  const auto count =
      utf8proc_decompose_char(static_cast<utf8proc_int32_t>(character), parts, longest,
                              static_cast<utf8proc_option_t>(options), &unused);
  for (int i = 0; i < count; ++i) to.push_back({static_cast<char32_t>(parts[i]), origin});
}

void order_marks(std::vector<Decomposed>& characters) {
  const auto is_base = [](const Decomposed& d) { return combining_class(d.character) == 0; };
  for (auto begin = characters.begin(); begin != characters.end();) {
    begin = std::find_if_not(begin, characters.end(), is_base);
    const auto end = std::find_if(begin, characters.end(), is_base);
    std::stable_sort(begin, end, [](const Decomposed& a, const Decomposed& b) {
      return combining_class(a.character) < combining_class(b.character);
    });
    begin = end;
  }
}

void compose(std::vector<Decomposed>& characters) {
  size_t base = 0, kept = 1;
  for (size_t i = 1; i < characters.size(); ++i) {
    const int rank = combining_class(characters[i].character);
    // A character between, of the same rank or a base, keeps this one from the base.
    const bool blocked = kept > base + 1 && combining_class(characters[kept - 1].character) >= rank;
    const auto composed =
        blocked ? std::nullopt : composition(characters[base].character, characters[i].character);
    if (composed) {
      characters[base].character = *composed;
      continue;
    }
    if (rank == 0) base = kept;
    characters[kept++] = characters[i];
  }
  characters.resize(kept);
}

bool continues_segment(char32_t c) {
  constexpr char32_t first_jamo_vowel = 0x1160, last_jamo = 0x11FF;
  return c >= 0x80 && ((category(c) & mark) != 0 || (c >= first_jamo_vowel && c <= last_jamo));
}

bool is_bert_control(char32_t c) {
  if (c == '\t' || c == '\n' || c == '\r') return false;
  const Categories controls =
      bits(UTF8PROC_CATEGORY_CC, UTF8PROC_CATEGORY_CF, UTF8PROC_CATEGORY_CO);
  return (category(c) & controls) != 0 && !contains(newer_than_bert, c);
}

bool is_bert_punctuation(char32_t c) {
  if (c < 0x80) return c > ' ' && c < 0x7F && (category(c) & (letter | number)) == 0;
  if (c == canadian_syllabics_chi_sign || c == sharada_sandhi_mark) return true;
  return (category(c) & punctuation) != 0 && !contains(newer_than_bert, c);
}

bool is_bert_accent(char32_t c) {
  if (c == hanunoo_sign_pamudpod || c == sharada_sandhi_mark) return c == hanunoo_sign_pamudpod;
  return (category(c) & bit(UTF8PROC_CATEGORY_MN)) != 0 && !contains(newer_than_bert, c);
}

bool is_cjk(char32_t c) { return c >= cjk[0].first && contains(cjk, c); }

}  // namespace attune::io::tokenizers::unicode
