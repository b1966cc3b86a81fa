// For .cpp files that read or write JSON with nlohmann's library.
#pragma once

#include <limits>
#include <nlohmann/json.hpp>
#include <string_view>

namespace attune {

// What a tree of JSON may be made from, so that none takes more than some 200 MB: far more than any
// configuration, index or list of added tokens has.
constexpr size_t most_json_bytes = size_t{1} << 25, most_json_values = size_t{1} << 19;

// Refuses what the library would let pass: a name twice in one object (also when spelled with
// escapes), nesting deeper than `deepest`, and whatever follows a zero byte; also what is larger
// than trees may be, a byte order mark, and an object of more than most_names, or all together of
// twice as many. FormatError tells the reason.
void check_strict_json(std::string_view text, int deepest,
                       size_t most_names = std::numeric_limits<size_t>::max());

// Parses JSON that check_strict_json accepts. The library could ask about each value as it parses,
// but then takes time quadratic in the length of a list of objects.
template <class Json = nlohmann::json>
Json parse_strict_json(std::string_view text, int deepest,
                       size_t most_names = std::numeric_limits<size_t>::max()) {
  check_strict_json(text, deepest, most_names);
  return Json::parse(text);
}

}  // namespace attune
