#pragma once

#include <bitset>
#include <vector>

#include "unicode.h"

namespace attune::io::tokenizers {

// A set of characters, as regular expressions write it in brackets. What it holds is collected
// first; after close(), membership of ASCII is one look-up.
class CharacterSet {
 public:
  using Ascii = std::bitset<128>;

  // ignore_case adds the other case of ASCII letters, and what else Unicode folds to them: the long
  // s and the sign of Kelvin.
  void add_range(char32_t first, char32_t last, bool ignore_case);
  void add_categories(unicode::Categories categories);
  // The sets of \s, \w and \d, and those of \S, \W and \D: false if the letter is none of these.
  bool add_escape(char letter);
  void add(CharacterSet set) { nested_.push_back(std::move(set)); }
  void negate() { negated_ = true; }
  void close();

  bool contains(char32_t c) const { return c < 128 ? ascii_[c] : lookup(c); }
  const Ascii& ascii() const { return ascii_; }

 private:
  struct Range {
    char32_t first, last;
  };
  bool lookup(char32_t c) const;

  std::vector<Range> ranges_;
  std::vector<CharacterSet> nested_;
  unicode::Categories categories_ = 0;
  bool white_space_ = false, word_ = false, negated_ = false;
  Ascii ascii_;
};

}  // namespace attune::io::tokenizers
