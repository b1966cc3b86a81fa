#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "../array/array.h"

namespace attune::io {

// A dtype of the format, and that of arrays made from it.
struct StoredType {
  const char* name;
  size_t bytes;
  DType dtype;
  void (*widen)(const void* from, int64_t count, Array& to);  // null where the dtype is the same
};

// Null for a name that cannot be read.
const StoredType* stored_type(std::string_view name);

// What a header says of one array.
struct SafetensorsEntry {
  const StoredType* stored = nullptr;
  Shape shape;
  uint64_t begin = 0, end = 0;  // bytes, counted from the end of the header
};

struct SafetensorsHeader {
  std::map<std::string, SafetensorsEntry> entries;
  std::map<std::string, std::string> metadata;
};

// Reads and checks the text of a header whose arrays must fill `data_bytes` bytes without holes or
// overlaps. Memory stays in proportion to the entries that are valid. FormatError with the reason.
SafetensorsHeader parse_safetensors_header(std::string_view text, uint64_t data_bytes);

}  // namespace attune::io
