#pragma once

#include <map>
#include <string>

#include "../array/state_dict.h"

namespace attune::io {

// What a safetensors file holds: arrays by name, and free text by key.
struct Safetensors {
  StateDict arrays;
  std::map<std::string, std::string> metadata;
};

// Reads a file in the safetensors format, memory-mapped: arrays point into the file's pages and are
// read when touched; writing to them never reaches the file. dtypes F32, F64, BF16, I64 and BOOL.
// FormatError says what breaks the format or is not supported, IoError what the system refused.
Safetensors load_safetensors(const std::string& path);

// Writes one, atomically (see write_atomically), wide elements first and then in the order of
// names. ValueError if a name or metadata is no valid UTF-8.
void save_safetensors(const std::string& path, const StateDict& arrays,
                      const std::map<std::string, std::string>& metadata = {});

}  // namespace attune::io
