#pragma once

#include <string_view>
#include <vector>

#include "character_set.h"

namespace attune::io::tokenizers {

enum class Repeat { greedy, lazy, possessive };

// A part of a regular expression.
struct RegexNode {
  enum class Kind {
    character,  // of `set`, min to max times
    group,      // one of the alternatives
    ahead,      // one of the alternatives would match here
    not_ahead,  // none would
    line_start,
    line_end
  };
  Kind kind = Kind::character;
  CharacterSet set;
  size_t min = 1, max = 1;
  Repeat repeat = Repeat::greedy;
  std::vector<std::vector<RegexNode>> alternatives;
};

// The pattern as one group. FormatError names what is not understood.
RegexNode parse_regex(std::string_view pattern);

}  // namespace attune::io::tokenizers
