#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "text.h"

namespace attune::io::tokenizers {

// Finds the first match in a text that starts at byte `from` or later.
using Pattern = std::function<std::optional<Span>(std::string_view text, size_t from)>;

// Matches the text itself. An empty one never matches.
Pattern literal(std::string text);

// Matches a regular expression in the syntax of Oniguruma, as far as published tokenizers use it:
// alternatives, groups (?:…) and (?i:…), classes with ranges, negation and nested classes, \p{L},
// \s, \d, \w, ^, $, look-ahead, greedy, lazy and possessive ? * + {m,n} on characters, and ? on
// groups. FormatError says what else a pattern asks for. The first alternative that leads to a
// match wins. Matching is recursive only as deep as the pattern is long.
Pattern regex(std::string_view pattern);

// Calls f(span) for the matches of a text, from left to right, without overlap.
template <class F>
void each_match(const Pattern& pattern, std::string_view text, F&& f) {
  std::optional<size_t> last_end;
  for (size_t at = 0; at <= text.size();) {
    const std::optional<Span> match = pattern(text, at);
    if (!match) return;
    const bool empty = match->begin == match->end;
    if (!empty || match->end != last_end) f(*match);
    last_end = match->end;
    at = match->end;
    if (!empty) continue;
    do ++at;
    while (at < text.size() && (text[at] & 0xC0) == 0x80);
  }
}

}  // namespace attune::io::tokenizers
