// For .cpp files that read or write JSON with nlohmann's library.
#pragma once

#include <fmt/format.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "error.h"

namespace attune {

// What the library says of an error, without its name for it in brackets: "parse error at line 1,
// column 12: …".
inline std::string json_problem(const nlohmann::json::exception& error) {
  const std::string_view text = error.what();
  const size_t name_end = text.starts_with("[json.exception.") ? text.find("] ") : text.npos;
  return one_line(name_end == text.npos ? text : text.substr(name_end + 2));
}

// Parses JSON, refusing what the library would let pass: a name twice in one object (also when
// spelled with escapes), deep nesting, and whatever follows a zero byte; also an object of more
// than most_names. FormatError tells the reason.
template <class Json = nlohmann::json>
Json parse_strict_json(std::string_view text, int deepest,
                       size_t most_names = std::numeric_limits<size_t>::max()) {
  using Event = typename Json::parse_event_t;
  std::vector<std::set<std::string>> names;
  const auto check = [&](int depth, Event event, const Json& parsed) {
    if (depth > deepest) throw FormatError("the JSON is nested too deeply");
    if (event == Event::object_start) names.emplace_back();
    if (event == Event::object_end) names.pop_back();
    if (event == Event::key && !names.back().insert(parsed.template get<std::string>()).second)
      throw FormatError(fmt::format("the name \"{}\" occurs twice",
                                    one_line(parsed.template get<std::string>())));
    if (event == Event::key && names.back().size() > most_names)
      throw FormatError(fmt::format("an object has more than {} names", most_names));
    return true;
  };
  // The library takes a zero byte for the end of the text.
  if (text.find('\0') != text.npos) throw FormatError("not valid JSON: it holds a zero byte");
  try {
    return Json::parse(text, check);
  } catch (const nlohmann::json::exception& error) {
    throw FormatError("not valid JSON: " + json_problem(error));
  }
}

}  // namespace attune
