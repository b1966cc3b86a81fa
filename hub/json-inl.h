// For .cpp files that read or write JSON.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "../array/fail.h"
#include "../io/file.h"

namespace attune::hub {

using Json = nlohmann::json;

// The content of a JSON file. FormatError if it is not valid or nested too deeply.
inline Json read_json(const std::string& path) {
  constexpr int deepest = 32;
  const auto shallow = [&](int depth, Json::parse_event_t, Json&) {
    if (depth > deepest) fail<FormatError>("read_json", "{} is nested too deeply", path);
    return true;
  };
  try {
    return Json::parse(io::read_file(path), shallow);
  } catch (const Json::exception& error) {
    fail<FormatError>("read_json", "{} is not valid JSON: {}", path, error.what());
  }
}

}  // namespace attune::hub
