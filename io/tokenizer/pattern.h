#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "text.h"

namespace attune::io::tokenizers {

// Finds the first match in a text that starts at byte `from` or later. What it tries is taken off
// the steps that are left for all matches of the text; FormatError when there are none: an
// expression that tries everything twice would take longer than anyone waits.
using Pattern =
    std::function<std::optional<Span>(std::string_view text, size_t from, size_t& steps)>;

constexpr size_t fewest_steps = 1'000'000, steps_per_byte = 1000;

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
  size_t steps = fewest_steps + steps_per_byte * text.size();
  for (size_t at = 0; at <= text.size();) {
    const std::optional<Span> match = pattern(text, at, steps);
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
