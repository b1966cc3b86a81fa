// For .cpp files that read or write JSON with nlohmann's library.
#pragma once

#include <limits>
#include <nlohmann/json.hpp>
#include <string>
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

// What follows takes nlohmann::json or nlohmann::ordered_json, and is compiled once: the library's
// parser and writer take a compiler seconds in each file that calls them.

// Parses JSON that check_strict_json accepts. The library could ask about each value as it parses,
// but then takes time quadratic in the length of a list of objects.
template <class Json = nlohmann::json>
Json parse_strict_json(std::string_view text, int deepest,
                       size_t most_names = std::numeric_limits<size_t>::max());

// Parses our own JSON, or what others may have added to: a name twice and any nesting pass. What is
// not JSON gives a value that is_discarded().
template <class Json = nlohmann::json>
Json parse_json(std::string_view text);

// The text of a tree, on one line or indented by so many spaces. ValueError if it holds what is not
// UTF-8, as JSON must be.
template <class Json>
std::string json_text(const Json& tree, int indent = -1);

// The same on one line, with U+FFFD for what is not UTF-8.
template <class Json>
std::string repaired_json_text(const Json& tree);

}  // namespace attune
