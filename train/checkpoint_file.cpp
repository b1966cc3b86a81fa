#include "checkpoint_file.h"

#include <charconv>
#include <map>

#include "../array/fail.h"
#include "../io/checksum.h"
#include "../io/safetensors.h"
#include "../kernels/copy.h"

namespace attune::train {
namespace {

using Metadata = std::map<std::string, std::string>;

constexpr const char* version_key = "attune.checkpoint";
constexpr const char* version = "1";
constexpr const char* checksum_key = "checksum";
constexpr std::string_view setting_prefix = "setting.";

// Texts are added with their end, so that no two contents run together.
void add_text(io::Crc64& crc, const std::string& text) { crc.add(text.c_str(), text.size() + 1); }

std::string checksum(const StateDict& arrays, const Metadata& metadata) {
  io::Crc64 crc;
  for (const auto& [key, value] : metadata) {
    if (key == checksum_key) continue;
    add_text(crc, key);
    add_text(crc, value);
  }
  for (const auto& [name, array] : arrays) {
    add_text(crc, name);
    add_text(crc, fmt::format("{} {}", name_of(array.dtype()), to_string(array.shape())));
    const Array dense = kernels::contiguous(array);
    crc.add(dense.raw_data(), static_cast<size_t>(dense.numel()) * size_of(dense.dtype()));
  }
  return fmt::format("{:016x}", crc.value());
}

template <class T>
std::optional<T> number(const Metadata& metadata, const std::string& key) {
  const auto found = metadata.find(key);
  if (found == metadata.end()) return {};
  const std::string& text = found->second;
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return {};
  return value;
}

Metadata settings_in(const Metadata& metadata) {
  Metadata settings;
  for (const auto& [key, value] : metadata)
    if (key.starts_with(setting_prefix)) settings.emplace(key.substr(setting_prefix.size()), value);
  return settings;
}

}  // namespace

void write_checkpoint(const std::string& path, const CheckpointFile& content) {
  Metadata metadata{{version_key, version},
                    {"step", fmt::format("{}", content.step)},
                    {"random.seed", fmt::format("{}", content.random.seed)},
                    {"random.draw", fmt::format("{}", content.random.draw)}};
  if (content.metric) metadata.emplace("metric", fmt::format("{}", *content.metric));
  for (const auto& [name, value] : content.settings)
    metadata.emplace(std::string(setting_prefix).append(name), value);
  metadata.emplace(checksum_key, checksum(content.arrays, metadata));
  io::save_safetensors(path, content.arrays, metadata);
}

CheckpointFile read_checkpoint(const std::string& path) {
  auto [arrays, metadata] = io::load_safetensors(path, io::SafetensorsFile::Access::read);
  const auto known = metadata.find(version_key), sum = metadata.find(checksum_key);
  if (known == metadata.end() || known->second != version || sum == metadata.end())
    fail<FormatError>("Checkpoint", "{}: not a checkpoint of version {}", path, version);
  if (const std::string actual = checksum(arrays, metadata); actual != sum->second)
    fail<FormatError>("Checkpoint", "{}: its content has checksum {}, not {} as when it was saved",
                      path, actual, sum->second);
  const auto step = number<int64_t>(metadata, "step");
  const auto seed = number<uint64_t>(metadata, "random.seed");
  const auto draw = number<uint64_t>(metadata, "random.draw");
  if (!step || *step < 0 || !seed || !draw)
    fail<FormatError>("Checkpoint", "{}: no step or random state in the metadata", path);
  return {std::move(arrays),
          *step,
          number<double>(metadata, "metric"),
          {*seed, *draw},
          settings_in(metadata)};
}

std::optional<double> peek_metric(const std::string& path) {
  try {
    return number<double>(io::SafetensorsFile(path).metadata(), "metric");
  } catch (const Error&) {
    return {};
  }
}

}  // namespace attune::train
