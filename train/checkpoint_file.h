#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "../array/random.h"
#include "../array/state_dict.h"

namespace attune::train {

// The content of one checkpoint.
struct CheckpointFile {
  StateDict arrays;
  int64_t step = 0;
  std::optional<double> metric = {};
  RandomState random = {};
  std::map<std::string, std::string> settings = {};
};

// Writes one as safetensors, atomically, with a checksum over all of it in the metadata. IoError.
void write_checkpoint(const std::string& path, const CheckpointFile& content);

// Reads one into memory. FormatError if it is damaged in any bit, or no checkpoint. IoError.
CheckpointFile read_checkpoint(const std::string& path);

// Only the metric, unchecked; nullopt if there is none or the file cannot be read.
std::optional<double> peek_metric(const std::string& path);

}  // namespace attune::train
