#include "checkpoint.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>

#include "../array/fail.h"
#include "../io/file.h"
#include "../nn/models/config_fields.h"
#include "json-inl.h"
#include "problems.h"

namespace attune::hub {
namespace {

constexpr const char* single_file = "model.safetensors";
constexpr const char* index_file = "model.safetensors.index.json";

template <class... Args>
[[noreturn]] void refuse(const std::string& folder, fmt::format_string<Args...> format,
                         Args&&... args) {
  fail<FormatError>("checkpoint", "{}: {}", folder,
                    fmt::format(format, std::forward<Args>(args)...));
}

// The files that an index names, each with the tensors it should hold.
std::map<std::string, std::set<std::string>> parse_index(const std::string& folder) {
  const Json index = read_json(path_in(folder, index_file));
  if (!index.is_object() || !index.contains("weight_map") || !index["weight_map"].is_object())
    refuse(folder, "{} has no weight_map", index_file);
  std::map<std::string, std::set<std::string>> files;
  for (const auto& [name, file] : index["weight_map"].items()) {
    if (!file.is_string()) refuse(folder, "{} gives \"{}\" no file", index_file, one_line(name));
    files[file.get<std::string>()].insert(name);
  }
  return files;
}

}  // namespace

std::string path_in(const std::string& folder, const std::string& file) {
  return io::path_in("checkpoint", folder, file);
}

std::string model_type(const std::string& folder) {
  return nn::models::model_type_of(Checkpoint::read_config(folder), folder + "/config.json");
}

std::string Checkpoint::read_config(const std::string& folder) {
  return io::read_file(path_in(folder, "config.json"), most_json_bytes);
}

Checkpoint::Checkpoint(const std::string& folder) : folder_(folder) {
  const auto exists = [&](const char* file) { return io::exists(folder + "/" + file); };
  if (exists(index_file) && !exists(single_file)) {
    open_shards();
    return;
  }
  if (!exists(single_file) && exists("pytorch_model.bin"))
    refuse(folder,
           "has pytorch_model.bin but no {}; save_pretrained of a recent transformers "
           "writes one",
           single_file);
  open(single_file);
}

void Checkpoint::open(const std::string& file) {
  io::SafetensorsFile opened(path_in(folder_, file));
  if (!files_.empty())
    for (const std::string& name : opened.names())
      if (contains(name))
        refuse(folder_, "\"{}\" lies in two files, one of them {}", one_line(name), one_line(file));
  files_.push_back(std::move(opened));
}

void Checkpoint::open_shards() {
  detail::Problems problems;
  for (const auto& [file, expected] : parse_index(folder_)) {
    open(file);
    const io::SafetensorsFile& opened = files_.back();
    for (const std::string& name : expected)
      if (!opened.contains(name)) problems.add(fmt::format("\"{}\" is not in {}", name, file));
    for (const std::string& name : opened.names())
      if (!expected.contains(name))
        problems.add(fmt::format("\"{}\" in {} is not listed", name, file));
  }
  if (!problems.empty())
    refuse(folder_, "{} disagrees with its files: {}", index_file, problems.text());
}

std::vector<std::string> Checkpoint::names() const {
  std::vector<std::string> names;
  for (const io::SafetensorsFile& file : files_) {
    auto some = file.names();
    names.insert(names.end(), std::move_iterator(some.begin()), std::move_iterator(some.end()));
  }
  std::sort(names.begin(), names.end());
  return names;
}

bool Checkpoint::contains(const std::string& name) const { return find(name) != nullptr; }

const io::SafetensorsFile* Checkpoint::find(const std::string& name) const {
  for (const io::SafetensorsFile& file : files_)
    if (file.contains(name)) return &file;
  return nullptr;
}

const io::SafetensorsFile& Checkpoint::file_of(const std::string& name) const {
  const io::SafetensorsFile* file = find(name);
  if (!file) fail<IndexError>("checkpoint", "{} has no \"{}\"", folder_, name);
  return *file;
}

Shape Checkpoint::shape(const std::string& name) const { return file_of(name).shape(name); }

DType Checkpoint::dtype(const std::string& name) const { return file_of(name).dtype(name); }

Array Checkpoint::get(const std::string& name) const { return file_of(name).get(name); }

}  // namespace attune::hub
