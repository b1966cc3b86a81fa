#include "character_set.h"

#include <algorithm>
#include <utility>

namespace attune::io::tokenizers {
namespace {

// \w of Oniguruma: without the joiners that Unicode counts among it, but with ¹ ² ³ ¼ ½ ¾.
bool is_oniguruma_word(char32_t c) {
  if (c == 0x200C || c == 0x200D) return false;
  return unicode::is_word(c) || c == 0xB2 || c == 0xB3 || c == 0xB9 || (c >= 0xBC && c <= 0xBE);
}

}  // namespace

void CharacterSet::add_range(char32_t first, char32_t last, bool ignore_case) {
  constexpr char32_t to_other_case = 'a' - 'A';
  constexpr std::pair<char32_t, char32_t> folded[] = {{'s', 0x17F}, {'k', 0x212A}};
  ranges_.push_back({first, last});
  if (!ignore_case) return;
  const auto add_overlap = [&](char32_t low, char32_t high, int64_t shift) {
    low = std::max(first, low);
    high = std::min(last, high);
    if (low <= high)
      ranges_.push_back({static_cast<char32_t>(low + shift), static_cast<char32_t>(high + shift)});
  };
  add_overlap('A', 'Z', to_other_case);
  add_overlap('a', 'z', -int64_t{to_other_case});
  const auto holds = [&](char32_t c) { return first <= c && c <= last; };
  for (const auto& [letter, other] : folded)
    if (holds(letter) || holds(letter - to_other_case)) ranges_.push_back({other, other});
}

void CharacterSet::add_categories(unicode::Categories categories) { categories_ |= categories; }

bool CharacterSet::add_escape(char letter) {
  CharacterSet set;
  switch (letter) {
    case 's':
    case 'S':
      set.white_space_ = true;
      break;
    case 'w':
    case 'W':
      set.word_ = true;
      break;
    case 'd':
    case 'D':
      set.categories_ = unicode::categories_named("Nd");
      break;
    default:
      return false;
  }
  set.negated_ = letter < 'a';
  add(std::move(set));
  return true;
}

void CharacterSet::close() {
  for (char32_t c = 0; c < 128; ++c) ascii_[c] = lookup(c);
}

bool CharacterSet::lookup(char32_t c) const {
  const bool found =
      std::any_of(ranges_.begin(), ranges_.end(),
                  [c](const Range& range) { return range.first <= c && c <= range.last; }) ||
      (categories_ != 0 && (unicode::category(c) & categories_) != 0) ||
      (white_space_ && unicode::is_white_space(c)) || (word_ && is_oniguruma_word(c)) ||
      std::any_of(nested_.begin(), nested_.end(),
                  [c](const CharacterSet& set) { return set.lookup(c); });
  return found != negated_;
}

}  // namespace attune::io::tokenizers
