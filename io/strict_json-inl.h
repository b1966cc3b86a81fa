// For .cpp files that read or write JSON with nlohmann's library.
#pragma once

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "../array/error.h"

namespace attune::io {

// Parses JSON, refusing what the library would let pass: a name twice in one object (also when
// spelled with escapes) and deep nesting. FormatError tells the reason.
inline nlohmann::json parse_strict_json(std::string_view text, int deepest) {
  using Event = nlohmann::json::parse_event_t;
  std::vector<std::set<std::string>> names;
  const auto check = [&](int depth, Event event, const nlohmann::json& parsed) {
    if (depth > deepest) throw FormatError("the JSON is nested too deeply");
    if (event == Event::object_start) names.emplace_back();
    if (event == Event::object_end) names.pop_back();
    if (event == Event::key && !names.back().insert(parsed.get<std::string>()).second)
      throw FormatError(fmt::format("the name \"{}\" occurs twice", parsed.get<std::string>()));
    return true;
  };
  try {
    return nlohmann::json::parse(text, check);
  } catch (const nlohmann::json::exception& error) {
    throw FormatError(fmt::format("not valid JSON: {}", error.what()));
  }
}

}  // namespace attune::io
