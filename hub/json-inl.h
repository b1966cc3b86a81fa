// For .cpp files that read or write JSON.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "../array/fail.h"
#include "../array/strict_json-inl.h"
#include "../io/file.h"

namespace attune::hub {

using Json = nlohmann::json;

// The content of a JSON file. FormatError if it is not valid, names something twice in one object,
// is nested too deeply or larger than such files are.
inline Json read_json(const std::string& path) {
  constexpr int deepest = 32;
  const std::string text = io::read_file(path, most_json_bytes);
  try {
    return parse_strict_json(text, deepest);
  } catch (const FormatError& error) {
    fail<FormatError>("read_json", "{}: {}", path, error.what());
  }
}

}  // namespace attune::hub
